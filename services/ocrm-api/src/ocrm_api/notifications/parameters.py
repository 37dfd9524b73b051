"""The parameters of notifications."""

from ocrm_api.languages import Text
from ocrm_api.parameters import Parameter

URGENT_PRIORITY = Parameter(
    "notification.urgent_priority",
    Text("即时通知的最低优先级", "Lowest priority that is notified of at once"),
    Text("优先级，0 为仅上报的提醒", "priority, 0 for only what went to the head"),
    lambda _: 1,
    most=5,
)

#: Every parameter of notifications by its code.
PARAMETERS = {URGENT_PRIORITY.code: URGENT_PRIORITY}
