"""Members, roles and invitations; RELIABILITY row A8."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, delete, select, update

from tests import rows
from tests.rows import NOON
from vaultra.db import engine as database
from vaultra.db import members as db_members
from vaultra.db import models
from vaultra.domain.accounts import Membership, Role
from vaultra.domain.members import Invitation
from vaultra.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthorized, VaultraError
from vaultra.usecases import members

WEEK, SECOND = dt.timedelta(days=7), dt.timedelta(seconds=1)
AT_ONCE = 20


def email_of(db: Connection, user_id: UUID) -> str:
    return db.execute(select(models.User.email).where(models.User.id == user_id)).scalar_one()


def invite(
    db: Connection, business_id: UUID, caller_id: UUID, email: str, role: Role = Role.VIEWER, now: dt.datetime = NOON
) -> Invitation:
    return members.invite(db, business_id=business_id, caller_id=caller_id, email=email, role=role, now=now)


def token_of(db: Connection, invitation: Invitation, now: dt.datetime = NOON) -> str:
    """The token that the invitation's mail carries."""
    letter = members.write_invitation(db, invitation.id, now)
    assert letter is not None
    return letter.token


def roles(db: Connection, business_id: UUID) -> dict[UUID, Role]:
    return {member.user_id: member.role for member in db_members.list_members(db, business_id)}


class Shop:
    """A business with an owner, an admin and a viewer, and a person who is none of them."""

    def __init__(self, db: Connection) -> None:
        self.owner, self.admin, self.viewer, self.stranger = (rows.a_user(db) for _ in range(4))
        self.id = rows.a_business(db, owner=self.owner, admin=self.admin, viewer=self.viewer)
        self.stranger_email = email_of(db, self.stranger)


@pytest.fixture
def shop(db: Connection) -> Shop:
    return Shop(db)


def test_the_team_is_everybody_and_owners_see_who_is_invited(db: Connection, shop: Shop) -> None:
    invitation = invite(db, shop.id, shop.owner, "new@example.com", Role.ADMIN)
    invite(db, shop.id, shop.owner, "late@example.com", now=NOON - WEEK)
    for role, seen in [(Role.OWNER, [invitation]), (Role.ADMIN, []), (Role.VIEWER, [])]:
        team = members.get_team(db, Membership(shop.id, "Shop", role), NOON)
        assert team.invitations == seen
        assert {member.user_id: member.role for member in team.members} == {
            shop.owner: Role.OWNER,
            shop.admin: Role.ADMIN,
            shop.viewer: Role.VIEWER,
        }


def test_an_invitation_is_accepted_once_by_the_invited(db: Connection, shop: Shop) -> None:
    token = token_of(db, invite(db, shop.id, shop.owner, shop.stranger_email.upper(), Role.ADMIN))
    joined = members.accept(db, user_id=shop.stranger, token=token, now=NOON)
    assert joined == Membership(shop.id, "Shop", Role.ADMIN)
    assert roles(db, shop.id)[shop.stranger] is Role.ADMIN
    with pytest.raises(InvalidInput):
        members.accept(db, user_id=shop.stranger, token=token, now=NOON)
    db_members.delete_member(db, shop.id, shop.stranger)
    with pytest.raises(InvalidInput):  # who was removed does not come back by the old link
        members.accept(db, user_id=shop.stranger, token=token, now=NOON)


def test_accepting_proves_the_mailbox_and_keeps_the_first_proof(db: Connection, shop: Shop) -> None:
    def verified_at() -> dt.datetime | None:
        return db.execute(select(models.User.email_verified_at).where(models.User.id == shop.stranger)).scalar_one()

    for now in (NOON, NOON + SECOND):
        token = token_of(db, invite(db, shop.id, shop.owner, shop.stranger_email), now)
        members.accept(db, user_id=shop.stranger, token=token, now=now)
        assert verified_at() == NOON
        db_members.delete_member(db, shop.id, shop.stranger)


