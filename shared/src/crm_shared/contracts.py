"""Writes the contracts as documents: JSON Schema per message, AsyncAPI 3.0, landing tables.

`python -m crm_shared.contracts` writes them under docs/contracts; with `--check` it changes nothing
and fails if a document is not what the classes say.
"""

import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from crm_shared import landing, published
from crm_shared.events import (
    canaries,
    cards,
    contacts,
    customers,
    loans,
    reminders,
    tickets,
    transactions,
)
from crm_shared.events.envelope import Event
from crm_shared.published_columns import meaning
from crm_shared.reminder_rules import RULES

#: Topic, direction seen from the CRM, and the messages that may be in it.
TOPICS: tuple[tuple[str, str, tuple[type[Event], ...]], ...] = (
    (
        transactions.TOPIC,
        "receive",
        (transactions.TransactionEvent, transactions.AccountClosedEvent, canaries.CanarySent),
    ),
    (loans.TOPIC, "receive", (loans.LoanEvent, canaries.CanarySent)),
    (cards.TOPIC, "receive", (cards.CardBooked, cards.CardFellOverdue, canaries.CanarySent)),
    (customers.TOPIC, "receive", (customers.CustomerDataChanged, canaries.CanarySent)),
    (tickets.TOPIC, "receive", (tickets.QueueTicketChanged, canaries.CanarySent)),
    (
        reminders.TOPIC,
        "send",
        (reminders.ReminderRaised, reminders.ReminderWithdrawn, canaries.CanarySent),
    ),
    (contacts.TOPIC, "send", (contacts.ContactMade,)),
)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(mode="serialization")


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of every topic."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic, action, models in TOPICS:
        name = topic.replace(".", "_").replace("-", "_")
        channels[name] = {
            "address": topic,
            "messages": {
                model.__name__: {
                    "name": model.__name__,
                    "contentType": "application/json",
                    "summary": (model.__doc__ or "").strip().splitlines()[0],
                    "payload": {"$ref": f"./events/{model.__name__}.json"},
                }
                for model in models
            },
        }
        operations[f"{action}_{name}"] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{name}"},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tulou CRM messages",
            "version": metadata.version("crm-shared"),
            "description": "Keyed by customer (tickets: by branch; canaries, which alerting sends"
            " to itself and to the OCRM, and all others pass over: by `canary`). Ids are"
            " deterministic: a fact that is sent twice has the same event_id."
            " Consumers ignore unknown fields.",
        },
        "channels": channels,
        "operations": operations,
    }


def _landing_page() -> str:
    lines = [
        "# Landing files",
        "",
        (landing.__doc__ or "").strip(),
        "",
        "Columns in italics may be empty; **personal** ones are class C2 data.",
    ]
    for table in landing.TABLES.values():
        lines += ["", f"## {table.name} ({table.kind})", "", table.description, "",
                  f"Key: {', '.join(table.key)}", "", "| column | type | codes or limits |",
                  "|---|---|---|"]  # fmt: skip
        for column in table.columns:
            name = f"*{column.name}*" if column.nullable else column.name
            personal = " **personal**" if column.personal else ""
            holds = " to ".join(column.limits or ()) or " · ".join(column.codes)
            lines.append(f"| {name}{personal} | {column.type} | {holds} |")
    return "\n".join(lines) + "\n"


def _published_page() -> str:
    lines = ["# Published tables", "", (published.__doc__ or "").strip()]
    for table in published.TABLES.values():
        lines += ["", f"## {published.SCHEMA}.{table.name}", "", table.description, "",
                  f"Key: business_date, {', '.join(table.key)}. Seen by: {table.visibility}.", "",
                  "| column | type | 说明 | meaning |", "|---|---|---|---|"]  # fmt: skip
        for name, type_, nullable in table.columns:
            said = meaning(table.name, name)
            shown = f"*{name}*" if nullable else name
            lines.append(f"| {shown} | {type_} | {said.zh} | {said.en} |")
    return "\n".join(lines) + "\n"


def _rules_page() -> str:
    lines = ["# Reminder rules", "", "| code | 名称 | name | path | subject | window | priority |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {rule.code} | {rule.name_zh} | {rule.name_en} | {rule.path} | `{rule.subject}` |"
        f" `{rule.window}` | {rule.priority} |"
        for rule in RULES.values()
    ]
    return "\n".join(lines) + "\n"


def documents() -> dict[str, str]:
    """Every document by its path below docs/contracts."""

    def as_json(value: dict[str, Any]) -> str:
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"

    files = {
        f"events/{model.__name__}.json": as_json(_schema(model))
        for _, _, models in TOPICS
        for model in models
    }
    files["events/Manifest.json"] = as_json(_schema(landing.Manifest))
    files["asyncapi.json"] = as_json(asyncapi())
    files["landing.md"] = _landing_page()
    files["published.md"] = _published_page()
    files["reminder-rules.md"] = _rules_page()
    return files


def main(arguments: list[str]) -> int:
    """Write the documents, or with `--check` compare them; returns the exit code."""
    root = Path("docs/contracts")
    stale = [
        root / name
        for name, text in documents().items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != text
    ]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path} is not what the code says: run `make contracts`.\n")
        return 1 if stale else 0
    for name, text in documents().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(documents())} documents in {root}, {len(stale)} changed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
