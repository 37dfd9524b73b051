"""What the sources of a reminder say, and which of their words holds.

A reminder may have two sources: the stream and the batch raise some facts under the same id, and
each counts revisions by itself. Of one source the greatest revision holds, and of one revision the
withdrawal. Of several sources the one whose word is newest, by event time, holds; of two at the
same time the withdrawal. So nothing depends on the order of arrival.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm_shared.events.reminders import ReminderRaised, ReminderWithdrawn
from crm_shared.reminder_rules import RULES


@dataclass(frozen=True, slots=True)
class Word:
    """The last that a source said of a reminder, and the event time of it."""

    revision: int
    withdrawn: bool
    at: datetime

    def is_after(self, other: "Word") -> bool:
        """Whether it replaces another word of the same source."""
        return self._order() > other._order()

    def said(self, other: "Word") -> bool:
        """Whether it says the same as another, at whatever time."""
        return (self.revision, self.withdrawn) == (other.revision, other.withdrawn)

    def _order(self) -> tuple[int, bool, datetime]:
        return self.revision, self.withdrawn, self.at


#: By source.
Words = Mapping[str, Word]


def word_of(event: ReminderRaised | ReminderWithdrawn) -> Word:
    """The word that an event is; its source is the event's producer."""
    return Word(event.revision, isinstance(event, ReminderWithdrawn), event.occurred_at)


def heard(words: Words, event: ReminderRaised | ReminderWithdrawn) -> Words:
    """The words after an event; the same where its source has said as much already.

    The batch says every night what still holds. The time of that counts only where another source
    may have said something since; elsewhere nothing is to be written for it.
    """
    word, known = word_of(event), words.get(event.producer)
    if known is not None:
        if not word.is_after(known):
            return words
        if word.said(known) and RULES[event.rule_code].path != "both":
            return words
    return {**words, event.producer: word}


def has_grown(before: Words, after: Words, source: str) -> bool:
    """Whether a source came to a greater revision."""
    known = before.get(source)
    return after[source].revision > (1 if known is None else known.revision)


def holding(words: Words) -> str:
    """The source whose word holds."""
    return max(words, key=lambda source: (words[source].at, words[source].withdrawn, source))


def stands(words: Words) -> bool:
    """Whether the reminder stands by the word that holds."""
    return not words[holding(words)].withdrawn


def stored(words: Words) -> dict[str, Any]:
    """Words as the database keeps them."""
    return {
        source: {"revision": one.revision, "withdrawn": one.withdrawn, "at": one.at.isoformat()}
        for source, one in sorted(words.items())
    }


def read(kept: Mapping[str, Any]) -> Words:
    """Words as the database kept them."""
    return {
        source: Word(one["revision"], one["withdrawn"], datetime.fromisoformat(one["at"]))
        for source, one in kept.items()
    }
