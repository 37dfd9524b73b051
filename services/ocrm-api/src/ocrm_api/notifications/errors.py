"""What can go wrong with notifications."""

from crm_shared.errors import CrmError


class NotDeliveredError(CrmError):
    """An attempt to hand a notification over failed; its sentence is kept for the operator."""

    code = "not_delivered"
