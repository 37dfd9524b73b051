"""Published tables: what acrm-batch writes into PostgreSQL schema `acrm` for others to read.

Every table is partitioned by `business_date`; a publication replaces the partitions of its date in
one transaction and adds a row to `acrm.publications`, so readers see the old day or the new day.
Readers ask `acrm.current_business_date()` and put it into their queries.

Row-level security is the backstop of the OCRM's `Scope`: a role other than the owner sees a row
only where the row's branches meet the branches of the viewer's scope. The scope is a row of
`ocrm.scopes` named by the transaction-local setting `app.scope`. Without it nothing is visible.

Alerting, whose rules have parameters by legal entity and tier, reads the view `acrm.customer_tiers`
(business_date, customer_id, tier: each customer's tag of family VALUE/TIER, in lower case) and, for
the load of managers, `acrm.customer_managers` (business_date, customer_id, manager_id: who leads),
besides `org_units`, `dictionary` and `publications`, and nothing else.
"""

from dataclasses import dataclass
from typing import Literal

SCHEMA = "acrm"

#: Whose branches let a row be seen: `branch`, the row's own branch; `lead`, the customer's lead
#: branch; `lead_or_branch`, either; `branches`, every branch that covers the customer;
#: `branch_if_any`, the row's own branch, and every scope where it speaks of none.
Visibility = Literal["branch", "lead", "lead_or_branch", "branches", "branch_if_any", "everybody"]


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A published table: `columns` are (name, PostgreSQL type, nullable), without the date."""

    name: str
    key: tuple[str, ...]
    columns: tuple[tuple[str, str, bool], ...]
    visibility: Visibility
    description: str
    indexes: tuple[tuple[str, ...], ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns in order, without `business_date`."""
        return tuple(name for name, _, _ in self.columns)


def _c(name: str, type_: str, nullable: bool = False) -> tuple[str, str, bool]:
    return name, type_, nullable


_MONEY = "numeric(18,2)"
_RATE = "numeric(9,6)"

