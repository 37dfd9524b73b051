"""The codes of reminders: one registry for both paths, batch and stream.

The business key of a reminder is (code, subject, window); `subject` and `window` below are the
templates both producers fill in. Source of the classes: the five classes of reminders of the
Fujian Rural Credit Union paper (R01 funds movement, R02 due, R03 overdue, R04 care, R05 work).
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """One kind of reminder: its code, names, business key and default priority (1 is highest)."""

    code: str
    name_zh: str
    name_en: str
    path: Literal["stream", "batch", "both"]
    subject: str
    window: str
    priority: int


_RULES = (
    ReminderRule("R01.LARGE_INFLOW", "大额资金流入", "Large inflow", "stream",
                 "customer:{customer_id}", "txn:{txn_id}", 2),
    ReminderRule("R01.LARGE_OUTFLOW", "大额资金流出", "Large outflow", "stream",
                 "customer:{customer_id}", "txn:{txn_id}", 1),
    ReminderRule("R01.FREQUENT_TRANSFERS_OUT", "频繁转账他行", "Frequent transfers to other banks",
                 "stream", "customer:{customer_id}", "day:{date}", 2),
    ReminderRule("R01.ACCOUNT_CLOSED", "存款销户", "Deposit account closed", "stream",
                 "account:{account_id}", "closed:{date}", 1),
    ReminderRule("R01.LARGE_CARD_SPEND", "贷记卡大额消费", "Large card spending", "stream",
                 "card:{card_id}", "card_txn:{card_txn_id}", 3),
    ReminderRule("R02.LOAN_MATURES", "贷款到期", "Loan matures", "batch",
                 "loan:{loan_id}", "due:{date}", 2),
    ReminderRule("R02.REPAYMENT_DUE", "贷款还款到期", "Loan repayment due", "batch",
                 "loan:{loan_id}", "due:{date}", 3),
    ReminderRule("R02.CARD_REPAYMENT_DUE", "贷记卡还款到期", "Card repayment due", "batch",
                 "card:{card_id}", "due:{date}", 3),
    ReminderRule("R02.DEPOSIT_MATURES", "定期存款到期", "Deposit matures", "batch",
                 "account:{account_id}", "due:{date}", 2),
    ReminderRule("R02.WEALTH_MATURES", "理财产品到期", "Wealth product matures", "batch",
                 "holding:{holding_id}", "due:{date}", 2),
    ReminderRule("R02.DOCUMENT_EXPIRES", "证件到期", "Document expires", "batch",
                 "customer:{customer_id}", "due:{date}", 3),
    ReminderRule("R02.RISK_PROFILE_EXPIRES", "风险测评到期", "Risk profile expires", "batch",
                 "customer:{customer_id}", "due:{date}", 3),
    ReminderRule("R03.ARREARS", "贷款欠息", "Interest in arrears", "both",
                 "loan:{loan_id}", "month:{month}", 1),
    ReminderRule("R03.OVERDUE", "贷款逾期", "Loan overdue", "both",
                 "loan:{loan_id}", "since:{date}:{days}", 1),
    ReminderRule("R03.CARD_OVERDUE", "贷记卡逾期", "Card overdue", "both",
                 "card:{card_id}", "due:{date}", 1),
    ReminderRule("R03.DOWNGRADE", "五级分类下调", "Five-tier downgrade", "stream",
                 "loan:{loan_id}", "class:{class}:{date}", 1),
    ReminderRule("R03.KEY_DATA_CHANGED", "关键信息变更", "Key data changed", "stream",
                 "customer:{customer_id}", "changed:{date}:{fields}", 3),
    ReminderRule("R04.BIRTHDAY", "客户生日", "Birthday", "batch",
                 "customer:{customer_id}", "due:{date}", 4),
    ReminderRule("R04.FESTIVAL", "节日关怀", "Festival", "batch",
                 "customer:{customer_id}", "festival:{festival}:{date}", 5),
    ReminderRule("R04.TIER_UP", "客户等级上升", "Tier up", "batch",
                 "customer:{customer_id}", "month_end:{date}", 3),
    ReminderRule("R04.TIER_DOWN", "客户等级下降", "Tier down", "batch",
                 "customer:{customer_id}", "month_end:{date}", 2),
    ReminderRule("R04.BECAME_KEY", "成为重点客户", "Became a key customer", "batch",
                 "customer:{customer_id}", "on:{date}", 2),
    ReminderRule("R04.DORMANT", "客户转为睡眠", "Became dormant", "batch",
                 "customer:{customer_id}", "since:{date}", 3),
    ReminderRule("R04.PROSPECT_CONVERTED", "潜在客户转化", "Prospect converted", "batch",
                 "customer:{customer_id}", "on:{date}", 3),
    ReminderRule("R05.VISIT_QUOTA_NOT_MET", "走访次数未达标", "Visit quota not met", "batch",
                 "customer:{customer_id}", "month:{month}", 2),
    ReminderRule("R05.NOT_MAINTAINED", "长期未维护", "Not maintained", "batch",
                 "customer:{customer_id}", "month:{month}", 3),
    ReminderRule("R05.LOBBY_ARRIVAL", "客户到店", "Arrived in the lobby", "stream",
                 "customer:{customer_id}", "lobby:{branch_id}:{date}", 1),
    ReminderRule("R05.NEWLY_ASSIGNED", "新分配客户", "Newly assigned", "batch",
                 "customer:{customer_id}", "on:{date}", 2),
)  # fmt: skip

#: Every rule by its code.
RULES: dict[str, ReminderRule] = {rule.code: rule for rule in _RULES}
