"""Subscriptions and invoices for a random shop: coupons, trials, pauses, tiers, and every status."""

from typing import TYPE_CHECKING, Any

from .records import DAY

if TYPE_CHECKING:
    from .random_shops import ShopMaker

Raw = dict[str, Any]
STATUSES = ["active"] * 8 + ["past_due", "trialing", "canceled", "canceled", "canceled"]
STATUSES += ["unpaid", "incomplete", "incomplete_expired", "paused"]


def add_subscriptions(shop: "ShopMaker") -> None:
    """Subscriptions of the shop's customers, and invoices that some of its charges paid."""
    customers = shop.objects["customers"]
    number = shop.random.choice([0, 0, 0, 1, 4, 15, 40]) if customers else 0
    for _ in range(number):
        customer = shop.random.choice(customers)
        shop.objects["subscriptions"].append(subscription(shop, customer))
    if number and shop.random.random() < 0.5:
        for customer in customers:
            if shop.random.random() < 0.4:
                customer["discount"] = discount(shop, shop.currency)
    add_invoices(shop, chance=shop.random.choice([0.3, 0.6, 1.0, 1.0] if number else [0.0, 0.0, 0.3]))


def day_offset(shop: "ShopMaker", longest: int) -> int:
    """Days before now, often about 30."""
    return min(shop.random.choice([29, 30, 31, *range(1, longest + 1)]), longest)


def subscription(shop: "ShopMaker", customer: Raw) -> Raw:
    """One subscription with its items, now and then at two intervals."""
    status = shop.random.choice(STATUSES)
    currency = shop.random.choice(shop.foreign) if shop.foreign and shop.random.random() < 0.2 else shop.currency
    age = day_offset(shop, 400)
    start = shop.now - age * DAY
    ended = trial_start = trial_end = None
    if status == "canceled":
        ended = shop.now - day_offset(shop, age) * DAY
    if status == "trialing":
        trial_start, trial_end = start, shop.now + 5 * DAY
    elif shop.random.random() < 0.25:
        trial_start, trial_end = start, shop.now - day_offset(shop, age) * DAY
        if ended is not None:
            trial_end = min(trial_end, ended)
    pause = None
    if status in ("active", "past_due") and shop.random.random() < 0.12:
        resumes_at = shop.random.choice([None, shop.now + 9 * DAY, shop.now - 9 * DAY, shop.now - 40 * DAY])
        pause = {"behavior": "void", "resumes_at": resumes_at}
    intervals = [("month", 1)] * 4 + [("year", 1), ("week", 1), ("month", 2), ("day", 10)]
    interval, other = shop.random.choice(intervals), shop.random.choice(intervals)
    mixed = shop.random.random() < 0.1
    subscription_id = shop.new_id("sub")
    return {
        "id": subscription_id,
        "object": "subscription",
        "livemode": True,
        "created": start,
        "start_date": start,
        "status": status,
        "currency": currency,
        "customer": customer["id"],
        "trial_start": trial_start,
        "trial_end": trial_end,
        "cancel_at_period_end": status == "active" and shop.random.random() < 0.2,
        "canceled_at": ended,
        "ended_at": ended,
        "pause_collection": pause,
        "discounts": [discount(shop, currency) for _ in range(shop.random.choice([0, 0, 0, 1, 2]))],
        "items": {
            "object": "list",
            "has_more": False,
            "data": [
                item(shop, currency, other if mixed and number else interval)
                for number in range(shop.random.choice([1, 1, 2]))
            ],
        },
    }


