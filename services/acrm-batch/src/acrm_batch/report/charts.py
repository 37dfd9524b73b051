"""Charts as inline SVG: horizontal bars, which are compared best, and bars that go both ways."""

from collections.abc import Sequence
from html import escape
from unicodedata import east_asian_width

_ROW = 20
_LABEL = 300
_LABEL_UNITS = 38
_BARS = 430
_VALUE = 110
_WIDTH = _LABEL + _BARS + _VALUE


def bars(
    rows: Sequence[tuple[str, float, str]],
    *,
    marks: Sequence[tuple[float, str]] = (),
    kinds: Sequence[str] = (),
) -> str:
    """A bar per row of (label, value ≥ 0, what is written behind it), with marks at values, each
    in the colour of its kind."""
    most = max([value for _, value, _ in rows] + [at for at, _ in marks], default=0.0) or 1.0
    lines = []
    for number, (label, value, written) in enumerate(rows):
        y = number * _ROW
        width = max(1.0, value / most * _BARS) if value else 0.0
        lines.append(
            _label(label, y)
            + f'<rect class="{kinds[number] if kinds else "bar"}" x="{_LABEL}" y="{y + 4}"'
            f' width="{width:.1f}" height="12"/>'
            + f'<text x="{_LABEL + width + 6:.1f}" y="{y + 14}">{escape(written)}</text>'
        )
    height = len(rows) * _ROW
    for at, name in marks:
        x = _LABEL + at / most * _BARS
        lines.append(
            f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}"/>'
            f'<text class="faint" x="{x:.1f}" y="{height + 13}" text-anchor="middle">'
            f"{escape(name)}</text>"
        )
    return _svg(lines, height + (16 if marks else 0))


def both_ways(rows: Sequence[tuple[str, float, str]]) -> str:
    """A bar per row of (label, change, what is written), to the left where it is negative."""
    most = max((abs(change) for _, change, _ in rows), default=0.0) or 1.0
    half = _BARS / 2
    middle = _LABEL + half
    lines = []
    for number, (label, change, written) in enumerate(rows):
        y = number * _ROW
        width = max(1.0, abs(change) / most * (half - 4)) if change else 0.0
        x = middle - width if change < 0 else middle
        lines.append(
            _label(label, y)
            + f'<rect class="{"less" if change < 0 else "more"}" x="{x:.1f}" y="{y + 4}"'
            f' width="{width:.1f}" height="12"/>'
            + f'<text x="{_LABEL + _BARS + 6}" y="{y + 14}">{escape(written)}</text>'
        )
    height = len(rows) * _ROW
    axis = f'<line class="axis" x1="{middle}" x2="{middle}" y1="0" y2="{height}"/>'
    return _svg([axis, *lines], height)


def _label(label: str, y: int) -> str:
    fitted = _fitted(label)
    title = f"<title>{escape(label)}</title>" if fitted != label else ""
    return f'<text x="{_LABEL - 8}" y="{y + 14}" text-anchor="end">{escape(fitted)}{title}</text>'


def _fitted(label: str) -> str:
    """As much of a label as there is room for; Chinese characters are twice as wide."""
    room, kept = _LABEL_UNITS, ""
    for character in label:
        room -= 2 if east_asian_width(character) in "WF" else 1
        if room < 0:
            return kept[:-1] + "…"
        kept += character
    return label


def _svg(lines: Sequence[str], height: int) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img">'
        + "".join(lines)
        + "</svg>"
    )
