"""Canaries: small records in the bank's topics by which alerting proves that it works on them.

No fact of the bank: whoever else reads those topics passes over them.
"""

from typing import Literal

from crm_shared.events.envelope import Event


class CanarySent(Event):
    """A member of alerting wrote this to a partition that it works on; it says nothing else."""

    type: Literal["canary.sent"] = "canary.sent"

    @property
    def key(self) -> bytes:
        """One key for all, so that a compacted topic keeps only the newest of each partition."""
        return b"canary"
