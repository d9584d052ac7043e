"""RELIABILITY rows A5, A6, A7 and A12: who may do what, as it stands at the moment of the request."""

import datetime as dt
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from tests.reliability.calls import good_status, routes, send
from tests.reliability.house import PASSWORD, ROLES, SITE, House, Tenant, join, leave
from vaultra.domain.accounts import Role
from vaultra.ports import OauthGrant
from vaultra.routes import Access
from vaultra.usecases import resets

PUBLIC = {
    "POST /auth/signup",
    "POST /auth/login",
    "POST /auth/password/forgot",
    "POST /auth/password/reset",
    "GET /auth/google",
    "GET /auth/callback/google",
    "GET /integrations/stripe/callback",
    "POST /webhooks/stripe",
    "GET /users/unsubscribe",
    "POST /users/unsubscribe",
    "GET /metrics/definitions",
}
# What the routes for any signed-in user answer, where that is not the same good answer for everybody.
BY_ROLE: dict[str, dict[str, int]] = {
    "PATCH /recommendations/{recommendation_id}": {"stranger": 403, "viewer": 403},
    "GET /agent/conversations/{conversation_id}": {"stranger": 404},
    "PATCH /agent/conversations/{conversation_id}": {"stranger": 404},
    "DELETE /agent/conversations/{conversation_id}": {"stranger": 404},
    "DELETE /users/me/tokens/{token_id}": {"stranger": 404},
}
ANY_USER = {
    "POST /auth/refresh",
    "POST /auth/logout",
    "GET /auth/me",
    "GET /users/me",
    "PATCH /users/me",
    "DELETE /users/me",
    "GET /users/me/export",
    "GET /users/me/notifications",
    "PATCH /users/me/notifications",
    "GET /users/me/tokens",
    "POST /users/businesses",
    "POST /users/invitations/accept",
    *BY_ROLE,
}
# What the contract gives to every member, to admins, and to owners only.
OF_A_BUSINESS = {
    Access.VIEWER: {
        "GET /agent/conversations",
        "POST /agent/chat",
        "GET /integrations/stripe/status",
        "GET /metrics",
        "GET /metrics/export",
        "GET /metrics/history",
        "GET /readiness",
        "GET /readiness/changes",
        "GET /readiness/criteria",
        "GET /readiness/history",
        "GET /readiness/path",
        "POST /readiness/simulate",
        "GET /recommendations",
        "GET /users/businesses/{business_id}",
        "GET /users/businesses/{business_id}/members",
        "DELETE /users/businesses/{business_id}/members/{user_id}",
        "POST /users/me/tokens",
    },
    Access.ADMIN: {
        "GET /integrations/stripe/connect",
        "POST /integrations/stripe/key",
        "POST /integrations/stripe/sync",
        "DELETE /integrations/stripe",
        "PATCH /users/businesses/{business_id}",
    },
    Access.OWNER: {
        "DELETE /users/businesses/{business_id}",
        "DELETE /users/businesses/{business_id}/invitations/{invitation_id}",
        "POST /users/businesses/{business_id}/members",
        "PATCH /users/businesses/{business_id}/members/{user_id}",
    },
}
# Members may do more to themselves than their role says: the viewer who is named here may leave.
SELF = {"DELETE /users/businesses/{business_id}/members/{user_id}": {"viewer": 204, "admin": 403, "owner": 204}}

every_route = pytest.mark.parametrize("name", sorted(routes()))


def expected(name: str, role: str) -> int:
    """The status for a person with this role."""
    access = routes()[name].access
    if access is Access.PUBLIC:
        return good_status(name)
    if role == "nobody":
        return 401
    if not access.of_business:
        return BY_ROLE.get(name, {}).get(role, good_status(name))
    if role == "stranger":
        return 403
    if name in SELF:
        return SELF[name][role]
    return good_status(name) if Role(role).includes(Role(access.value)) else 403


def test_a7_every_route_has_its_rule() -> None:
    """A7: a route that is added, or opened to more people, fails here until its rule is written down."""
    by_access = {access: {name for name, route in routes().items() if route.access is access} for access in Access}
    assert by_access == {Access.PUBLIC: PUBLIC, Access.USER: ANY_USER, **OF_A_BUSINESS}
    assert set(SELF) <= by_access[Access.VIEWER]


@every_route
def test_a7_each_role_may_do_exactly_what_its_rule_says(house: House, cheap_hashes: None, name: str) -> None:
    """A7: every route by nobody, a stranger, a viewer, an admin and an owner."""
    found, tenant = {}, house.tenant()
    for role in ROLES:
        found[role] = send(house, name, tenant, role)
        if found[role].is_success:  # whatever it changed or deleted, the next one finds it whole
            tenant = house.tenant()
    assert {role: answer.status_code for role, answer in found.items()} == {
        role: expected(name, role) for role in ROLES
    }, [answer.text for answer in found.values()]
    refused = [answer for answer in found.values() if answer.status_code in (401, 403)]
    assert all(answer.json()["error"]["code"] in ("UNAUTHORIZED", "FORBIDDEN") for answer in refused)
    print(f"A7: {name}: {', '.join(f'{role} {answer.status_code}' for role, answer in found.items())}")


OF_BUSINESS = sorted(name for name, route in routes().items() if route.access.of_business)


@pytest.mark.parametrize("name", OF_BUSINESS)
def test_a6_who_was_removed_or_demoted_is_refused_at_once(house: House, name: str) -> None:
    """A6: the same live token, in the request after the change."""
    needed = Role(routes()[name].access.value)
    for role in (role for role in Role if role.includes(needed)):
        tenant = house.tenant()
        with house.engine.begin() as db:
            leave(db, tenant.people[role], tenant.business_id)
        assert send(house, name, tenant, role).status_code == 403
    if needed is not Role.VIEWER:
        tenant = house.tenant()
        with house.engine.begin() as db:
            join(db, tenant.people["owner"], tenant.business_id, "viewer")
        assert send(house, name, tenant, "owner").status_code == 403
    print(f"A6: {name}: every removed and demoted member refused at once")