def test_an_invitation_for_another_address_is_refused_and_stays_good(db: Connection, shop: Shop) -> None:
    token = token_of(db, invite(db, shop.id, shop.owner, shop.stranger_email))
    with pytest.raises(Forbidden, match="Sign in with the address"):
        members.accept(db, user_id=rows.a_user(db), token=token, now=NOON)
    assert members.accept(db, user_id=shop.stranger, token=token, now=NOON).id == shop.id


def test_an_invitation_lasts_a_week(db: Connection, shop: Shop) -> None:
    invitation = invite(db, shop.id, shop.owner, shop.stranger_email)
    token = token_of(db, invitation)
    assert invitation.expires_at == NOON + WEEK
    with pytest.raises(InvalidInput):
        members.accept(db, user_id=shop.stranger, token=token, now=NOON + WEEK)
    assert members.write_invitation(db, invitation.id, NOON + WEEK) is None
    assert members.accept(db, user_id=shop.stranger, token=token, now=NOON + WEEK - SECOND).id == shop.id


@pytest.mark.parametrize("token", ["", "x" * 43, "\u0000", "é"])
def test_a_token_nobody_sent_opens_nothing(db: Connection, shop: Shop, token: str) -> None:
    invite(db, shop.id, shop.owner, shop.stranger_email)  # its mail was not written yet: it has no token
    with pytest.raises(InvalidInput):
        members.accept(db, user_id=shop.stranger, token=token, now=NOON)


def test_inviting_again_renews_the_invitation_and_kills_the_old_link(db: Connection, shop: Shop) -> None:
    first = invite(db, shop.id, shop.owner, shop.stranger_email, Role.OWNER)
    old = token_of(db, first)
    again = invite(db, shop.id, shop.owner, shop.stranger_email.upper(), Role.VIEWER, NOON + SECOND)
    assert (again.id, again.role, again.expires_at) == (first.id, Role.VIEWER, NOON + SECOND + WEEK)
    with pytest.raises(InvalidInput):
        members.accept(db, user_id=shop.stranger, token=old, now=NOON + SECOND)
    new = token_of(db, again)
    assert members.accept(db, user_id=shop.stranger, token=new, now=NOON + SECOND).role is Role.VIEWER


def test_a_letter_tells_who_invites_whom_where_and_stores_no_token(db: Connection, shop: Shop) -> None:
    invitation = invite(db, shop.id, shop.owner, "new@example.com", Role.ADMIN)
    letter = members.write_invitation(db, invitation.id, NOON)
    assert letter is not None
    assert (letter.email, letter.business_name, letter.role) == ("new@example.com", "Shop", Role.ADMIN)
    assert (letter.inviter_name, letter.expires_at) == ("Ana", NOON + WEEK)
    assert len(letter.token) == 43  # 256 bits
    stored = db.execute(select(models.Invitation.__table__).where(models.Invitation.id == invitation.id)).one()
    assert letter.token not in str(stored)
    db.execute(update(models.Invitation).values(invited_by=None))
    again = members.write_invitation(db, invitation.id, NOON)
    assert again is not None
    assert (again.inviter_name, again.token == letter.token) == (None, False)
    assert members.write_invitation(db, uuid.uuid4(), NOON) is None


def test_a_member_is_not_invited(db: Connection, shop: Shop) -> None:
    with pytest.raises(Conflict):
        invite(db, shop.id, shop.owner, email_of(db, shop.viewer).upper(), Role.OWNER)
    assert roles(db, shop.id)[shop.viewer] is Role.VIEWER


@pytest.mark.parametrize("had", list(Role))
@pytest.mark.parametrize("invited", list(Role))
def test_accepting_never_lowers_a_role(db: Connection, shop: Shop, had: Role, invited: Role) -> None:
    token = token_of(db, invite(db, shop.id, shop.owner, shop.stranger_email, invited))
    rows.join(db, shop.stranger, shop.id, had.value)  # joined by another way meanwhile
    joined = members.accept(db, user_id=shop.stranger, token=token, now=NOON)
    expected = had if had.includes(invited) else invited
    assert (joined.role, roles(db, shop.id)[shop.stranger]) == (expected, expected)