_TABLES = (
    PublishedTable("org_units", ("org_id",), (
        _c("org_id", "text"), _c("parent_id", "text", True), _c("org_type", "text"),
        _c("name_zh", "text"), _c("name_en", "text"), _c("region", "text", True),
        _c("legal_entity_id", "text", True),
    ), "everybody", "Organisation units open on the date, each with its legal entity."),
    PublishedTable("employees", ("employee_id",), (
        _c("employee_id", "text"), _c("name", "text"), _c("home_org_id", "text"),
    ), "everybody", "Employees on the date."),
    PublishedTable("employee_roles", ("employee_id", "org_id", "role"), (
        _c("employee_id", "text"), _c("org_id", "text"), _c("role", "text"),
    ), "everybody", "Roles in force on the date."),
    PublishedTable("customers", ("customer_id",), (
        _c("customer_id", "bigint"), _c("customer_type", "text"), _c("name", "text", True),
        _c("document_type", "text", True), _c("document_masked", "text", True),
        _c("document_encrypted", "bytea", True), _c("document_index", "bytea", True),
        _c("document_expires_on", "date", True),
        _c("phone_masked", "text", True), _c("phone_encrypted", "bytea", True),
        _c("phone_index", "bytea", True),
        _c("sex", "text", True), _c("birth_date", "date", True), _c("occupation", "text", True),
        _c("education", "text", True), _c("marital_status", "text", True),
        _c("region", "text", True), _c("address", "text", True), _c("industry", "text", True),
        _c("company_size", "text", True), _c("founded_on", "date", True),
        _c("legal_representative", "text", True), _c("risk_profile", "text", True),
        _c("risk_profile_expires_on", "date", True), _c("status", "text"),
        _c("home_branch_id", "text"), _c("customer_since", "date"),
        _c("covering_branch_ids", "text[]"),
    ), "branches", "Every customer, active or invalid; phone and document numbers are encrypted.",
        (("phone_index",), ("document_index",))),
    PublishedTable("customer_relations", ("customer_id", "related_customer_id", "relation"), (
        _c("customer_id", "bigint"), _c("related_customer_id", "bigint"), _c("relation", "text"),
        _c("share", "numeric(9,6)", True), _c("covering_branch_ids", "text[]"),
    ), "branches", "Relations in force; visible to who may see `customer_id`."),
    PublishedTable("coverage", ("branch_id", "customer_id", "role"), (
        _c("branch_id", "text"), _c("customer_id", "bigint"), _c("role", "text"),
        _c("manager_id", "text"), _c("rule", "text", True), _c("lead_branch_id", "text"),
        _c("is_key_customer", "boolean", True), _c("deposit_balance", _MONEY),
        _c("loan_balance", _MONEY),
    ), "branch", "Who covers whom: exactly one lead row per active customer, and its assist rows."
       " Amounts as that row's branch may see them: of the union on a lead row, of the branch on"
       " an assist row, so that a manager's list is one index scan. `rule` and `is_key_customer`"
       " are empty on an assist row: they come from the union's whole business, and would tell the"
       " branch of deposits, loans or cards elsewhere that its amounts hide.",
        (("branch_id", "manager_id", "customer_id"), ("customer_id",),
         ("branch_id", "deposit_balance", "customer_id"))),
    PublishedTable("coverage_decisions", ("customer_id",), (
        _c("customer_id", "bigint"), _c("rule", "text"), _c("rule_version", "integer"),
        _c("lead_branch_id", "text"), _c("lead_manager_id", "text"),
        _c("previous_lead_branch_id", "text", True), _c("moved", "boolean"),
        _c("inputs", "json"),
    ), "lead", "Why the lead is the lead: rule, version and the values it was decided on."),
    PublishedTable("coverage_proposals", ("customer_id", "reason"), (
        _c("customer_id", "bigint"), _c("reason", "text"), _c("branch_id", "text"),
        _c("manager_id", "text"), _c("to_manager_id", "text"), _c("deposit_balance", _MONEY),
        _c("loan_balance", _MONEY), _c("assigned_on", "date", True),
    ), "branch", "Customers whom the head of the lead branch may give to another manager, and why."
       " A proposal moves nobody: it stands each night until it is followed or its reason is gone.",
        (("branch_id", "manager_id", "customer_id"),)),
    PublishedTable("customer_indicators", ("customer_id",), (
        _c("customer_id", "bigint"), _c("lead_branch_id", "text"), _c("indicators", "json"),
    ), "lead", "Indicators of the union's whole business with the customer, by code."),
    PublishedTable("customer_branch_indicators", ("branch_id", "customer_id"), (
        _c("branch_id", "text"), _c("customer_id", "bigint"), _c("indicators", "json"),
    ), "branch", "Indicators of the branch's own business with the customer, by code; the additive"
       " ones sum to the customer's."),
    PublishedTable("customer_tags", ("customer_id",), (
        _c("customer_id", "bigint"), _c("tags", "text[]"), _c("lead_branch_id", "text"),
    ), "lead", "Leaf tags that hold for the customer, as paths. They speak of the union's whole"
       " business, so an assisting branch does not see them."),
    PublishedTable("potential_customers", ("customer_id", "path"), (
        _c("customer_id", "bigint"), _c("path", "text"), _c("strength", "integer"),
        _c("valid_until", "date"), _c("lead_branch_id", "text"),
    ), "lead", "Tags of potential customers that hold, with their strength, 0 to 100, and the last"
       " day on which the list may be used.", (("path", "strength"),)),
    PublishedTable("holdings", ("customer_id", "kind", "holding_id"), (
        _c("customer_id", "bigint"), _c("branch_id", "text"), _c("lead_branch_id", "text"),
        _c("kind", "text"), _c("holding_id", "bigint"),
        _c("product", "text"), _c("currency", "text"), _c("balance", _MONEY, True),
        _c("opened_on", "date"), _c("matures_on", "date", True), _c("status", "text"),
        _c("details", "json"),
    ), "lead_or_branch", "Deposits, loans, cards, wealth products and standing orders (with their"
       " account's branch and dates): all of them for the lead branch, its own for an assisting"
       " one."),
    PublishedTable("branch_indicators", ("org_id",), (
        _c("org_id", "text"), _c("indicators", "json"),
    ), "everybody", "Indicators of branches, legal entities and the union, by code."),
    PublishedTable("due_reminders", ("reminder_id",), (
        _c("reminder_id", "uuid"), _c("rule_code", "text"), _c("customer_id", "bigint"),
        _c("branch_id", "text", True), _c("subject", "text"), _c("reminder_window", "text"),
        _c("due_on", "date"), _c("amount", _MONEY, True), _c("lead_branch_id", "text"),
    ), "lead_or_branch", "Due reminders of the night, as published to `crm.reminders.v1`."),
    PublishedTable("over_contact", ("customer_id",), (
        _c("customer_id", "bigint"), _c("contacts", "integer"), _c("cap", "integer"),
        _c("covering_branch_ids", "text[]"), _c("campaign_ids", "text[]", True),
        _c("channels", "text[]", True),
    ), "branches", "Customers above the contact cap, with the campaigns and channels of the"
       " contacts that count."),
    PublishedTable("visit_quotas", ("customer_id",), (
        _c("customer_id", "bigint"), _c("month", "text"), _c("lead_branch_id", "text"),
        _c("lead_manager_id", "text"), _c("loan_balance", _MONEY), _c("quota", "integer"),
        _c("visits", "integer"), _c("is_met", "boolean"),
    ), "lead", "Who is to be visited this month because of the loans of the union, and was.",
        (("lead_branch_id", "lead_manager_id", "customer_id"),)),
    PublishedTable("campaign_results",
        ("campaign_id", "grain", "branch_id", "manager_id", "channel"), (
        _c("campaign_id", "bigint"), _c("grain", "text"), _c("branch_id", "text"),
        _c("manager_id", "text"), _c("channel", "text"), _c("listed", "bigint"),
        _c("control", "bigint"), _c("overlapping", "bigint"), _c("contacted", "bigint"),
        _c("reached", "bigint"), _c("interested", "bigint"), _c("responded", "bigint"),
        _c("converted", "bigint"), _c("control_converted", "bigint"), _c("amount", _MONEY),
        _c("contacts", "bigint"), _c("cost", _MONEY), _c("unit_cost", _MONEY, True),
        _c("response_rate", _RATE, True), _c("conversion", _RATE, True),
        _c("conversion_low", _RATE, True), _c("conversion_high", _RATE, True),
        _c("control_conversion", _RATE, True), _c("uplift", _RATE, True),
        _c("uplift_low", _RATE, True), _c("uplift_high", _RATE, True),
    ), "branch_if_any", "Response, conversion, uplift against control with its 95 % interval, and"
       " cost of campaigns: in all, by branch and manager of the list, and by channel of the first"
       " contact. `grain` says which; what does not apply is an empty text."),
    PublishedTable("manager_indicators", ("branch_id", "manager_id"), (
        _c("branch_id", "text"), _c("manager_id", "text"), _c("indicators", "json"),
    ), "branch", "Indicators of the business that a manager answers for at a branch, by code; the"
       " virtual manager has what nobody else answers for."),
    PublishedTable("manager_rankings", ("branch_id", "manager_id", "code"), (
        _c("branch_id", "text"), _c("manager_id", "text"), _c("code", "text"),
        _c("value", "numeric(18,4)"),
        _c("branch_rank", "integer"), _c("branch_managers", "integer"),
        _c("entity_rank", "integer"), _c("entity_managers", "integer"),
    ), "branch", "Rank of a manager by an indicator, among those of his branch and of his legal"
       " entity; the largest value is first, of LOAN_NPL_RATIO the smallest, equal values have the"
       " same rank."),
    PublishedTable("branch_rankings", ("branch_id", "code"), (
        _c("branch_id", "text"), _c("code", "text"), _c("value", "numeric(18,4)"),
        _c("entity_rank", "integer"), _c("entity_branches", "integer"),
        _c("union_rank", "integer"), _c("union_branches", "integer"),
    ), "branch", "Rank of a branch by an indicator, among those of its legal entity and of the"
       " union; the largest value is first, of LOAN_NPL_RATIO the smallest, equal values have the"
       " same rank."),
    PublishedTable("dictionary", ("code",), (
        _c("code", "text"), _c("kind", "text"), _c("class", "text", True), _c("grain", "text"),
        _c("name_zh", "text"), _c("name_en", "text"),
        _c("formula_zh", "text"), _c("formula_en", "text"), _c("expression", "text"),
        _c("unit", "text", True), _c("additive", "boolean"), _c("owner", "text"),
        _c("model", "text"), _c("inputs", "text[]"), _c("version", "integer"),
    ), "everybody", "Every indicator and tag of the catalogue that made this day."),
)  # fmt: skip

