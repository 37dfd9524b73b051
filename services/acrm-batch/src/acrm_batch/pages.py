"""Pages for people: written whole or not at all."""

from pathlib import Path

from crm_shared.errors import CrmError


def write(path: Path, page: str) -> Path:
    """A page, put in place by a rename; `CrmError` where it cannot be written."""
    aside = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(page, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise CrmError(
            f"The page {path} cannot be written ({error.strerror}); make room, or give the right"
            " to write there."
        ) from error
    return path
