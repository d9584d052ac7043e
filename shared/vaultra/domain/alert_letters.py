"""What alerts say: one function per kind, from facts to words."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from vaultra.domain.alerts import Alert
from vaultra.domain.disclaimer import DISCLAIMER
from vaultra.domain.mail_layout import (
    SIGNATURE,
    Letter,
    button,
    heading,
    moment,
    one_line,
    page,
    paragraph,
    quiet_link,
    unlinked,
)
from vaultra.domain.money import format_money
from vaultra.domain.network_watch import Pressure, step_near
from vaultra.domain.readiness import TIER_LABELS, TIERS
from vaultra.domain.wording import counted, percent

Facts = Mapping[str, Any]

_ACTION = "Open the overview"
_NOTE = "You get this mail at once because alerts are switched on for you."
_STOP = "Stop these mails"


def dispute_opened(facts: Facts) -> Letter:
    """A customer's bank disputes a payment, or asks about it.

    Args:
        facts: `business_name`, `link`, `unsubscribe_link`, `amount_minor`, `currency`, `reason` (Stripe's word or
            None), `status`, `created_at`, and `evidence_due_at`: None when Stripe did not tell. Times are ISO texts.
    """
    name, amount = _name(facts), format_money(facts["amount_minor"], facts["currency"])
    day, inquiry = _day(_at(facts["created_at"]).date()), facts["status"].startswith("warning_")
    reason = f" The reason it gives: {_words(facts['reason'])}." if facts["reason"] else ""
    happened = (
        f"A customer's bank asks about a payment of {amount} to {name}, since {day}.{reason} This is an inquiry: no "
        "money has left yet, and a refund now keeps it from becoming a dispute."
        if inquiry
        else f"A customer's bank disputes a payment of {amount} to {name}, since {day}.{reason} The amount and a fee "
        "leave your Stripe balance; if the bank decides for you, the amount comes back."
    )
    due = facts["evidence_due_at"]
    until = f"until {moment(_at(due))}" if due else "until the date your Stripe dashboard names"
    answer = f"You can answer {until}, once: gather everything that shows the order was real before you send it."
    what = "inquiry" if inquiry else "dispute"
    return _letter(facts, f"New {what} over {amount}", (happened, answer))


def payout_failed(facts: Facts) -> Letter:
    """A payout did not reach the bank.

    Args:
        facts: `business_name`, `link`, `unsubscribe_link`, `amount_minor`, `currency`, `arrival_on` (ISO), and
            `failure_code`: Stripe's word, or None.
    """
    amount, name = format_money(facts["amount_minor"], facts["currency"]), _name(facts)
    due = _day(dt.date.fromisoformat(facts["arrival_on"]))
    reason = f" The reason the bank gave: {_words(facts['failure_code'])}." if facts["failure_code"] else ""
    return _letter(
        facts,
        f"A payout of {amount} failed",
        (
            f"The payout of {amount} from {name}, due on {due}, did not reach the bank.{reason}",
            "The money is back in your Stripe balance. Check the bank details in your Stripe dashboard before the next "
            "payout; it may fail for the same reason.",
        ),
    )


def tier_changed(facts: Facts) -> Letter:
    """The score is in another tier than was last told.

    Args:
        facts: `business_name`, `link`, `unsubscribe_link`, `score`, and the keys of the tiers `before` and `after`.
    """
    order = [tier.key for tier in TIERS]
    before, after = TIER_LABELS[facts["before"]], TIER_LABELS[facts["after"]]
    rose = order.index(facts["after"]) < order.index(facts["before"])
    why = "what added points, and what the next tier needs" if rose else "what took points, and what to do first"
    return _letter(
        facts,
        f"{'Up' if rose else 'Down'} to “{after}”",
        (
            f"The readiness score of {_name(facts)} is {facts['score']} now. That is the tier “{after}”; "
            f"it was “{before}”.",
            f"The overview shows {why}. A score near the edge of a tier can go back and forth, so you hear of a change "
            "once a day at most.",
        ),
    )


def network_near(facts: Facts) -> Letter:
    """Disputes and fraud warnings come near what the card networks or Stripe act on.

    Args:
        facts: `business_name`, `link`, `unsubscribe_link`, and of the last 30 days `charges`, `disputes`, `warnings`.
    """
    pressure = Pressure(facts["charges"], facts["disputes"], facts["warnings"])
    step = step_near(pressure)
    assert step is not None, "it is asked for when one is near"
    return _letter(
        facts,
        "Disputes come near a limit",
        (
            f"In the last 30 days, {counted(pressure.disputes, 'dispute')} and "
            f"{counted(pressure.warnings, 'early fraud warning')} came upon {counted(pressure.charges, 'charge')} of "
            f"{_name(facts)}. That is {percent(step.ratio, beside=(step.at,))}; at {percent(step.at)}, {step.says}.",
            "Refund a charge as soon as an early fraud warning names it, look at the newest orders for a pattern, and "
            "answer every open dispute in time.",
        ),
    )


ALERT_LETTERS: dict[str, Callable[[Facts], Letter]] = {
    Alert.DISPUTE_OPENED.value: dispute_opened,
    Alert.PAYOUT_FAILED.value: payout_failed,
    Alert.TIER_CHANGED.value: tier_changed,
    Alert.NETWORK_NEAR.value: network_near,
}


def _letter(facts: Facts, title: str, paragraphs: tuple[str, ...]) -> Letter:
    subject = f"{one_line(facts['business_name'])}: {title}"
    notes, link, stop = (_NOTE, DISCLAIMER), facts["link"], facts["unsubscribe_link"]
    text = [title, *paragraphs, f"{_ACTION}:\n{link}", *notes, f"{_STOP}:\n{stop}", SIGNATURE]
    html = [
        heading(title),
        *(paragraph(part) for part in paragraphs),
        button(_ACTION, link),
        *(paragraph(note, "soft", 14) for note in notes),
        quiet_link(_STOP, stop),
    ]
    return Letter(subject, "\n\n".join(text) + "\n", page(subject, "".join(html)))


def _name(facts: Facts) -> str:
    return f"“{unlinked(one_line(facts['business_name']))}”"


def _words(code: str) -> str:
    """Stripe's word for a reason, as people write it."""
    return unlinked(one_line(code.replace("_", " ")))


def _at(iso: str) -> dt.datetime:
    return dt.datetime.fromisoformat(iso).astimezone(dt.UTC)


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"
