"""Mails that are due, through the deployed function."""

import json
import subprocess
import sys
import uuid
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text
from starlette.testclient import TestClient

from tests.fakes import FakeMailer
from tests.functions.conftest import SignedIn
from tests.functions.envelopes import envelope
from vaultra.db.models import Mail
from vaultra.errors import InvalidInput, Unavailable
from vaultra.services import Services
from vaultra.usecases import mailing
from vaultra_local.catalogue import FUNCTIONS


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("send_mail")


@pytest.fixture
def mail_id(engine: Engine, services: Services, sign_up: Callable[[], SignedIn]) -> UUID:
    """A mail that waits for a known user."""
    with engine.begin() as conn:
        found = mailing.request(conn, kind="password_reset", recipient=sign_up().email, now=services.clock())
    assert found is not None
    return found


def test_a_mail_is_sent_once_however_often_it_is_announced(
    client: TestClient, engine: Engine, mailer: FakeMailer, mail_id: UUID
) -> None:
    for attempt in (1, 2):
        body = envelope({"mail_id": str(mail_id)}, attempt=attempt)
        assert client.post("/", json=body).status_code == 204
    assert [sent.id for sent in mailer.sent] == [str(mail_id)]
    with engine.connect() as conn:
        assert conn.execute(select(Mail.sent_at).where(Mail.id == mail_id)).scalar_one() is not None


def test_a_mail_server_that_is_away_is_tried_again(client: TestClient, mailer: FakeMailer, mail_id: UUID) -> None:
    mailer.failure = Unavailable("away")
    assert client.post("/", json=envelope({"mail_id": str(mail_id)})).status_code == 503
    mailer.failure = None
    assert client.post("/", json=envelope({"mail_id": str(mail_id)}, attempt=2)).status_code == 204
    assert len(mailer.sent) == 1


def test_a_refusal_for_good_is_kept_with_the_mail_and_acknowledged(
    client: TestClient, engine: Engine, mailer: FakeMailer, mail_id: UUID
) -> None:
    mailer.failure = InvalidInput("refused (550)")
    message_id = uuid.uuid4().hex
    body = envelope({"mail_id": str(mail_id)}, message_id=message_id)
    assert client.post("/", json=body).status_code == 204
    with engine.connect() as conn:
        assert conn.execute(select(Mail.dropped).where(Mail.id == mail_id)).scalar_one() == "refused (550)"
        dead = conn.execute(text("select count(*) from dead_letters where message_id = :id"), {"id": message_id})
        assert dead.scalar_one() == 0


def test_a_mail_that_is_gone_is_acknowledged(client: TestClient, mailer: FakeMailer) -> None:
    assert client.post("/", json=envelope({"mail_id": str(uuid.uuid4())})).status_code == 204
    assert mailer.sent == []


@pytest.mark.parametrize("body", [{}, {"mail_id": "x"}, {"mail_id": str(uuid.UUID(int=1)), "to": "a@b.cd"}])
def test_a_message_it_cannot_read_is_a_dead_letter(client: TestClient, engine: Engine, body: dict[str, str]) -> None:
    message_id = uuid.uuid4().hex
    assert client.post("/", json=envelope(body, message_id=message_id)).status_code == 204
    with engine.connect() as conn:
        found = conn.execute(text("select error from dead_letters where message_id = :id"), {"id": message_id})
        assert "VALIDATION_ERROR" in found.scalar_one()


def test_writing_any_kind_needs_nothing_the_function_is_not_given() -> None:
    """The catalogue gives it neither the password hashing nor the tokens' library."""
    code = "import json, sys; sys.path.insert(0, '.'); import main; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=FUNCTIONS / "send_mail", capture_output=True, text=True, check=True
    )
    modules = set(json.loads(done.stdout))
    assert "vaultra.usecases.members" in modules
    assert not {"bcrypt", "jwt", "stripe"} & modules
