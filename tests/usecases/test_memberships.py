"""What a member may do, and that a stranger is told no more than of a business that does not exist."""

import uuid

import pytest
from sqlalchemy import Connection

from tests.rows import join
from tests.usecases.test_accounts import a_business, a_user
from vaultra.domain.accounts import Role
from vaultra.errors import Forbidden
from vaultra.usecases import memberships


def test_a_role_includes_the_lesser_ones() -> None:
    order = [Role.VIEWER, Role.ADMIN, Role.OWNER]
    for mine, role in enumerate(order):
        assert [role.includes(needed) for needed in order] == [other <= mine for other in range(3)]


def test_a_role_is_required_as_it_stands_now(db: Connection) -> None:
    user, business_id = a_user(db), a_business(db, a_user(db))
    messages = []
    for asked in (business_id, uuid.uuid4()):
        with pytest.raises(Forbidden) as caught:
            memberships.require_role(db, user.id, asked, Role.VIEWER)
        messages.append((caught.value.message, caught.value.details))
    assert messages[0] == messages[1]
    join(db, user.id, business_id, "viewer")
    assert memberships.require_role(db, user.id, business_id, Role.VIEWER).role is Role.VIEWER
    with pytest.raises(Forbidden) as caught:
        memberships.require_role(db, user.id, business_id, Role.ADMIN)
    assert caught.value.details == {"needed": "admin"}
    join(db, user.id, business_id, "owner")
    assert memberships.require_role(db, user.id, business_id, Role.ADMIN).id == business_id
