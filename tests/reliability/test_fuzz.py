"""RELIABILITY row B1: the contract, tried by schemathesis in all its phases against the code it is generated from."""

import copy
from collections import Counter
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from starlette.types import Receive, Scope, Send

from tests.reliability.house import House, Tenant
from vaultra_local import openapi
from vaultra_local.catalogue import FUNCTIONS

DOCUMENT = openapi.document(openapi.load_routes(FUNCTIONS))
OPERATIONS = sorted(operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values())
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "ignored_auth",
    "unsupported_method",
]
ENDS_THE_SESSION = ["delete_me", "logout", "refresh"]


def document_of(tenant: Tenant) -> dict[str, Any]:
    """The document, in which ids may also be the owner's own, so that more than refusals is tried."""
    document = copy.deepcopy(DOCUMENT)
    ids = tenant.ids_of("owner")
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] in ids:
                    parameter["examples"] = {"own": {"value": ids[parameter["name"]]}}
    return document


def settings(tenant: Tenant, examples: int, *, stateful: bool) -> SchemathesisConfig:
    """All phases but one for one operation; that one, which goes from answers on to requests, for all of them."""
    checks = [*CHECKS, "use_after_free", "ensure_resource_availability"] if stateful else CHECKS
    single = {phase: {"enabled": not stateful} for phase in ("examples", "coverage", "fuzzing")}
    return SchemathesisConfig.from_dict(
        {
            "headers": tenant.people["owner"].headers,
            "generation": {"max-examples": examples, "deterministic": True, "database": "none", "no-shrink": True},
            "checks": {"enabled": False, **{name: {"enabled": True} for name in checks}},
            "phases": {**single, "stateful": {"enabled": stateful}},
        }
    )


def run(house: House, examples: int, *, only: str | None = None) -> tuple[Counter[str], list[str]]:
    """Try one operation, or all of them in turns, as the owner of a business: cases by status, and what was wrong."""
    tenant = house.tenant()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await house.app(scope, receive, send)

    schema = schemathesis.openapi.from_dict(
        document_of(tenant), config=settings(tenant, examples, stateful=only is None)
    )
    schema.app = app
    tried = schema.include(operation_id=only) if only else schema.exclude(operation_id=ENDS_THE_SESSION)
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for event in from_schema(tried).execute():
        if isinstance(event, events.ScenarioFinished):
            answers = [case.response for case in event.recorder.interactions.values() if case.response is not None]
            seen.update(str(answer.status_code) for answer in answers)
            for checks in event.recorder.checks.values():
                wrong += [f"{check.name}: {check.failure_info}" for check in checks if check.failure_info is not None]
        elif isinstance(event, events.NonFatalError | events.FatalError):
            wrong.append(str(event))
    return seen, wrong


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_b1_the_product_keeps_its_contract(house: House, cheap_hashes: None, operation_id: str) -> None:
    """B1: examples, coverage and fuzzing: no 5xx, no undocumented answer, no broken schema, no way past sign-in."""
    seen, wrong = run(house, 40, only=operation_id)
    assert wrong == []
    assert seen.total() >= 10
    print(f"B1: {operation_id}: {seen.total()} cases, 0 failures: {dict(sorted(seen.items()))}")


def test_b1_the_product_keeps_its_contract_from_one_request_to_the_next(house: House, cheap_hashes: None) -> None:
    """B1: stateful: what one answer names is used in the next request, after a deletion, too."""
    seen, wrong = run(house, 20)
    assert wrong == []
    assert seen.total() >= 20
    print(f"B1: in turns: {seen.total()} cases, 0 failures: {dict(sorted(seen.items()))}")


@pytest.mark.long
@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_b1_the_product_keeps_its_contract_for_long(house: House, cheap_hashes: None, operation_id: str) -> None:
    """B1: the same with 1,000 examples for each operation."""
    seen, wrong = run(house, 1000, only=operation_id)
    assert wrong == []
    print(f"B1: {operation_id}: {seen.total()} cases, 0 failures: {dict(sorted(seen.items()))}")
