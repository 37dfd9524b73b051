"""What can go wrong with notifications."""

from crm_shared.errors import CrmError


class NotDeliveredError(CrmError):
    """An attempt to hand a notification over failed; its sentence is kept for the operator."""

    code = "not_delivered"


class NotificationRefusedError(NotDeliveredError):
    """The channel works, and will not take this one; `for_good` where asking again is no use."""

    def __init__(self, sentence: str, *, for_good: bool) -> None:
        super().__init__(sentence)
        self.for_good = for_good
