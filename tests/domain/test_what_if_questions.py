"""What a question supposes, as new values of metrics."""

from fractions import Fraction

import pytest

from vaultra.domain.what_if_questions import Wish, asks_what_if, wishes


@pytest.mark.parametrize(
    ("question", "wish"),
    [
        ("what if refunds went down to 2 percent", Wish("refund_volume_ratio", Fraction(2, 100))),
        ("suppose chargebacks were at 0.4%", Wish("chargeback_ratio", Fraction(4, 1000))),
        ("if my biggest customer was only 20% of sales?", Wish("top_customer_share", Fraction(1, 5))),
        ("what if i cut refunds by half", Wish("refund_volume_ratio", factor=Fraction(1, 2))),
        ("what if i cut refunds by 10%", Wish("refund_volume_ratio", factor=Fraction(9, 10))),
        ("if my revenue was $12,000 a month", Wish("monthly_net_volume", Fraction(12000))),
        ("if we sold 15k a month", Wish("monthly_net_volume", Fraction(15000))),
        ("what if my revenue grew", Wish("revenue_trend", "increasing")),
        ("what if i had no more disputes", Wish("chargeback_ratio", Fraction(0))),
    ],
)
def test_a_wish_is_read(question: str, wish: Wish) -> None:
    assert asks_what_if(question)
    assert wishes(question)[0] == wish


def test_two_wishes_are_read() -> None:
    found = wishes("what if refunds were 2% and chargebacks were 0.3%?")
    assert found == [Wish("refund_volume_ratio", Fraction(2, 100)), Wish("chargeback_ratio", Fraction(3, 1000))]


@pytest.mark.parametrize("question", ["what if the moon fell", "what if i sold more", "how is my refund rate"])
def test_what_can_not_be_worked_out_is_no_wish(question: str) -> None:
    assert wishes(question) == []
