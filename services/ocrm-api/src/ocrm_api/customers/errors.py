"""What can go wrong with customers."""

from ocrm_api.languages import Text
from ocrm_api.problems import Problem


class RevealQuotaUsed(Problem):
    """The user has seen as much personal data today as one may."""

    code = "reveal_quota_used"
    status = 429
    title = Text("查看次数已用完", "The quota of reveals is used")
    sentence = Text(
        "24 小时内最多可查看 {quota} 次客户敏感信息，请稍后再试或联系系统管理员。",
        "Personal data may be revealed {quota} times in 24 hours; wait, or ask the administrator.",
    )


class SearchQuotaUsed(Problem):
    """The user has searched by phone or document number as often as one may within an hour."""

    code = "search_quota_used"
    status = 429
    title = Text("搜索次数已用完", "The quota of searches is used")
    sentence = Text(
        "每小时最多可按手机号或证件号搜索 {quota} 次，请稍后再试或联系系统管理员。",
        "Phone and document numbers may be searched {quota} times an hour; wait, or ask the"
        " administrator.",
    )