def test_a_withdrawn_invitation_opens_nothing(db: Connection, shop: Shop) -> None:
    invitation = invite(db, shop.id, shop.owner, shop.stranger_email)
    token = token_of(db, invitation)
    other = rows.a_business(db, owner=shop.owner)
    for business_id, invitation_id in [(other, invitation.id), (shop.id, uuid.uuid4())]:
        with pytest.raises(NotFound):
            members.withdraw(db, business_id=business_id, invitation_id=invitation_id)
    members.withdraw(db, business_id=shop.id, invitation_id=invitation.id)
    with pytest.raises(InvalidInput):
        members.accept(db, user_id=shop.stranger, token=token, now=NOON)


def test_only_owners_invite_and_change_roles(db: Connection, shop: Shop) -> None:
    for caller in (shop.admin, shop.viewer, shop.stranger):
        with pytest.raises(Forbidden):
            invite(db, shop.id, caller, "friend@example.com")
        for role in Role:  # a promotion of oneself among them
            with pytest.raises(Forbidden):
                members.change_role(db, business_id=shop.id, caller_id=caller, user_id=caller, role=role)
    assert roles(db, shop.id) == {shop.owner: Role.OWNER, shop.admin: Role.ADMIN, shop.viewer: Role.VIEWER}


def test_an_owner_changes_roles(db: Connection, shop: Shop) -> None:
    for role in (Role.OWNER, Role.ADMIN, Role.VIEWER):
        member = members.change_role(db, business_id=shop.id, caller_id=shop.owner, user_id=shop.admin, role=role)
        assert (member.user_id, member.role, member.email) == (shop.admin, role, email_of(db, shop.admin))
    for unknown in (shop.stranger, uuid.uuid4()):
        with pytest.raises(NotFound):
            members.change_role(db, business_id=shop.id, caller_id=shop.owner, user_id=unknown, role=Role.OWNER)


def test_owners_remove_anybody_and_everybody_removes_themselves(db: Connection, shop: Shop) -> None:
    for caller, target in [(shop.admin, shop.viewer), (shop.viewer, shop.admin), (shop.admin, shop.owner)]:
        with pytest.raises(Forbidden):
            members.remove(db, business_id=shop.id, caller_id=caller, user_id=target)
    members.remove(db, business_id=shop.id, caller_id=shop.viewer, user_id=shop.viewer)
    members.remove(db, business_id=shop.id, caller_id=shop.owner, user_id=shop.admin)
    assert roles(db, shop.id) == {shop.owner: Role.OWNER}
    with pytest.raises(NotFound):
        members.remove(db, business_id=shop.id, caller_id=shop.owner, user_id=shop.admin)
    with pytest.raises(Forbidden):
        members.remove(db, business_id=shop.id, caller_id=shop.viewer, user_id=shop.viewer)


def test_the_last_owner_stays(db: Connection, shop: Shop) -> None:
    for role in (Role.ADMIN, Role.VIEWER):
        with pytest.raises(Conflict):
            members.change_role(db, business_id=shop.id, caller_id=shop.owner, user_id=shop.owner, role=role)
    with pytest.raises(Conflict):
        members.remove(db, business_id=shop.id, caller_id=shop.owner, user_id=shop.owner)
    members.change_role(db, business_id=shop.id, caller_id=shop.owner, user_id=shop.owner, role=Role.OWNER)
    members.change_role(db, business_id=shop.id, caller_id=shop.owner, user_id=shop.admin, role=Role.OWNER)
    members.remove(db, business_id=shop.id, caller_id=shop.owner, user_id=shop.owner)
    assert roles(db, shop.id) == {shop.admin: Role.OWNER, shop.viewer: Role.VIEWER}


def test_who_is_gone_does_nothing(db: Connection, shop: Shop) -> None:
    token = token_of(db, invite(db, shop.id, shop.owner, shop.stranger_email))
    db.execute(delete(models.User).where(models.User.id == shop.stranger))
    with pytest.raises(Unauthorized):
        members.accept(db, user_id=shop.stranger, token=token, now=NOON)
    with pytest.raises(Forbidden):
        invite(db, uuid.uuid4(), shop.owner, "new@example.com")


