"""Canaries: small records by which alerting proves that it works: in the bank's topics, that it has
worked on what came before them; among the reminders, that the OCRM has taken in what was told.

No fact of the bank: whoever else reads those topics passes over them.
"""

from typing import Literal

from crm_shared.events.envelope import Event


class CanarySent(Event):
    """A member of alerting wrote this to a partition; it says nothing else."""

    type: Literal["canary.sent"] = "canary.sent"

    @property
    def key(self) -> bytes:
        """One key for all, so that a compacted topic keeps only the newest of each partition."""
        return b"canary"