#: The first two parts of the paths of tags that say a customer's tier.
TIER_TAGS = "VALUE/TIER/"

#: What alerting reads, who sees no other column of a customer (docs/adr/0011).
_CUSTOMER_TIERS = f"""
create or replace view {SCHEMA}.customer_tiers as
select t.business_date, t.customer_id, lower(split_part(held.tag, '/', 3)) as tier
from {SCHEMA}.customer_tags t cross join lateral unnest(t.tags) as held (tag)
where starts_with(held.tag, '{TIER_TAGS}')
"""
_CUSTOMER_MANAGERS = f"""
create or replace view {SCHEMA}.customer_managers as
select business_date, customer_id, manager_id from {SCHEMA}.coverage where role = 'lead'
"""

#: Every published table by name.
TABLES: dict[str, PublishedTable] = {table.name: table for table in _TABLES}


def _policy(table: PublishedTable) -> list[str]:
    if table.visibility == "everybody":
        return []
    branches = (
        "(select s.branch_ids from ocrm.scopes s"
        " where s.scope_key = nullif(current_setting('app.scope', true), ''))::text[]"
    )
    test = {
        "branch": f"branch_id = any ({branches})",
        "lead": f"lead_branch_id = any ({branches})",
        "lead_or_branch": f"lead_branch_id = any ({branches}) or branch_id = any ({branches})",
        "branches": f"covering_branch_ids && {branches}",
        "branch_if_any": f"branch_id = any ({branches})"
        f" or branch_id = '' and {branches} is not null",
    }[table.visibility]
    name = f"{SCHEMA}.{table.name}"
    return [
        f"alter table {name} enable row level security",
        f"drop policy if exists scope on {name}",
        f"create policy scope on {name} for select to ocrm_app using ({test})",
    ]