def sign_out(house: House, tenant: Tenant) -> None:
    owner = tenant.people["owner"]
    assert house.send("POST", "/api/v1/auth/logout", headers=owner.headers).status_code == 204


def delete_account(house: House, tenant: Tenant) -> None:
    assert send(house, "DELETE /users/me", tenant, "owner").status_code == 204


def reset_password(house: House, tenant: Tenant) -> None:
    with house.engine.begin() as db:
        link = resets.write(db, tenant.people["owner"].email, house.now)
    assert link is not None
    body = {"token": link.token, "password": "another password"}
    assert house.send("POST", "/api/v1/auth/password/reset", json=body).status_code == 204


@pytest.mark.parametrize("end", [sign_out, delete_account, reset_password])
def test_a5_a_session_that_was_ended_is_dead_at_the_next_request(
    house: House, cheap_hashes: None, end: Callable[[House, Tenant], None]
) -> None:
    """A5: logout, deletion and a new password; every route that needs a signed-in user."""
    tenant = house.tenant()
    end(house, tenant)
    closed = sorted(name for name in routes() if name not in PUBLIC)
    answers = {name: send(house, name, tenant, "owner") for name in closed}
    alive = {name: answer.status_code for name, answer in answers.items() if answer.status_code != 401}
    assert alive == {}
    assert send(house, "GET /auth/me", tenant, "viewer").status_code == 200  # nobody else was signed out
    print(f"A5: after {end.__name__}: {len(answers)} routes, all 401 at the first request")


def test_a5_only_the_session_that_signed_out_ends(house: House, cheap_hashes: None) -> None:
    """A5: the other browser of the same person stays signed in, and a new password ends that, too."""
    tenant = house.tenant()
    owner = tenant.people["owner"]
    body = {"email": owner.email, "password": PASSWORD}
    other = {"Authorization": f"Bearer {house.send('POST', '/api/v1/auth/login', json=body).json()['token']}"}
    sign_out(house, tenant)
    assert house.send("GET", "/api/v1/auth/me", headers=other).status_code == 200
    reset_password(house, tenant)
    assert house.send("GET", "/api/v1/auth/me", headers=other).status_code == 401
    print("A5: one session ended by logout, the other by a new password")


def test_a5_a_removed_member_is_refused_at_the_next_request(house: House) -> None:
    """A5: an owner removes the viewer through the API; the viewer's token opens the business no more."""
    tenant = house.tenant()
    assert send(house, "GET /readiness", tenant, "viewer").status_code == 200
    name = "DELETE /users/businesses/{business_id}/members/{user_id}"
    assert send(house, name, tenant, "owner").status_code == 204
    assert send(house, "GET /readiness", tenant, "viewer").status_code == 403
    print("A5: 403 in the request after the removal")


def test_a5_a_refreshed_token_ends_after_a_minute(house: House) -> None:
    """A5: the old token of a refresh serves other tabs for a minute, and logging out ends the new one only then."""
    person = house.person()
    fresh = house.send("POST", "/api/v1/auth/refresh", headers=person.headers).json()["token"]

    def statuses() -> list[int]:
        headers = [{"Authorization": f"Bearer {token}"} for token in (person.token, fresh)]
        return [house.send("GET", "/api/v1/auth/me", headers=header).status_code for header in headers]

    assert statuses() == [200, 200]
    house.now += dt.timedelta(seconds=61)
    assert statuses() == [401, 200]
    print("A5: the old token 401 after 61 s, the new one 200")


@pytest.mark.parametrize("change", ["viewer", None])
@pytest.mark.parametrize(("accept", "status"), [("application/json", 403), ("*/*", 403), ("text/html", 302)])
def test_a12_a_callback_after_losing_the_role_connects_nothing(
    house: House, change: str | None, accept: str, status: int
) -> None:
    """A12: demoted or removed between the way to Stripe and back: refused; a person is told so by the site."""
    tenant = house.tenant()
    admin = tenant.people["admin"]
    begun = house.send(
        "GET",
        "/api/v1/integrations/stripe/connect",
        params={"business_id": tenant.business_id},
        headers={**admin.headers, "Accept": "application/json"},
    )
    state = parse_qs(urlsplit(begun.json()["url"]).query)["state"][0]
    with house.engine.begin() as db:
        leave(db, admin, tenant.business_id)
        if change is not None:
            join(db, admin, tenant.business_id, change)
    account = f"acct_{tenant.name}"
    house.stripe.grants["a-code"] = OauthGrant(account, livemode=True)
    answer = house.send(
        "GET",
        "/api/v1/integrations/stripe/callback",
        params={"state": state, "code": "a-code"},
        headers={"Accept": accept},
        cookies={"vaultra_stripe": begun.cookies["vaultra_stripe"]},
    )
    assert answer.status_code == status
    refusal = f"{SITE}/onboarding/stripe-connect/?error=not_allowed" if status == 302 else None
    assert answer.headers.get("location") == refusal
    with house.engine.connect() as db:
        found = db.execute(
            text("select count(*) from integration_accounts where external_id = :account"), {"account": account}
        ).scalar_one()
    assert found == 0
    assert "a-code" in house.stripe.grants, "the code was traded although the role was gone"
    print(f"A12: {change or 'removed'}, {accept}: {answer.status_code}, {found} accounts connected")
