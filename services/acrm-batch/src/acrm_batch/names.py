"""Names that say nothing: of parameters, and of the levels of tags."""

import re
from collections.abc import Iterator

from acrm_batch.catalogue import Catalogue

_CHINESE = re.compile("[\u4e00-\u9fff]")


def name_faults(catalogue: Catalogue) -> Iterator[str]:
    """One sentence per parameter or level of tags without names of its own in both languages."""
    for code in sorted(catalogue.parameter_codes):
        zh, en = catalogue.parameter_names.get(code, ("", ""))
        if not (_CHINESE.search(zh) and en):
            yield f"Parameter {code} needs a name in both languages in catalogue/params."
        elif _bare(en) in (_bare(code), _bare(code.partition(".")[2])):
            yield f"The name of parameter {code} only repeats its code; say what it decides."
    named = catalogue.level_names
    for path in sorted(catalogue.levels.keys() - named.keys()):
        yield f"The level {path} of tags has no names; add it to catalogue/tag_levels.yml."
    for path in sorted(named.keys() - catalogue.levels.keys()):
        yield f"No tag is below the level {path}; take it out of catalogue/tag_levels.yml."
    for path, (zh, en) in named.items():
        if not (_CHINESE.search(zh) and en):
            yield f"The level {path} of tags needs a name in both languages."


def _bare(text: str) -> str:
    """A name or code without its signs and case, so that `Due loan days` is `due.loan_days`."""
    return re.sub(r"[\W_]+", "", text).lower()
