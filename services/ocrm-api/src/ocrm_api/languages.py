"""The two languages of the product: zh-CN is the default, en is the other."""

from typing import Literal, NamedTuple

Language = Literal["zh-CN", "en"]
DEFAULT: Language = "zh-CN"


class Text(NamedTuple):
    """A text a person reads, in both languages."""

    zh: str
    en: str

    def in_(self, language: Language) -> str:
        """The text in one language."""
        return self.en if language == "en" else self.zh


def choose(accept_language: str | None) -> Language:
    """The best language for an `Accept-Language` header; zh-CN where none fits."""
    best: tuple[float, Language] = (0.0, DEFAULT)
    for part in (accept_language or "").split(",")[:20]:
        tag, _, parameters = part.strip().partition(";")
        language = _supported(tag)
        quality = _quality(parameters)
        if language is not None and quality > best[0]:
            best = (quality, language)
    return best[1]


def _supported(tag: str) -> Language | None:
    primary = tag.strip().lower().partition("-")[0]
    return "zh-CN" if primary == "zh" else "en" if primary == "en" else None


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
