"""New versions of rules: drafted by one person, approved by another, in force at a stated time.

A version never changes. Every member of the group reads the versions in force between two batches,
so what was approved holds at most `ALERTING_RULES_RELOAD_SECONDS` after its time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from alerting import overrides, parameters, retention, ruleset, scopes
from alerting.rules import RULES
from alerting.settings import AlertingSettings
from crm_shared import plain
from crm_shared.errors import CrmError

_NEWEST = """
select version, parameters from alerting.rules
where code = %s order by version desc limit 1
"""

_ADD = """
insert into alerting.rule_drafts (code, base_version, parameters, reason, maker)
values (%s, %s, %s, %s, %s) on conflict do nothing returning draft_id
"""

_FIND = """
select draft_id, code, base_version, parameters, reason, maker, made_at, state, checker, backtest
from alerting.rule_drafts
where state = 'draft' or draft_id = %(draft_id)s order by draft_id
"""

_DECIDE = """
update alerting.rule_drafts
set state = %(state)s, checker = %(checker)s, decided_at = now(), decision_reason = %(reason)s
where draft_id = %(draft_id)s
"""

_PUBLISH = """
insert into alerting.rules (code, version, parameters, effective_from, draft_id)
values (%(code)s, %(version)s, %(parameters)s, coalesce(%(at)s::timestamptz, now()), %(draft_id)s)
returning effective_from
"""

_VERSIONS = """
select r.version, r.parameters, r.effective_from, d.maker, d.checker, d.reason, d.backtest
from alerting.rules r left join alerting.rule_drafts d using (draft_id)
where r.code = %s order by r.version
"""


class DraftRefusedError(CrmError):
    """A draft, or a decision about one, that cannot be accepted."""

    code = "draft_refused"


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposed version of a rule, made of version `base_version`."""

    draft_id: int
    code: str
    base_version: int
    parameters: dict[str, Any]
    reason: str
    maker: str
    made_at: datetime
    state: str
    checker: str | None
    backtest: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a rule, from when it holds, who is answerable (None: set up so), and what its
    last backtest before the approval counted (None: nobody tried it)."""

    version: int
    parameters: dict[str, Any]
    effective_from: datetime
    maker: str | None
    checker: str | None
    reason: str | None
    backtest: dict[str, Any] | None = None


def versions(connection: psycopg.Connection, code: str) -> list[Version]:
    """Every version of a rule, also those whose time has not come."""
    _require_rule(code)
    with connection.cursor(row_factory=class_row(Version)) as cursor:
        return cursor.execute(_VERSIONS, (code,)).fetchall()


def open_drafts(connection: psycopg.Connection) -> list[Draft]:
    """The drafts that wait for a second person."""
    with connection.cursor(row_factory=class_row(Draft)) as cursor:
        return cursor.execute(_FIND, {"draft_id": None}).fetchall()


def waiting(connection: psycopg.Connection, draft_id: int, code: str) -> Draft:
    """The draft of that number, which must be one of this rule and wait."""
    for one in open_drafts(connection):
        if (one.draft_id, one.code) == (draft_id, code):
            return one
    raise DraftRefusedError(
        f"No draft {draft_id} of {code} waits; `alerting rules drafts` lists those that do."
    )


def keep_backtest(connection: psycopg.Connection, draft_id: int, found: dict[str, Any]) -> None:
    """Keep with a draft that still waits what its backtest counted, and no customer of it."""
    counted = {name: value for name, value in found.items() if name != "sample"}
    with connection.transaction():
        connection.execute(
            "update alerting.rule_drafts set backtest = %s where draft_id = %s and state = 'draft'",
            (Jsonb(counted), draft_id),
        )


def draft(
    connection: psycopg.Connection,
    code: str,
    changes: Mapping[str, str],
    *,
    maker: str,
    reason: str,
    settings: AlertingSettings,
) -> int:
    """Propose a version: the newest one with these changes; its number as a draft."""
    _require_rule(code)
    _require_words(maker, reason)
    with connection.transaction():
        base, stored = newest(connection, code)
        # What an earlier program knew, the loader passes over, and so does this.
        stored = {name: it for name, it in stored.items() if name in parameters.names(code)}
        proposed = overrides.changed(code, stored, changes)
        if parameters.parse(code, proposed) == parameters.parse(code, stored):
            raise DraftRefusedError(
                f"That is what version {base} of {code} says already; name a parameter with "
                "another value, as in movement.individual_min_amount=800000.00."
            )
        _require_fit(connection, settings, code, proposed)
        row = connection.execute(
            _ADD, (code, base, Jsonb(proposed), reason, maker.strip())
        ).fetchone()
    if row is None:
        raise DraftRefusedError(
            f"A draft of {code} waits already (`alerting rules drafts`): approve or reject it."
        )
    return int(row[0])


def approve(
    connection: psycopg.Connection,
    draft_id: int,
    *,
    checker: str,
    at: datetime | None,
    settings: AlertingSettings,
    untested: bool = False,
) -> Version:
    """Put a draft in force from `at`, or from now on; checked once more against what holds now.

    A draft must have been tried on delivered days with events, unless the checker says `untested`.
    """
    with connection.transaction():
        one = _decide(connection, draft_id, "approved", checker, None)
        version = _require_still_right(connection, one, untested)
        _require_fit(connection, settings, one.code, one.parameters)
        latest = max(known.effective_from for known in versions(connection, one.code))
        _require_to_come(connection, at)
        row = connection.execute(
            _PUBLISH,
            {"code": one.code, "version": version + 1, "parameters": Jsonb(one.parameters),
             "at": at, "draft_id": draft_id},
        ).fetchone()  # fmt: skip
        begins: datetime = row[0] if row else latest
        if begins < latest:
            raise DraftRefusedError(
                f"Version {version} of {one.code} comes into force at {latest:%Y-%m-%dT%H:%M:%SZ}; "
                "approve this one for that time or a later one (--at)."
            )
    return Version(
        version + 1, one.parameters, begins, one.maker, checker, one.reason, one.backtest
    )


def _require_to_come(connection: psycopg.Connection, at: datetime | None) -> None:
    """Refuse a time that has passed by the database's clock: who mistypes one would have the draft
    in force at once."""
    row = connection.execute("select %s::timestamptz < now(), now()", (at,)).fetchone()
    if at is not None and row is not None and row[0]:
        raise DraftRefusedError(
            f"{plain.instant(at)} has passed (it is {plain.instant(row[1])}); name a time to come, "
            "or none, for the version to be in force from now on."
        )


def _require_still_right(connection: psycopg.Connection, one: Draft, untested: bool) -> int:
    """Refuse a draft that a newer version has overtaken, or that nobody tried, or tried on nothing;
    the version now."""
    version, stored = newest(connection, one.code)
    if version != one.base_version:
        raise DraftRefusedError(
            f"Draft {one.draft_id} was made of version {one.base_version} of {one.code}, and "
            f"version {version} has come since; reject it and draft anew."
        )
    before, after = (parameters.parse(one.code, it) for it in (stored, one.parameters))
    judges_otherwise = replace(after, max_per_hour=before.max_per_hour) != before
    if judges_otherwise and not untested:
        _require_tried(one)
    return version


def _require_tried(one: Draft) -> None:
    command = f"alerting backtest {one.code} --draft {one.draft_id} --from … --to …"
    if one.backtest is None:
        raise DraftRefusedError(
            f"Nobody has tried draft {one.draft_id}: run `{command}`, or approve it with "
            "--untested where there is no history."
        )
    if not one.backtest.get("events"):
        raise DraftRefusedError(
            f"The backtest of draft {one.draft_id} looked at no event, as {one.backtest['from']} to"
            f" {one.backtest['to']} have none for {one.code}, so it says nothing: run `{command}` "
            "on days with events, or approve it with --untested where there are none."
        )


def reject(connection: psycopg.Connection, draft_id: int, *, checker: str, reason: str) -> None:
    """Turn a draft down; the rule stays as it is."""
    _require_words(checker, reason)
    with connection.transaction():
        _decide(connection, draft_id, "rejected", checker, reason)


def _decide(
    connection: psycopg.Connection, draft_id: int, state: str, checker: str, reason: str | None
) -> Draft:
    _require_words(checker, "-")
    with connection.cursor(row_factory=class_row(Draft)) as cursor:
        found = cursor.execute(f"{_FIND} for update", {"draft_id": draft_id}).fetchall()
    one = next((one for one in found if one.draft_id == draft_id), None)
    if one is None or one.state != "draft":
        known = f"was {one.state} by {one.checker}" if one else "does not exist"
        raise DraftRefusedError(
            f"Draft {draft_id} {known}; `alerting rules drafts` lists those that wait."
        )
    if one.maker.strip().casefold() == checker.strip().casefold():
        raise DraftRefusedError(
            f"{checker} has made draft {draft_id} and cannot decide about it; ask a colleague."
        )
    connection.execute(
        _DECIDE,
        {"state": state, "checker": checker.strip(), "reason": reason, "draft_id": draft_id},
    )
    return one


def newest(connection: psycopg.Connection, code: str) -> tuple[int, dict[str, Any]]:
    """The newest version of a rule, in force or not yet, and its parameters as stored."""
    row = connection.execute(_NEWEST, (code,)).fetchone()
    if row is None:
        raise DraftRefusedError(f"alerting.rules has no version of {code}; run `alerting migrate`.")
    return row[0], row[1]


def _require_rule(code: str) -> None:
    if code not in RULES:
        raise DraftRefusedError(
            f"There is no rule {code} of the stream; the rules are {', '.join(sorted(RULES))}."
        )


def _require_words(who: str, reason: str) -> None:
    if not who.strip() or not reason.strip():
        raise DraftRefusedError("Say who decides (--by) and why (--reason).")


def _require_fit(
    connection: psycopg.Connection,
    settings: AlertingSettings,
    code: str,
    proposed: Mapping[str, Any],
) -> None:
    """Refuse a version that a running member would refuse, or that names nobody the bank has."""
    alone = ruleset.ruleset_of([(code, 1, proposed)])
    retention.require_longer_than_windows(settings, alone)
    scopes.require_known(connection, alone.rules[0].parameters)