# --- At once -----------------------------------------------------------------------------------


@pytest.fixture
def crowd(fresh_database_url: str) -> Iterator[Engine]:
    """A connection for each of twenty."""
    engine = database.create(fresh_database_url, pool_size=AT_ONCE)
    yield engine
    engine.dispose()


def together(engine: Engine, actions: list[Callable[[Connection], object]]) -> list[str]:
    """Run each action in a transaction of its own, all begun at once; how each ended."""
    ready = Barrier(len(actions))

    def run(action: Callable[[Connection], object]) -> str:
        with engine.connect() as conn:
            db_members.find_role(conn, uuid.uuid4(), uuid.uuid4())  # connected, and inside a transaction
            ready.wait()
            try:
                action(conn)
            except VaultraError as error:
                return error.code
            conn.commit()
            return "done"

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def test_a8_of_twenty_who_accept_at_once_one_joins(crowd: Engine) -> None:
    with crowd.begin() as conn:
        shop = Shop(conn)
        token = token_of(conn, invite(conn, shop.id, shop.owner, shop.stranger_email))

    def accept(conn: Connection) -> None:
        members.accept(conn, user_id=shop.stranger, token=token, now=NOON)

    ends = together(crowd, [accept] * AT_ONCE)
    with crowd.connect() as conn:
        assert len(roles(conn, shop.id)) == 4
    assert sorted(ends) == ["VALIDATION_ERROR"] * (AT_ONCE - 1) + ["done"]
    print(f"A8: {ends.count('done')} of {AT_ONCE} uses of one invitation at once made a membership")


@pytest.mark.parametrize("way", ["demote the next", "demote themselves", "leave", "remove the next"])
def test_a8_twenty_owners_who_go_at_once_leave_one(crowd: Engine, way: str) -> None:
    with crowd.begin() as conn:
        owners = [rows.a_user(conn) for _ in range(AT_ONCE)]
        business_id = rows.a_business(conn, owner=owners[0])
        for owner in owners[1:]:
            rows.join(conn, owner, business_id, "owner")

    def action(number: int) -> Callable[[Connection], object]:
        caller = owners[number]
        target = owners[(number + 1) % AT_ONCE] if "next" in way else caller
        if way.startswith("demote"):
            return lambda conn: members.change_role(
                conn, business_id=business_id, caller_id=caller, user_id=target, role=Role.VIEWER
            )
        return lambda conn: members.remove(conn, business_id=business_id, caller_id=caller, user_id=target)

    ends = together(crowd, [action(number) for number in range(AT_ONCE)])
    with crowd.connect() as conn:
        left = list(roles(conn, business_id).values()).count(Role.OWNER)
    assert left >= 1
    assert left == AT_ONCE - ends.count("done")
    assert set(ends) <= {"done", "CONFLICT", "FORBIDDEN"}
    if "next" not in way:
        assert sorted(ends) == ["CONFLICT"] + ["done"] * (AT_ONCE - 1)
    print(f"A8: {AT_ONCE} owners at once, each to {way}: {left} left, {ends.count('done')} went")


def test_a8_the_second_of_two_owners_waits_for_the_first_and_stays(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as conn:
        first, second = rows.a_user(conn), rows.a_user(conn)
        business_id = rows.a_business(conn, owner=first)
        rows.join(conn, second, business_id, "owner")

    def leave(owner: UUID) -> str:
        with fresh_engine.connect() as conn:
            try:
                members.remove(conn, business_id=business_id, caller_id=owner, user_id=owner)
            except Conflict as error:
                return error.code
            conn.commit()
            return "done"

    with fresh_engine.connect() as conn, ThreadPoolExecutor(1) as pool:
        members.remove(conn, business_id=business_id, caller_id=first, user_id=first)
        waiting = pool.submit(leave, second)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        conn.commit()
        assert waiting.result() == "CONFLICT"
        assert roles(conn, business_id) == {second: Role.OWNER}
