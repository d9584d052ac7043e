"""Monthly recurring revenue, read directly from raw Stripe subscriptions."""

from fractions import Fraction
from typing import Any

from .money import exact

Raw = dict[str, Any]


def identity(reference: Any) -> str | None:
    """The id of a Stripe reference, which is an id, an expanded object or null."""
    return reference.get("id") if isinstance(reference, dict) else reference


def list_data(reference: Any) -> list[Any]:
    """The entries of a Stripe list object, of a plain list, or of null."""
    if isinstance(reference, dict):
        return reference.get("data") or []
    return reference or []


def decimal_field(holder: Raw, name: str) -> Fraction:
    """`<name>_decimal` where Stripe gives it, else `<name>`, else 0."""
    for key in (f"{name}_decimal", name):
        if holder.get(key) is not None:
            return exact(holder[key])
    return Fraction(0)


def price_of_quantity(price: Raw, quantity: int) -> Fraction:
    """What one billing period of `quantity` costs, in minor units, by Stripe's own arithmetic."""
    if price.get("billing_scheme") != "tiered":
        transform = price.get("transform_quantity")
        if transform:
            packages, rest = divmod(quantity, transform["divide_by"])
            quantity = packages + (1 if rest and transform["round"] == "up" else 0)
        return decimal_field(price, "unit_amount") * quantity
    total, below = Fraction(0), 0
    for tier in price.get("tiers") or []:
        up_to = tier.get("up_to")
        last = up_to is None or quantity <= up_to
        unit, flat = decimal_field(tier, "unit_amount"), decimal_field(tier, "flat_amount")
        if price.get("tiers_mode") == "volume":
            if last:
                return unit * quantity + flat
        else:
            total += unit * ((quantity if last else up_to) - below) + flat
            if last:
                return total
            below = up_to
    return total


def per_month(amount: Fraction, recurring: Raw) -> Fraction:
    """One billing period's amount, normalised to a month."""
    months = {"year": Fraction(12), "month": Fraction(1), "week": Fraction(12, 52), "day": Fraction(12, 365)}
    return amount / (months[recurring["interval"]] * (recurring.get("interval_count") or 1))


def lasting_coupons(discounts: list[Any], currency: str, now: int, coupons: dict[str, Raw]) -> list[Raw]:
    """The coupons among `discounts` that lower MRR now: forever, or repeating and still running."""
    found = []
    for discount in discounts:
        if not isinstance(discount, dict):
            continue
        coupon = (discount.get("source") or {}).get("coupon") or discount.get("coupon")
        if isinstance(coupon, str):
            coupon = coupons.get(coupon)
        if not coupon or coupon.get("duration") not in ("forever", "repeating"):
            continue
        if (discount.get("start") or 0) > now or (discount.get("end") is not None and discount["end"] <= now):
            continue
        if coupon.get("amount_off") is not None and coupon.get("currency") != currency:
            continue
        found.append(coupon)
    return found


def after_coupons(monthly: Fraction, coupons: list[Raw], recurring: Raw) -> Fraction:
    """A monthly amount after each coupon in turn; an amount off falls once per billing period; never below 0."""
    for coupon in coupons:
        if coupon.get("percent_off") is not None:
            monthly -= monthly * exact(coupon["percent_off"]) / 100
        elif coupon.get("amount_off") is not None:
            monthly -= per_month(Fraction(coupon["amount_off"]), recurring)
        monthly = max(monthly, Fraction(0))
    return monthly


def subscription_discounts(subscription: Raw) -> list[Any]:
    """The discounts of the subscription itself, in today's or the older shape."""
    found = list(subscription.get("discounts") or [])
    if not found and subscription.get("discount"):
        found.append(subscription["discount"])
    return found


def monthly_amount(subscription: Raw, customer: Raw | None, now: int, coupons: dict[str, Raw]) -> Fraction:
    """What a subscription's prices bring a month, less the discounts of `now`: its own minor units, unrounded."""
    currency = currency_of(subscription)
    total, intervals = Fraction(0), []
    for item in list_data(subscription.get("items")):
        price = item["price"]
        if (price["recurring"].get("usage_type") or "licensed") == "metered":
            continue
        intervals.append(price["recurring"])
        quantity = item.get("quantity")
        amount = per_month(price_of_quantity(price, 1 if quantity is None else quantity), price["recurring"])
        own = lasting_coupons(item.get("discounts") or [], currency, now, coupons)
        total += after_coupons(amount, own, price["recurring"])
    if not intervals:
        return Fraction(0)
    discounts = subscription_discounts(subscription)
    if not discounts and customer and customer.get("discount"):
        discounts = [customer["discount"]]
    # An amount off the invoice comes off every one, so as often as the item that is billed most often.
    shortest = max(intervals, key=lambda recurring: per_month(Fraction(1), recurring))
    return after_coupons(total, lasting_coupons(discounts, currency, now, coupons), shortest)


def currency_of(subscription: Raw) -> str:
    """The currency a subscription bills in."""
    for item in list_data(subscription.get("items")):
        if item["price"].get("currency"):
            return str(item["price"]["currency"])
    return str(subscription.get("currency"))


def counts_now(subscription: Raw, now: int) -> bool:
    """Whether the subscription is in MRR now: active or past due, not on trial, not paused, begun."""
    return (
        subscription.get("status") in ("active", "past_due")
        and not paused(subscription, now)
        and (subscription.get("trial_end") or 0) <= now
        and began(subscription) <= now
    )


def counted_then(subscription: Raw, then: int) -> bool:
    """Whether it was in MRR at `then`, by its own dates.

    A state that has no date tells nothing about then: one that is unpaid now had begun and has not ended. Those that
    never began to pay did not do so then either.
    """
    status = subscription.get("status")
    if status not in ("active", "past_due", "unpaid", "canceled") or began(subscription) > then:
        return False
    if status == "canceled":
        end = subscription.get("ended_at") or subscription.get("canceled_at")
        if end is None or end <= then:
            return False
    return not paused(subscription, then) and (subscription.get("trial_end") or 0) <= then


def began(subscription: Raw) -> int:
    """When the subscription started."""
    return int(subscription.get("start_date") or subscription.get("created") or 0)


def paused(subscription: Raw, now: int) -> bool:
    """Whether its collection is paused and not due to have resumed."""
    pause = subscription.get("pause_collection")
    return pause is not None and (pause.get("resumes_at") is None or pause["resumes_at"] > now)
