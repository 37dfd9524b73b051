"""What published tables are called, and what they hold, for Chinese readers of the dictionary.

English readers have `PublishedTable.description`.
"""

from typing import NamedTuple


class TableNames(NamedTuple):
    """A table's short names, and what it holds in Chinese."""

    zh: str
    en: str
    description_zh: str


_NAMES = {
    "org_units": TableNames(
        "机构", "Organisation units", "当日存续的机构及其所属行社。"
    ),
    "employees": TableNames("员工", "Employees", "当日的员工。"),
    "employee_roles": TableNames("员工岗位", "Roles of employees", "当日有效的岗位。"),
    "customers": TableNames(
        "客户", "Customers", "全部客户，含有效客户和失效客户；电话和证件号码均已加密。"
    ),
    "customer_relations": TableNames(
        "客户关系", "Relations of customers",
        "当日有效的客户关系；能看到 `customer_id` 的人可见。",
    ),
    "coverage": TableNames(
        "客户归属", "Coverage",
        "谁管护谁：每个有效客户恰有一行主办，另有协办各行。金额按该行所属网点可见的范围列示："
        "主办行为全省联社口径，协办行为本网点口径。协办行的 `rule` 和 `is_key_customer` 为空，"
        "因为它们由全省联社的业务得出，会泄露本网点看不到的存款、贷款和卡。",
    ),
    "coverage_decisions": TableNames(
        "归属判定依据", "Decisions of coverage",
        "主办网点为何是该网点：规则、规则版本和判定所依据的数值。",
    ),
    "coverage_proposals": TableNames(
        "归属调整建议", "Proposals of coverage",
        "主办网点负责人可以改派给其他客户经理的客户及原因。建议本身不改变归属，"
        "在被采纳或原因消失之前每晚保留。",
    ),
    "customer_indicators": TableNames(
        "客户指标", "Indicators of customers", "按编码列示的客户指标，全省联社口径。"
    ),
    "customer_branch_indicators": TableNames(
        "客户网点指标", "Indicators of customers at branches",
        "按编码列示的客户在本网点的指标；可加指标相加等于客户的指标。",
    ),
    "customer_tags": TableNames(
        "客户标签", "Tags of customers",
        "客户身上成立的末级标签（路径）。标签由全省联社的业务得出，协办网点不可见。",
    ),
    "potential_customers": TableNames(
        "潜在客户", "Potential customers",
        "成立的潜在客户标签，附强度（0 至 100）和名单可用的最后一天。",
    ),
    "holdings": TableNames(
        "持有业务", "Holdings",
        "存款、贷款、卡、理财和代扣约定（附其账户的网点和日期）：主办网点可见全部，"
        "协办网点只见本网点的。",
    ),
    "branch_indicators": TableNames(
        "机构指标", "Indicators of organisation units", "按编码列示的网点、行社和全省联社指标。"
    ),
    "due_reminders": TableNames(
        "到期提醒", "Due reminders", "当晚的到期提醒，与发送到 `crm.reminders.v1` 的相同。"
    ),
    "over_contact": TableNames(
        "过度触达", "Over-contact",
        "营销触达超过上限的客户，附计入的触达所属的活动和渠道。",
    ),
    "visit_quotas": TableNames(
        "走访任务", "Visit quotas",
        "因在全省联社的贷款而应于本月走访的客户，以及是否已走访。",
    ),
    "campaign_results": TableNames(
        "活动评估", "Results of campaigns",
        "活动的响应、转化、相对对照组的增量（附 95% 区间）和成本：总计、按名单的网点和客户经理、"
        "按首次触达的渠道。`grain` 说明是哪一种；不适用的字段为空文本。",
    ),
    "manager_indicators": TableNames(
        "客户经理指标", "Indicators of managers",
        "按编码列示的客户经理在网点所负责业务的指标；无人负责的业务归虚拟客户经理。",
    ),
    "manager_rankings": TableNames(
        "客户经理排名", "Rankings of managers",
        "客户经理某项指标在本网点和本行社的名次；数值最大者第一，LOAN_NPL_RATIO 最小者第一，"
        "数值相同名次相同。",
    ),
    "branch_rankings": TableNames(
        "网点排名", "Rankings of branches",
        "网点某项指标在本行社和全省联社的名次；数值最大者第一，LOAN_NPL_RATIO 最小者第一，"
        "数值相同名次相同。",
    ),
    "dictionary": TableNames(
        "数据字典", "Dictionary", "形成当日数据的目录中的全部指标和标签。"
    ),
}  # fmt: skip


def names_of(table: str) -> TableNames:
    """The names of a published table; KeyError if nobody named it."""
    return _NAMES[table]
