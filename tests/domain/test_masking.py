"""What leaves for a language model says nobody's address, card or key."""

import pytest

from vaultra.domain.masking import masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to ana.lopez+shop@example.co.uk today", "write to [email] today"),
        ("ana @ example.com", "[email]"),
        ("card 4242424242424242, please", "card [card number], please"),
        ("4242 4242 4242 4242", "[card number]"),
        ("4242-4242-4242-4242.", "[card number]."),
        ("3782 822463 10005", "[card number]"),
        ("my key is " + "sk_live" + "_51Habcdefghijkl", "my key is [secret]"),
        ("rk_test" + "_abcdefgh123", "[secret]"),
        ("whsec" + "_abcdefgh123", "[secret]"),
        ("sk-proj-abcdefgh12345678", "[secret]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "[secret]"),
        ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [secret]"),
        ("DE89 3704 0044 0532 0130 00", "[account number]"),
        ('{"email":"a@b.io","note":"x"}', '{"email":"[email]","note":"x"}'),
    ],
)
def test_it_is_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Your refund rate was 7.9% on 2026-11-20 and 2026-11-21.",
        "from 2026-11-20 to 2026-12-20",
        "$1,234,567.89",
        '{"value":0.0789123456789012,"sample":1234567}',
        "4242424242424241",  # no card: its last digit is wrong
        "the sk in skating",
        "50% off @ the shop",
        "refunds-and-negative-balances#refund-rate",
        "a1b2c3d4-0000-4000-8000-1234567890ab",
    ],
)
def test_numbers_dates_and_words_stay(text: str) -> None:
    assert masked(text) == text