def _as_json(table: str, column: str) -> str:
    """Earlier versions had `jsonb`, which takes longer to load and is never asked for a part:
    readers send the text on as it is."""
    return (
        "do $$ begin if exists (select from information_schema.columns where"
        f" table_schema = '{SCHEMA}' and table_name = '{table}' and column_name = '{column}'"
        f" and data_type = 'jsonb') then alter table {SCHEMA}.{table} alter column {column}"
        f" type json using {column}::text::json; end if; end $$"
    )


#: Earlier versions had one `formula`: words of an indicator in English, the SQL of a tag. Days that
#: they published keep it; those since have words in both languages, and the SQL beside them.
_FORMULA_IN_WORDS = (
    "do $$ begin if exists (select from information_schema.columns where"
    f" table_schema = '{SCHEMA}' and table_name = 'dictionary' and column_name = 'formula') then"
    f" alter table {SCHEMA}.dictionary rename column formula to formula_en;"
    f" alter table {SCHEMA}.dictionary add column formula_zh text not null default '',"
    " add column expression text not null default '';"
    f" alter table {SCHEMA}.dictionary alter column formula_zh drop default,"
    " alter column expression drop default; end if; end $$"
)


#: Earlier versions ranked managers by amounts and counts alone, of two decimal places.
_RANKED_BY_RATIOS = (
    "do $$ begin if exists (select from information_schema.columns where"
    f" table_schema = '{SCHEMA}' and table_name = 'manager_rankings' and column_name = 'value'"
    f" and numeric_scale = 2) then alter table {SCHEMA}.manager_rankings alter column value"
    " type numeric(18,4); end if; end $$"
)


def ddl() -> list[str]:
    """The statements that create the parent tables and what readers rely on; safe to repeat.

    Run by the owner of schema `acrm`. `ocrm.scopes` must exist before: the OCRM migrates first.
    The owner, who publishes, is not subject to the policies; `ocrm_app` is neither owner nor
    BYPASSRLS.
    """
    statements = [
        f"create table if not exists {SCHEMA}.publications ("
        " business_date date primary key, run_id uuid not null,"
        " published_at timestamptz not null default now(), row_counts jsonb not null)",
        f"create or replace function {SCHEMA}.current_business_date() returns date"
        f" language sql stable as 'select max(business_date) from {SCHEMA}.publications'",
        f"grant execute on function {SCHEMA}.current_business_date() to ocrm_app, ocrm_owner",
    ]
    for table in TABLES.values():
        columns = ", ".join(
            f'"{name}" {type_}{"" if nullable else " not null"}'
            for name, type_, nullable in table.columns
        )
        key = ", ".join(("business_date", *table.key))
        statements.append(
            f"create table if not exists {SCHEMA}.{table.name} (business_date date not null,"
            f" {columns}, primary key ({key})) partition by list (business_date)"
        )
        # A column that an earlier version did not have, or did not allow to be empty.
        statements.extend(
            f'alter table {SCHEMA}.{table.name} add column if not exists "{name}" {type_}'
            for name, type_, nullable in table.columns
            if nullable
        )
        statements.extend(
            f'alter table {SCHEMA}.{table.name} alter column "{name}" drop not null'
            for name, _, nullable in table.columns
            if nullable
        )
        statements.extend(
            _as_json(table.name, name) for name, type_, _ in table.columns if type_ == "json"
        )
        statements.extend(
            f"create index if not exists {table.name}_{'_'.join(index)} on"
            f" {SCHEMA}.{table.name} ({', '.join(('business_date', *index))})"
            for index in table.indexes
        )
        statements.append(f"grant select on {SCHEMA}.{table.name} to ocrm_app, ocrm_owner")
        statements.extend(_policy(table))
    statements += [_FORMULA_IN_WORDS, _RANKED_BY_RATIOS]
    statements.append(f"grant select on {SCHEMA}.publications to ocrm_app, ocrm_owner")
    statements += [_CUSTOMER_TIERS, _CUSTOMER_MANAGERS]
    statements.append(
        f"grant select on {SCHEMA}.customer_tiers, {SCHEMA}.customer_managers, {SCHEMA}.org_units,"
        f" {SCHEMA}.dictionary, {SCHEMA}.publications to alerting_owner"
    )
    return statements
