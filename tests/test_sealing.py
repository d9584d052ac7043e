"""Owners' keys at rest: sealed, bound to their row, and sealed again when our own key is replaced."""

import subprocess
import sys
import uuid
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from vaultra.errors import AccessRevoked
from vaultra.sealing import Place, SealBroken, Sealing

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
PLACE = Place(uuid.uuid4(), uuid.uuid4(), "acct_1")
KEY = "rk_live_ofTheTests0123456789"


def test_a_sealed_key_opens_where_it_belongs_and_shows_nothing() -> None:
    sealed = Sealing([OLD]).seal(KEY, PLACE)
    assert Sealing([OLD]).open(sealed, PLACE) == KEY
    assert not any(part in sealed for part in (KEY, "rk_live", str(PLACE.connection), PLACE.account))
    assert Sealing([OLD]).seal(KEY, PLACE) != sealed, "two of the same can't be told to be the same"


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, connection=uuid.uuid4()),
        replace(PLACE, business=uuid.uuid4()),
        replace(PLACE, account="acct_2"),
    ],
    ids=["connection", "business", "account"],
)
def test_in_another_row_it_opens_nothing(elsewhere: Place) -> None:
    """F15: Fernet alone would open it anywhere."""
    sealing = Sealing([OLD])
    with pytest.raises(SealBroken):
        sealing.open(sealing.seal(KEY, PLACE), elsewhere)
    with pytest.raises(SealBroken):
        sealing.reseal(sealing.seal(KEY, PLACE), elsewhere)


def test_a_changed_or_unknown_seal_opens_nothing_and_tells_the_owner_what_to_do() -> None:
    sealed = Sealing([OLD]).seal(KEY, PLACE)
    for bad, keys in ((sealed, [NEW]), (sealed[:-8] + "AAAAAAA=", [OLD]), ("", [OLD]), ("not sealed", [OLD])):
        with pytest.raises(AccessRevoked, match="Paste it again") as caught:
            Sealing(keys).open(bad, PLACE)
        assert "rk_" not in str(caught.value)


def test_the_first_key_seals_and_all_of_them_open() -> None:
    before = Sealing([OLD]).seal(KEY, PLACE)
    both = Sealing([NEW, OLD])
    assert both.open(before, PLACE) == KEY
    after = both.reseal(before, PLACE)
    assert after is not None
    assert both.reseal(after, PLACE) is None
    assert Sealing([NEW]).open(after, PLACE) == KEY
    with pytest.raises(SealBroken):
        Sealing([OLD]).open(after, PLACE)


@pytest.mark.parametrize("keys", [[], [""], ["short"], [OLD, "short"]], ids=["none", "empty", "short", "second"])
def test_without_good_keys_there_is_no_sealing(keys: list[str]) -> None:
    with pytest.raises(ValueError):
        Sealing(keys)


def test_importing_it_does_not_bring_the_cryptography() -> None:
    code = "import sys, vaultra.sealing, vaultra.usecases.connections; sys.exit('cryptography.fernet' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
