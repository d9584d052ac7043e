"""RELIABILITY row B3, signatures: what is good, what is not, and that the vendor's own library says the same."""

import datetime as dt
import hashlib
import hmac

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stripe_payloads import NOON, at
from vaultra.adapters.stripe_signature import verify_signature
from vaultra.errors import InvalidInput

SECRET = "whsec_of_the_tests"
PAYLOAD = '{"id": "evt_1", "name": "Zoë"}'.encode()


def signature(payload: bytes = PAYLOAD, secret: str = SECRET, moment: int = at(NOON)) -> str:
    return hmac.new(secret.encode(), f"{moment}.".encode() + payload, hashlib.sha256).hexdigest()


def seconds(count: float) -> dt.timedelta:
    return dt.timedelta(seconds=count)


GOOD = f"t={at(NOON)},v1={signature()}"


# What Stripe sends, and what Stripe's own documents allow: (header, our secrets).
ACCEPTED = {
    "one signature": (GOOD, [SECRET]),
    "two, the first good": (f"t={at(NOON)},v1={signature()},v1={'0' * 64}", [SECRET]),
    "two, the second good": (f"t={at(NOON)},v1={'0' * 64},v1={signature()}", [SECRET]),
    "signed with both secrets": (f"t={at(NOON)},v1={signature(secret='whsec_new')},v1={signature()}", [SECRET]),
    "an old scheme beside it": (f"t={at(NOON)},v1={signature()},v0={'0' * 64}", [SECRET]),
    "a scheme of tomorrow beside it": (f"t={at(NOON)},v2=abc,v1={signature()}", [SECRET]),
    "in another order": (f"v1={signature()},t={at(NOON)}", [SECRET]),
    "the new secret, we know both": (f"t={at(NOON)},v1={signature(secret='whsec_new')}", [SECRET, "whsec_new"]),
    "the old secret, we know both": (GOOD, ["whsec_new", SECRET]),
    "an empty secret beside ours": (GOOD, ["", SECRET]),
}
REFUSED = {
    "nothing": ("", [SECRET]),
    "no value": ("t=,v1=", [SECRET]),
    "nonsense": ("nonsense", [SECRET]),
    "no signature": (f"t={at(NOON)}", [SECRET]),
    "no time": (f"v1={signature()}", [SECRET]),
    "v0 only": (f"t={at(NOON)},v0={signature()}", [SECRET]),
    "another's secret": (f"t={at(NOON)},v1={signature(secret='another')}", [SECRET]),
    "the new secret, we know the old": (f"t={at(NOON)},v1={signature(secret='whsec_new')}", [SECRET]),
    "the old secret, we forgot it": (GOOD, ["whsec_new"]),
    "other bytes": (f"t={at(NOON)},v1={signature(payload=PAYLOAD + b' ')}", [SECRET]),
    "another time than signed": (f"t={at(NOON) + 1},v1={signature()}", [SECRET]),
    "cut": (f"t={at(NOON)},v1={signature()[:-1]}", [SECRET]),
    "longer": (f"t={at(NOON)},v1={signature()}0", [SECRET]),
    "upper case": (f"t={at(NOON)},v1={signature().upper()}", [SECRET]),
    "not ASCII": (f"t={at(NOON)},v1=ä{signature()}", [SECRET]),
    "another that is not ASCII": (f"{GOOD},v1=ä", [SECRET]),
    "a time like a number": (f"t=٣{at(NOON)},v1={signature()}", [SECRET]),
    "a sign": (f"t=+{at(NOON)},v1={signature()}", [SECRET]),
    "an underscore": (f"t={str(at(NOON))[:4]}_{str(at(NOON))[4:]},v1={signature()}", [SECRET]),
    "negative": (f"t=-{at(NOON)},v1={signature()}", [SECRET]),
    "not a number": (f"t=NaN,v1={signature()}", [SECRET]),
    "a time without end": (f"t={10**30},v1={signature(moment=10**30)}", [SECRET]),
    "white space before the name": (f"t={at(NOON)}, v1={signature()}", [SECRET]),
    "white space after the name": (f"t={at(NOON)},v1 ={signature()}", [SECRET]),
    "white space in the value": (f"t={at(NOON)},v1= {signature()}", [SECRET]),
    "a repeated time": (f"{GOOD},t={at(NOON)}", [SECRET]),
    "two times": (f"t={at(NOON) + 1},{GOOD}", [SECRET]),
    "another encoding": (GOOD.encode().decode("utf-16-le", "replace"), [SECRET]),
    "an empty part": (f"{GOOD},", [SECRET]),
    "no secret": (GOOD, []),
    "an empty secret": (f"t={at(NOON)},v1={signature(secret='')}", [""]),
    "a blank secret": (f"t={at(NOON)},v1={signature(secret=' ')}", [" "]),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_b3_a_signature_of_any_of_our_secrets_is_good(case: str) -> None:
    header, secrets = ACCEPTED[case]
    verify_signature(PAYLOAD, header, secrets, NOON)


@pytest.mark.parametrize("case", REFUSED)
def test_b3_any_other_header_is_refused(case: str) -> None:
    header, secrets = REFUSED[case]
    with pytest.raises(InvalidInput):
        verify_signature(PAYLOAD, header, secrets, NOON)


@pytest.mark.parametrize(("away", "good"), [(0, True), (300, True), (-300, True), (300.5, False), (-300.5, False)])
def test_b3_a_signature_is_good_for_five_minutes_either_way(away: float, good: bool) -> None:
    now = NOON + seconds(away)
    if good:
        verify_signature(PAYLOAD, GOOD, [SECRET], now)
    else:
        with pytest.raises(InvalidInput, match="too old, or from the future"):
            verify_signature(PAYLOAD, GOOD, [SECRET], now)


def test_bytes_are_signed_whatever_they_are() -> None:
    payload = b"\xff\x00"
    signed = hmac.new(SECRET.encode(), f"{at(NOON)}.".encode() + payload, hashlib.sha256).hexdigest()
    verify_signature(payload, f"t={at(NOON)},v1={signed}", [SECRET], NOON)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from(["t", "v1", "v0", "=", ",", " ", str(at(NOON)), signature(), "0" * 64, "é"]), max_size=9)
)
def test_what_we_accept_stripes_own_library_accepts(parts: list[str]) -> None:
    for header in ("".join(parts), f"{GOOD},{''.join(parts)}", f"{''.join(parts)},{GOOD}"):
        try:
            verify_signature(PAYLOAD, header, [SECRET], NOON)
        except InvalidInput:
            continue
        assert stripe.WebhookSignature.verify_header(PAYLOAD.decode(), header, SECRET, tolerance=None)