def item(shop: "ShopMaker", currency: str, interval: tuple[str, int]) -> Raw:
    """One item: per unit, tiered, in fractions of a minor unit, or metered."""
    kind = shop.random.choice(["unit", "unit", "unit", "fraction", "graduated", "volume", "metered"])
    unit = shop.minor(shop.random.choice([5, 19, 49]), currency)
    price: Raw = {
        "id": shop.new_id("price"),
        "object": "price",
        "active": True,
        "currency": currency,
        "type": "recurring",
        "billing_scheme": "per_unit",
        "tiers_mode": None,
        "tax_behavior": shop.random.choice(["exclusive", "inclusive", "unspecified"]),
        "transform_quantity": None,
        "unit_amount": unit,
        "unit_amount_decimal": str(unit),
        "recurring": {
            "interval": interval[0],
            "interval_count": interval[1],
            "usage_type": "metered" if kind == "metered" else "licensed",
        },
    }
    if kind == "fraction":
        price |= {"unit_amount": None, "unit_amount_decimal": f"{unit}.125"}
    if kind in ("graduated", "volume"):
        price |= {"billing_scheme": "tiered", "tiers_mode": kind, "unit_amount": None, "unit_amount_decimal": None}
        price["tiers"] = [tier(unit, 5, 0), tier(unit // 2 + 1, 10, unit), tier(unit // 3 + 1, None, None)]
    discounts = [discount(shop, currency)] if shop.random.random() < 0.15 else []
    entry = {"id": shop.new_id("si"), "object": "subscription_item", "price": price, "discounts": discounts}
    return entry if kind == "metered" else entry | {"quantity": shop.random.choice([1, 1, 5, 6, 10, 11, 25])}


def tier(unit: int, up_to: int | None, flat: int | None) -> Raw:
    """One tier of a price."""
    return {
        "up_to": up_to,
        "unit_amount": unit,
        "unit_amount_decimal": str(unit),
        "flat_amount": flat,
        "flat_amount_decimal": None if flat is None else str(flat),
    }


def discount(shop: "ShopMaker", currency: str) -> Raw:
    """A discount by percentage or by amount, for once, for some months or for ever."""
    duration = shop.random.choice(["forever", "once", "repeating"])
    start = shop.now - 100 * DAY
    coupon: Raw = {
        "id": shop.new_id("coupon"),
        "object": "coupon",
        "duration": duration,
        "duration_in_months": 6 if duration == "repeating" else None,
        "percent_off": None,
        "amount_off": None,
        "currency": None,
        "valid": True,
    }
    if shop.random.random() < 0.6:
        coupon["percent_off"] = shop.random.choice([10.0, 33.33, 50.0, 100.0])
    else:
        coupon |= {"amount_off": shop.minor(shop.random.choice([3, 8, 500]), currency), "currency": currency}
    return {
        "id": shop.new_id("di"),
        "object": "discount",
        "start": start,
        "end": shop.now + shop.random.choice([-9, 60]) * DAY if duration == "repeating" else None,
        "source": {"type": "coupon", "coupon": coupon},
    }


def add_invoices(shop: "ShopMaker", chance: float) -> None:
    """Invoices paid by payment intent or by charge, of subscriptions and of single sales."""
    from_subscriptions = shop.random.choice([0.5, 1.0])
    for charge in shop.captured_charges():
        if shop.random.random() >= chance:
            continue
        subscription_id = shop.new_id("sub") if shop.random.random() < from_subscriptions else None
        if charge["payment_intent"]:
            payment = {"type": "payment_intent", "payment_intent": charge["payment_intent"]}
        else:
            payment = {"type": "charge", "charge": charge["id"]}
        invoice_id = shop.new_id("in")
        shop.objects["invoices"].append(
            {
                "id": invoice_id,
                "object": "invoice",
                "livemode": True,
                "created": charge["created"],
                "status": "paid",
                "currency": charge["currency"],
                "amount_paid": charge["amount_captured"],
                "customer": charge["customer"],
                "parent": {
                    "type": "subscription_details",
                    "subscription_details": {"subscription": subscription_id},
                    "quote_details": None,
                }
                if subscription_id
                else None,
                "payments": {
                    "object": "list",
                    "has_more": False,
                    "data": [
                        {
                            "id": shop.new_id("inpay"),
                            "object": "invoice_payment",
                            "invoice": invoice_id,
                            "status": "paid",
                            "amount_paid": charge["amount_captured"],
                            "payment": payment,
                        }
                    ],
                },
            }
        )
