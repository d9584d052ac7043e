"""Which thing a number is told of."""

import pytest

from vaultra.domain.claims import claims


def bound(sentence: str) -> list[tuple[float, str | None]]:
    return [(float(one.figure.value), one.subjects[0] if one.subjects else None) for one in claims(sentence)]


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("The dispute rate is 7.9% and the refund rate 0.5%.",
         [(7.9, "chargeback_ratio"), (0.5, "refund_volume_ratio")]),
        ("You had 3 refunds and 2 chargebacks on 180 charges (1.1%).",
         [(3, "refund_volume_ratio"), (2, "chargeback_ratio"), (180, "transaction_count"), (1.1, "chargeback_ratio")]),
        ("At 7.9%, your refund rate is high.", [(7.9, "refund_volume_ratio")]),
        ("Your refund rate is 3%, up from 2%.", [(3, "refund_volume_ratio"), (2, "refund_volume_ratio")]),
        ("Revenue was $12,000 from 512 charges.", [(12000, "revenue_total"), (512, "transaction_count")]),
        ("A 7.9% refund rate is high, and payouts are fine.", [(7.9, "refund_volume_ratio")]),
        ("It is 7.9%.", [(7.9, None)]),
        ("Your score is 86.", [(86, "score")]),
    ],
)  # fmt: skip
def test_a_number_is_bound_to_the_name_beside_it(sentence: str, found: list[tuple[float, str | None]]) -> None:
    assert bound(sentence) == found


def test_a_lender_is_told_beside_the_thing() -> None:
    [one] = claims("Clearco: more than $10,000 of net volume a month.")
    assert (one.subjects[0], one.lenders) == ("net_volume", ("lender:Clearco",))


def test_the_words_in_front_tell_what_was() -> None:
    assert [one.past for one in claims("The score went from 74 to 86.")] == [True, False]
