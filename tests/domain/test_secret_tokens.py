"""Tokens: no two alike, and of what is kept no way back."""

import re

from vaultra.domain.secret_tokens import hash_token, new_token


def test_a_token_is_new_and_fits_into_an_address() -> None:
    made = {new_token() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in made)


def test_what_is_kept_is_the_tokens_sha_256() -> None:
    # The hashes that are stored already have to stay good.
    assert hash_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
