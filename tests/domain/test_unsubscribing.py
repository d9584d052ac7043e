"""The token in an unsubscribe link: good for one wish of one person, made by nobody else, and never too old."""

import base64
import hashlib
import hmac
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultra.domain.unsubscribing import TOKEN_LENGTH, Purpose, Unsubscription, read_token, write_token

OLD, NEW = "an-old-secret-of-the-tests-0123456789", "a-new-secret-of-the-tests-9876543210"
WISH = Unsubscription(uuid.UUID("0190c8a4-7c1e-7000-8000-00000000000a"), Purpose.DIGEST)


@pytest.mark.parametrize("purpose", Purpose)
def test_it_says_whose_mails_end_and_which(purpose: Purpose) -> None:
    wish = Unsubscription(WISH.user_id, purpose)
    token = write_token(wish, [OLD])
    assert read_token(token, [OLD]) == wish
    assert len(token) == TOKEN_LENGTH
    assert token == write_token(wish, [OLD]), "the links of all mails stay good"


def test_while_a_secret_is_replaced_both_are_good_and_the_new_one_signs() -> None:
    old, new = write_token(WISH, [OLD]), write_token(WISH, [NEW, OLD])
    assert read_token(old, [NEW, OLD]) == read_token(new, [NEW, OLD]) == WISH
    assert read_token(new, [NEW]) == WISH
    assert read_token(old, [NEW]) is None


def test_the_key_is_for_this_use_alone() -> None:
    """A signature by the secret itself, which signs bearer tokens, is not enough."""
    content = b"d" + WISH.user_id.bytes
    forged = base64.urlsafe_b64encode(content + hmac.digest(OLD.encode(), content, hashlib.sha256)).decode().rstrip("=")
    assert len(forged) == TOKEN_LENGTH
    assert read_token(forged, [OLD]) is None


@given(place=st.integers(0, TOKEN_LENGTH - 2), sign=st.sampled_from("abcdXYZ0189-_"))
def test_a_changed_token_is_none(place: int, sign: str) -> None:
    token = write_token(WISH, [OLD])
    changed = token[:place] + sign + token[place + 1 :]
    assert read_token(changed, [OLD]) == (WISH if changed == token else None)


@given(token=st.text(max_size=100))
def test_any_other_text_is_none(token: str) -> None:
    assert read_token(token, [OLD, NEW]) is None
