"""Records that were deleted from the topic before they were read, in words for people."""

from crm_shared.kafka_gaps import Gap


def sentence(gap: Gap) -> str:
    """What was lost, and what to do."""
    return (
        f"Work on partition {gap.partition} of {gap.topic} had stopped before offset "
        f"{gap.first}, and the topic now begins at {gap.last + 1}: {gap.records} records "
        "were deleted unread, and reminders for them are missing. Have the core bank send that "
        "period again (events known by their ids change nothing), and give the topic a "
        "retention longer than any standstill."
    )
