"""The OpenAPI document is a product."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ocrm_api.problems import REGISTRY
from tests.ocrm_api.conftest import Api


@pytest.fixture
def document(api: Api) -> dict[str, Any]:
    """The document of the application."""
    return api.app.openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation with its name."""
    for path, methods in document["paths"].items():
        for method, details in methods.items():
            yield f"{method.upper()} {path}", details


def references(node: Any) -> Iterator[str]:
    """Every `$ref` below a node."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_known_traps_are_mended(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert document["openapi"].startswith("3.1")
    assert "itemSchema" not in text
    assert "ValidationError" not in text


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in set(references(document)):
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert node


def test_every_operation_says_what_a_client_needs(document: dict[str, Any]) -> None:
    names = [details["operationId"] for _, details in operations(document)]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in document["tags"]}
    for name, details in operations(document):
        assert details["summary"] and details["description"], name
        assert set(details["tags"]) <= tags, name
        assert details["x-permission"], name
        assert set(details["x-problems"]) <= set(REGISTRY), name
        assert ("401" in details["responses"]) or details["security"] == [], name
        for status, response in details["responses"].items():
            if status >= "400" and "problem+json" in json.dumps(response):
                examples = response["content"]["application/problem+json"]["examples"]
                assert all(one["value"]["status"] == int(status) for one in examples.values())


def test_paths_are_kebab_case_and_properties_snake_case(document: dict[str, Any]) -> None:
    for path in document["paths"]:
        assert re.fullmatch(r"(/([a-z0-9-]+|{[a-z_]+})(:[a-z-]+)?)+", path), path
    for schema in document["components"]["schemas"].values():
        for name in schema.get("properties", {}):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name


def test_every_problem_of_a_slice_is_declared_by_an_operation(document: dict[str, Any]) -> None:
    declared = {code for _, details in operations(document) for code in details["x-problems"]}
    assert set(REGISTRY) - declared <= {"method_not_allowed", "request_refused"}


async def test_answers_keep_their_schemas(api: Api, document: dict[str, Any]) -> None:
    api.bank.raise_reminder(1)
    values = {"customer_id": "1", "branch_id": "B1", "code": "not_found"}
    checked = 0
    for path, methods in document["paths"].items():
        schema = (
            methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
            .get("application/json", {}).get("schema")
        )  # fmt: skip
        if schema is None or "{reminder_id}" in path:
            continue
        employee = "OP" if "/intake" in path else "H1"
        url = re.sub(r"{(\w+)}", lambda match: values[match[1]], path)
        body = await api.get(employee, url)
        jsonschema.validate(body, schema | {"components": document["components"]})
        checked += 1
    assert checked >= 14


@pytest.mark.parametrize("published", ["0", "1"])
def test_the_command_prints_the_document(environment: dict[str, str], published: str) -> None:
    command = Path(sys.executable).with_name("ocrm")
    printed = subprocess.run(
        [command, "openapi"],
        env=environment | {"OCRM_DEMO": "1", "OCRM_PUBLISH_DOCUMENTATION": published},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(printed.stdout)["paths"]
