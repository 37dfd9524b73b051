"""What a publication holds, and who may see it: one publication, looked at by many tests."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from acrm_batch import ledger
from acrm_batch.batch import Result
from acrm_batch.project import Project
from crm_shared.personal_data import Protector
from crm_shared.published import TABLES, ddl
from tests.acrm_batch.bank import Bank, noon
from tests.acrm_batch.conftest import DATA_KEY, FIRST, Batch, batch_over
from tests.databases import PostgresDatabase

DAY = date(2026, 1, 2)

#: A result as people type it.
SAID = 'says "later"}, {\tor \\ never\n'


@pytest.fixture(scope="module")
def published(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Batch, Result]]:
    """A customer of branches A (lead) and B with a phone, and one of C with a loan."""
    folder: Path = tmp_path_factory.mktemp("published")
    bank = Bank(folder / "landing", FIRST)
    bank.customer(1, phone="13800000000", document_no="X1", name="张三,“甲”\\")
    bank.account(11, 1, "A", "100.10")
    bank.account(12, 1, "B", "50.05")
    bank.customer(2, home="C")
    bank.loan(21, 2, "C", matures_on=DAY + timedelta(days=30), balance=Decimal("700.00"),
              manager_id="E2")  # fmt: skip
    bank.add("campaigns", campaign_id=1, org_id="L1", name="C", product="loan", starts_on=FIRST,
             ends_on=DAY)  # fmt: skip
    bank.add("campaign_targets", campaign_id=1, customer_id=1, branch_id="A", is_control=False,
             listed_on=FIRST)  # fmt: skip
    bank.add("contacts", DAY, contact_id=1, customer_id=2, channel="call",
             contact_class="service", contacted_at=noon(DAY), result=SAID)  # fmt: skip
    bank.deliver(DAY)
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        with psycopg.connect(module_database.ocrm_owner) as owner:
            owner.execute("grant select on ocrm.scopes to ocrm_app")
        yield crm, crm.run(DAY, publishes=True)


@pytest.fixture
def crm(published: tuple[Batch, Result]) -> Batch:
    """The batch that published."""
    return published[0]


def seen(crm: Batch, branches: list[str], query: str) -> list[object]:
    """What the OCRM's role sees with a scope of these branches."""
    with psycopg.connect(crm.database.ocrm_owner) as owner:
        owner.execute("delete from ocrm.scopes")
        owner.execute("insert into ocrm.scopes values ('s', %s)", (branches,))
    with psycopg.connect(crm.database.ocrm_app) as connection:
        connection.execute("select set_config('app.scope', 's', true)")
        return list(connection.execute(query.encode()).fetchall())


def test_every_table_has_its_rows(published: tuple[Batch, Result]) -> None:
    crm, result = published
    assert result.publication is not None
    assert set(result.publication.row_counts) == set(TABLES)
    for name, rows in result.publication.row_counts.items():
        assert crm.query(f"select count(*) from acrm.{name}") == [(rows,)]
    assert crm.query("select acrm.current_business_date()") == [(DAY,)]


def test_lead_rows_hold_the_unions_amounts_and_assist_rows_the_branchs(crm: Batch) -> None:
    assert crm.query(
        "select branch_id, role, deposit_balance, loan_balance from acrm.coverage order by 1"
    ) == [
        ("A", "lead", Decimal("150.15"), Decimal("0.00")),
        ("B", "assist", Decimal("50.05"), Decimal("0.00")),
        ("C", "lead", Decimal("0.00"), Decimal("700.00")),
    ]


def test_an_assisting_branch_is_not_told_of_business_elsewhere(crm: Batch) -> None:
    assert crm.query(
        "select branch_id, rule, is_key_customer from acrm.coverage where customer_id = 1"
        " order by 1"
    ) == [("A", "deposit", False), ("B", None, None)]


def test_a_branch_sees_only_its_own_rows(crm: Batch) -> None:
    coverage = "select branch_id from acrm.coverage order by 1"
    assert seen(crm, ["B"], coverage) == [("B",)]
    assert seen(crm, ["B"], "select customer_id from acrm.customer_indicators") == []
    assert seen(crm, ["A"], "select customer_id from acrm.customer_indicators") == [(1,)]
    assert seen(crm, [], coverage) == []


def test_alerting_reads_tiers_legal_entities_and_managers_and_nothing_else(crm: Batch) -> None:
    with psycopg.connect(crm.database.alerting_owner, autocommit=True) as connection:
        tiers = connection.execute("select customer_id, tier from acrm.customer_tiers order by 1")
        assert tiers.fetchall() == [(1, "general_standardise"), (2, "general_exit")]
        managers = connection.execute(
            "select customer_id, manager_id from acrm.customer_managers order by 1"
        )
        assert managers.fetchall() == crm.query(
            "select customer_id, manager_id from acrm.coverage where role = 'lead' order by 1"
        )
        entities = connection.execute(
            "select org_id, legal_entity_id from acrm.org_units where org_type = 'branch'"
        )
        assert ("A", "L1") in entities.fetchall()
        for table in set(TABLES) - {"org_units", "dictionary"}:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select from acrm.{table}".encode())


def test_a_campaign_is_every_scopes_and_its_branches_are_their_own(crm: Batch) -> None:
    branches = "select distinct branch_id from acrm.campaign_results order by 1"
    assert seen(crm, ["A"], branches) == [("",), ("A",)]
    assert seen(crm, ["C"], branches) == [("",)]
    with psycopg.connect(crm.database.ocrm_app) as connection:
        assert connection.execute(branches.encode()).fetchall() == []


