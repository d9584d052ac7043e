"""RELIABILITY rows I1 and I10: another tenant's ids open nothing, and look like ids that do not exist."""

import re
import uuid
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import Engine

from tests.reliability.calls import Field, id_fields, routes, says, send
from tests.reliability.house import House, Tenant, everything
from vaultra.domain.accounts import Role

MEMBERS = ("viewer", "admin", "owner")
# What a member of one business gets for the id of a thing in another one; an id of a new kind needs a line here.
FOREIGN = {
    "business_id": 403,
    "recommendation_id": 403,
    "conversation_id": 404,
    "token_id": 404,
    "user_id": 404,
    "invitation_id": 404,
}
# Routes for every member by their declaration, which only an owner may use about somebody else.
ABOUT_OTHERS = {"DELETE /users/businesses/{business_id}/members/{user_id}": Role.OWNER}
CASES = [(name, field) for name, route in sorted(routes().items()) for field in id_fields(route)]
every_id = pytest.mark.parametrize(("name", "field"), CASES, ids=[f"{name} {field.name}" for name, field in CASES])


@pytest.fixture(scope="module")
def tenants(house_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tenant, Tenant]]:
    """Two businesses that have nothing to do with each other; refused requests leave them as they are."""
    with House(house_engine, tmp_path_factory.getbasetemp()) as house:
        yield house.tenant(), house.tenant()


def expected(name: str, field: Field, role: str) -> int:
    access = routes()[name].access
    needed = ABOUT_OTHERS.get(name) or (Role(access.value) if access.of_business else Role.VIEWER)
    return FOREIGN[field.name] if Role(role).includes(needed) else 403


def test_i1_every_id_in_the_contract_has_its_rule() -> None:
    """I1: an id of a new kind fails here until what it answers to strangers is written down."""
    assert {field.name for _, field in CASES} <= set(FOREIGN)
    named = {name for name, _ in CASES}
    in_paths = {name for name in routes() if "{" in name}
    assert in_paths <= named, "a path with something in it that is no UUID"
    of_business = {name for name, route in routes().items() if route.access.of_business}
    assert of_business <= named, "a business's route that names no business"
    print(f"I1: {len(CASES)} ids in {len(named)} of {len(routes())} routes; the others take none")


@every_id
def test_i1_another_tenants_id_opens_nothing(
    house: House, tenants: tuple[Tenant, Tenant], name: str, field: Field
) -> None:
    """I1: one's own good request with one id of another tenant's in it, by a viewer, an admin and an owner."""
    mine, theirs = tenants
    with house.engine.connect() as db:
        before = everything(db)
        db.rollback()
        leaks = 0
        for role in MEMBERS:
            for other in MEMBERS:
                foreign = theirs.ids_of(other)[field.name]
                answer = send(house, name, mine, role, **{field.name: foreign})
                assert answer.status_code == expected(name, field, role), answer.text
                leaks += says(answer, theirs.name) or theirs.business_id in answer.text.replace(foreign, "")
        assert everything(db) == before
    assert leaks == 0
    print(f"I1: {name} by {field.name}: {leaks} leaks, 0 rows changed")


@every_id
def test_i10_another_tenants_id_looks_like_one_that_does_not_exist(
    house: House, tenants: tuple[Tenant, Tenant], name: str, field: Field
) -> None:
    """I10: status, headers and body are the same bytes, but for the request's id."""
    mine, theirs = tenants
    differing = 0
    for role in MEMBERS:
        foreign = send(house, name, mine, role, **{field.name: theirs.ids_of(role)[field.name]})
        absent = send(house, name, mine, role, **{field.name: str(uuid.uuid4())})
        differing += shown(foreign) != shown(absent)
        assert shown(foreign) == shown(absent)
    print(f"I10: {name} by {field.name}: {differing} differing answers")


def shown(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """An answer without the request's id."""
    request_id = answer.headers["x-request-id"]
    headers = {key: value for key, value in answer.headers.items() if key != "x-request-id"}
    body = answer.content.replace(request_id.encode(), b"")
    assert not re.search(rb"[0-9a-f]{32}", body)
    return answer.status_code, headers, body
