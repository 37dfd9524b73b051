"""What every column of a published table says, in Chinese and in English.

A name that means the same wherever it stands is told once; `table.column` goes before it.
"""

from typing import NamedTuple


class Meaning(NamedTuple):
    """What a column says."""

    zh: str
    en: str


def meaning(table: str, column: str) -> Meaning:
    """What a column of a published table says; `KeyError` where nobody has told it."""
    return MEANINGS.get(f"{table}.{column}") or MEANINGS[column]


MEANINGS: dict[str, Meaning] = {
    name: Meaning(zh, en)
    for name, zh, en in (
        ("business_date", "业务日期", "Business date of the row; readers name it in every query"),
        # Organisation and people.
        ("org_id", "机构编号", "Organisation unit"),
        ("parent_id", "上级机构编号", "Unit above it; empty for the union"),
        (
            "org_type",
            "机构类型：union 联社，legal_entity 法人，branch 网点",
            "union, legal_entity or branch",
        ),
        ("name_zh", "中文名称", "Name in Chinese"),
        ("name_en", "英文名称", "Name in English"),
        ("region", "地区", "Region"),
        ("legal_entity_id", "所属法人编号", "Legal entity it belongs to; empty for the union"),
        ("employee_id", "员工编号", "Employee"),
        ("employees.name", "员工姓名", "Name of the employee"),
        ("home_org_id", "所属机构", "Unit at which the employee works"),
        ("employee_roles.org_id", "角色所在机构", "Unit for which the role holds"),
        ("employee_roles.role", "角色代码", "Role, by its code in the landing contract"),
        # Customers.
        ("customer_id", "客户编号", "Customer"),
        (
            "customer_type",
            "客户类型：individual 个人，business 企业，group 集团",
            "individual, business or group",
        ),
        ("customers.name", "客户名称", "Name of the person or company"),
        ("document_type", "证件类型", "Kind of identity document"),
        ("document_masked", "证件号码（掩码）", "Document number, masked for display"),
        ("document_encrypted", "证件号码（密文）", "Document number, encrypted"),
        ("document_index", "证件号码盲索引", "Blind index by which a document number is found"),
        ("document_expires_on", "证件到期日", "Day on which the document expires"),
        ("phone_masked", "手机号（掩码）", "Phone number, masked for display"),
        ("phone_encrypted", "手机号（密文）", "Phone number, encrypted"),
        ("phone_index", "手机号盲索引", "Blind index by which a phone number is found"),
        ("sex", "性别", "Sex of an individual"),
        ("birth_date", "出生日期", "Date of birth of an individual"),
        ("occupation", "职业", "Occupation"),
        ("education", "学历", "Education"),
        ("marital_status", "婚姻状况", "Marital status"),
        ("customers.region", "居住地区", "Region of the customer's address"),
        ("address", "地址", "Address"),
        ("industry", "所属行业", "Industry of a business"),
        ("company_size", "企业规模", "Size of a business"),
        ("founded_on", "成立日期", "Day on which a business was founded"),
        ("legal_representative", "法定代表人", "Legal representative of a business"),
        ("risk_profile", "风险评级", "Result of the investor's risk assessment"),
        (
            "risk_profile_expires_on",
            "风险评级到期日，自该日起失效",
            "Day on which the risk assessment expires; from that day on it is not valid",
        ),
        ("customers.status", "客户状态：active 有效，invalid 无效", "active or invalid"),
        ("home_branch_id", "开户网点", "Branch at which the customer was registered"),
        ("customer_since", "建档日期", "Day on which the customer was registered"),
        (
            "covering_branch_ids",
            "覆盖网点",
            "Every branch that leads or assists; decides who sees it",
        ),
        ("related_customer_id", "关联客户编号", "The other customer of the relation"),
        ("relation", "关系类型", "Kind of relation, seen from `customer_id`"),
        ("share", "持股比例", "Share held, where the relation has one: 0.25 is 25 %"),
        # Who covers whom.
        ("branch_id", "网点编号", "Branch that the row speaks of"),
        ("coverage.role", "覆盖角色：lead 主办，assist 协办", "lead or assist"),
        ("coverage.manager_id", "客户经理", "Relationship manager, or V:branch, the virtual one"),
        ("coverage.rule", "主办判定规则", "Rule that decided the lead; on lead rows only"),
        ("lead_branch_id", "主办网点", "Branch that leads the customer; decides who sees the row"),
        (
            "is_key_customer",
            "是否重点客户",
            "Key customer by the rule of the day; on lead rows only",
        ),
        ("deposit_balance", "存款余额", "Deposits: of the union on a lead row, else of the branch"),
        (
            "coverage.loan_balance",
            "贷款余额",
            "Loans: of the union on a lead row, else of the branch",
        ),
        ("coverage_decisions.rule", "主办判定规则", "First rule that matched"),
        ("rule_version", "规则版本", "Version of the rules"),
        ("lead_manager_id", "主办客户经理", "Manager who leads, or V:branch, the virtual one"),
        (
            "previous_lead_branch_id",
            "上月存款主办网点",
            "Deposit lead before the last month end's decision",
        ),
        ("moved", "主办是否变更", "Whether the last month end's decision moved the deposit lead"),
        (
            "coverage_decisions.inputs",
            "判定依据",
            "Values that were compared: averages per branch, loan, card or lock, parameters",
        ),
        (
            "coverage_proposals.reason",
            "提议原因：over_limit 超出管户上限，not_maintained 长期未维护",
            "over_limit: the manager leads more customers than the limit; not_maintained: the"
            " manager has neither visited nor called for too long",
        ),
        ("coverage_proposals.branch_id", "主办网点", "Branch that leads the customer"),
        ("coverage_proposals.manager_id", "现主办客户经理", "Manager who leads now"),
        (
            "to_manager_id",
            "建议接手客户经理",
            "Manager who is proposed, or V:branch, the virtual one",
        ),
        ("coverage_proposals.deposit_balance", "存款余额", "Deposits of the union"),
        ("coverage_proposals.loan_balance", "贷款余额", "Running loans of the union"),
        ("assigned_on", "分配日期", "Day on which the head gave the customer to the manager"),
        # Indicators, tags, holdings.
        (
            "indicators",
            "指标（按编码）",
            "JSON of indicators by code; the dictionary lists them. Money and counts of 0 are left"
            " out, but changes against published figures, and so is what is not known",
        ),
        (
            "customer_tags.tags",
            "标签路径",
            "Paths of the leaf tags that hold; the dictionary lists them",
        ),
        ("path", "潜在客户标签路径", "Path of the tag of potential customers"),
        ("strength", "强度 0–100", "Strength, 0 to 100"),
        ("valid_until", "有效期至", "Last day on which the list may be used"),
        (
            "holdings.kind",
            "持有类别：存款、贷款、卡、理财、定期转账",
            "deposit, loan, card, wealth or standing_order",
        ),
        ("holding_id", "持有编号", "Number of the account, loan, card, holding or order"),
        ("product", "产品", "Product, by the core bank's code"),
        ("currency", "币种", "Currency of the amounts"),
        ("balance", "余额", "Balance or amount; empty where it was never delivered"),
        ("opened_on", "开立日期", "Day on which it was opened, granted, issued or bought"),
        ("matures_on", "到期日", "Day on which it matures"),
        ("holdings.status", "状态", "open or closed, a loan's own status, held or ended"),
        ("details", "明细", "JSON of what this kind has beside; what is empty is left out"),
        # Reminders, contacts, visits.
        ("reminder_id", "提醒编号", "Id made of rule, subject and window: the same every night"),
        ("rule_code", "提醒规则编码", "Rule of docs/rules/reminders.md"),
        (
            "due_reminders.branch_id",
            "业务网点",
            "Branch of the business; empty where there is none",
        ),
        ("subject", "提醒对象", "What it is about, like loan:21 or customer:1"),
        ("reminder_window", "提醒窗口", "Occasion, like due:2026-07-01: said once for each"),
        ("due_on", "到期日", "Day on which it falls due, or is no longer said"),
        ("due_reminders.amount", "金额", "Amount that falls due; empty where it is not known"),
        ("over_contact.contacts", "营销触达次数", "Marketing contacts within the days of the cap"),
        ("cap", "触达上限", "Most contacts allowed"),
        ("campaign_ids", "相关营销活动", "Campaigns of these contacts"),
        ("channels", "触达渠道", "Channels of these contacts"),
        ("month", "月份", "Month, like 2026-06"),
        ("visit_quotas.loan_balance", "贷款余额", "Running loans of the union"),
        ("quota", "应走访次数", "Visits to be made in the month"),
        ("visits", "已走访次数", "Visits made so far"),
        ("is_met", "是否完成", "Whether the quota is met"),
        # Campaigns.
        ("campaign_id", "营销活动编号", "Campaign"),
        (
            "campaign_results.grain",
            "统计口径：all 合计，branch 网点，manager 客户经理，channel 渠道",
            "all, branch, manager or channel",
        ),
        (
            "manager_id",
            "客户经理",
            "Manager, or V:branch, the virtual one; empty where none applies",
        ),
        ("channel", "首次触达渠道", "Channel of the first contact; empty where it does not apply"),
        ("listed", "名单人数", "Customers on the list, control group left out"),
        ("control", "对照组人数", "Customers of the control group"),
        (
            "overlapping",
            "与其他活动重叠人数",
            "Of these, on the list of another evaluated campaign too",
        ),
        ("contacted", "已触达人数", "Customers who were contacted"),
        ("reached", "接通人数", "Customers who were reached"),
        ("interested", "有意向人数", "Customers who showed interest"),
        ("responded", "响应人数", "Customers who responded"),
        ("converted", "转化人数", "Customers of the list who converted"),
        ("control_converted", "对照组转化人数", "Customers of the control group who converted"),
        ("campaign_results.amount", "转化金额", "Amount of the conversions of the list"),
        ("campaign_results.contacts", "触达次数", "Contacts made"),
        ("cost", "成本", "Cost of the contacts"),
        ("unit_cost", "单客成本", "Cost per customer who converted; empty without any"),
        ("response_rate", "响应率", "Responded among contacted"),
        ("conversion", "转化率", "Converted among the list"),
        ("conversion_low", "转化率下限", "Lower end of its 95 % interval"),
        ("conversion_high", "转化率上限", "Upper end of its 95 % interval"),
        ("control_conversion", "对照组转化率", "Converted among the control group"),
        ("uplift", "提升", "Conversion less that of the control group"),
        ("uplift_low", "提升下限", "Lower end of its 95 % interval"),
        ("uplift_high", "提升上限", "Upper end of its 95 % interval"),
        # Managers.
        ("manager_rankings.code", "指标编码", "Indicator that is ranked"),
        ("branch_rankings.code", "指标编码", "Indicator that is ranked"),
        ("value", "指标值", "Value of the indicator"),
        ("branch_rank", "网点内排名", "Rank within the branch, 1 the best"),
        ("branch_managers", "网点参评人数", "Managers ranked within the branch"),
        ("entity_rank", "法人内排名", "Rank within the legal entity, 1 the best"),
        ("entity_branches", "法人参评网点数", "Branches ranked within the legal entity"),
        ("union_rank", "全联社排名", "Rank within the union, 1 the best"),
        ("union_branches", "全联社参评网点数", "Branches ranked within the union"),
        ("entity_managers", "法人参评人数", "Managers ranked within the legal entity"),
        # The dictionary itself.
        ("dictionary.code", "编码", "Code of an indicator, or path of a tag"),
        ("dictionary.kind", "种类", "indicator or tag"),
        ("class", "指标类别或标签族", "Class I01 to I07, or family of tags"),
        ("dictionary.grain", "粒度", "Grains at which it is published"),
        ("formula_zh", "中文口径", "Formula or rule in words, in Chinese"),
        ("formula_en", "英文口径", "Formula or rule in words, in English"),
        ("expression", "表达式", "The same as SQL, by which it is computed"),
        (
            "unit",
            "单位",
            "money, count, days, hours, day_of_month, ratio, date or code; empty for a tag",
        ),
        ("additive", "是否可加", "Whether the values of parts add up to that of the whole"),
        ("owner", "负责团队", "Team that answers for it"),
        ("model", "模型", "Model that makes it"),
        (
            "dictionary.inputs",
            "来源字段",
            "Landing columns that it is made of, as table.column; table.* where only rows count",
        ),
        ("version", "版本", "Version of its definition"),
    )
}