def test_managers_are_compared_with_those_of_their_branch_and_legal_entity(crm: Batch) -> None:
    assert crm.query(
        "select branch_id, manager_id, value, branch_rank, branch_managers, entity_rank,"
        " entity_managers from acrm.manager_rankings where code = 'LOAN_BAL'"
    ) == [("C", "E2", Decimal("700.00"), 1, 1, 1, 1)]
    assert crm.query(
        "select manager_id, indicators ->> 'LOAN_BAL' from acrm.manager_indicators"
        " where branch_id = 'C'"
    ) == [("E2", "700.00")]


@pytest.mark.parametrize("table", TABLES)
def test_nobody_reads_a_partition_past_the_policies_of_its_table(crm: Batch, table: str) -> None:
    for role in (crm.database.ocrm_app, crm.database.ocrm_owner):
        with (
            psycopg.connect(role) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(f"select * from acrm.{table}_20260102".encode())


def test_personal_numbers_are_protected(crm: Batch) -> None:
    [(name, masked, encrypted, index)] = crm.query(
        "select name, phone_masked, phone_encrypted, phone_index from acrm.customers"
        " where customer_id = 1"
    )
    protector = Protector(DATA_KEY)
    assert name == "张三,“甲”\\"
    assert "13800000000" not in masked
    assert protector.decrypt(encrypted) == "13800000000"
    assert index == protector.blind_index("13800000000")


def test_indicators_of_the_branches_add_up(crm: Batch) -> None:
    [(customer,)] = crm.query(
        "select indicators from acrm.customer_indicators where customer_id = 1"
    )
    branches = crm.query(
        "select indicators->>'DEP_BAL' from acrm.customer_branch_indicators where customer_id = 1"
        " order by branch_id"
    )
    assert branches == [("100.10",), ("50.05",)]
    assert (customer["DEP_BAL"], customer["DEP_ACCT_CNT"]) == ("150.15", 2)
    assert "LOAN_NEXT_DUE_ON" not in customer


def test_words_come_out_as_they_were_typed(crm: Batch) -> None:
    query = "select indicators->>'CONTACT_LAST_RESULT' from acrm.customer_indicators"
    assert crm.query(f"{query} where customer_id = 2") == [(SAID,)]


def test_the_dictionary_names_every_published_code(crm: Batch) -> None:
    published = crm.query(
        "select json_object_keys(indicators) from acrm.customer_indicators union"
        " select json_object_keys(indicators) from acrm.branch_indicators union"
        " select unnest(tags) from acrm.customer_tags"
    )
    assert set(published) <= set(crm.query("select code from acrm.dictionary"))


def test_decisions_say_why(crm: Batch) -> None:
    [(rule, version, inputs)] = crm.query(
        "select rule, rule_version, inputs from acrm.coverage_decisions where customer_id = 1"
    )
    assert (rule, version) == ("deposit", Project.load().models["int_lead_decisions"].version)
    assert [one["branch_id"] for one in inputs["averages"]] == ["A", "B"]
    assert inputs["parameters"]["coverage.averaging_days"] == 30
    assert json.dumps(inputs).count("null") == 0


def test_documents_of_an_earlier_version_stay_when_the_schema_is_brought_up_to_date(
    published: tuple[Batch, Result],
) -> None:
    crm, _ = published
    everything = "select customer_id, indicators::text from acrm.customer_indicators order by 1"
    with psycopg.connect(crm.database.acrm_owner, autocommit=True) as connection:
        before = connection.execute(everything).fetchall()
        connection.execute(
            "alter table acrm.customer_indicators alter column indicators type jsonb"
            " using indicators::text::jsonb"
        )
        ledger.migrate(crm.database.acrm_owner)
        after = connection.execute(everything).fetchall()
        [(kind,)] = connection.execute(
            "select pg_typeof(indicators)::text from acrm.customer_indicators limit 1"
        ).fetchall()
    assert kind == "json"
    assert [(one, json.loads(text)) for one, text in after] == [
        (one, json.loads(text)) for one, text in before
    ]


def test_a_dictionary_of_an_earlier_version_stays_when_the_schema_is_brought_up_to_date(
    published: tuple[Batch, Result],
) -> None:
    crm, _ = published
    words = "select code, formula_en from acrm.dictionary order by 1"
    with psycopg.connect(crm.database.acrm_owner) as connection:
        before = connection.execute(words).fetchall()
        connection.execute("alter table acrm.dictionary rename column formula_en to formula")
        connection.execute(
            "alter table acrm.dictionary drop column formula_zh, drop column expression"
        )
        for statement in ddl():
            connection.execute(statement.encode())
        assert connection.execute(words).fetchall() == before
        assert connection.execute(
            "select distinct formula_zh, expression from acrm.dictionary"
        ).fetchall() == [("", "")]
        connection.rollback()


def test_rankings_of_an_earlier_version_stay_and_take_ratios(
    published: tuple[Batch, Result],
) -> None:
    crm, _ = published
    values = "select manager_id, code, value from acrm.manager_rankings order by 1, 2"
    with psycopg.connect(crm.database.acrm_owner) as connection:
        before = connection.execute(values).fetchall()
        connection.execute(
            "alter table acrm.manager_rankings alter column value type numeric(18,2)"
        )
        for statement in ddl():
            connection.execute(statement.encode())
        assert connection.execute(values).fetchall() == before
        [(scale,)] = connection.execute(
            "select distinct scale(value) from acrm.manager_rankings"
        ).fetchall()
        assert scale == 4
        connection.rollback()
