"""What can happen to an account's subscriptions, and what they are made of: products, prices, coupons."""

from vaultra_local.stripe_sim.account import DAY, StripeAccount
from vaultra_local.stripe_sim.shapes import PLAN, SUBSCRIPTION_ITEM, Json, list_of

PERIOD_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
"""Rough length of a period, where the caller names no end."""


def product(account: StripeAccount, *, at: int, name: str) -> str:
    """Something to sell; returns `prod_…`."""
    fields = {"id": account.new_id("prod"), "created": at, "updated": at, "name": name}
    return account.create("product", fields, event="product.created")


def price(
    account: StripeAccount,
    *,
    at: int,
    product: str,
    amount: int,
    interval: str = "month",
    interval_count: int = 1,
    currency: str | None = None,
) -> str:
    """What a product costs per `interval_count` intervals (`day`, `week`, `month`, `year`); returns `price_…`."""
    return account.create(
        "price",
        {
            "id": account.new_id("price"),
            "created": at,
            "currency": currency or account.currency,
            "product": product,
            "recurring": {
                "interval": interval,
                "interval_count": interval_count,
                "meter": None,
                "trial_period_days": None,
                "usage_type": "licensed",
            },
            "unit_amount": amount,
            "unit_amount_decimal": str(amount),
        },
        event="price.created",
    )


def coupon(
    account: StripeAccount,
    *,
    at: int,
    name: str,
    percent_off: float | None = None,
    amount_off: int | None = None,
    duration: str = "forever",
    months: int | None = None,
) -> str:
    """A discount to give; `duration` is `forever`, `once` or `repeating` (for `months`); returns `coupon_…`."""
    fields = {
        "id": account.new_id("coupon"),
        "amount_off": amount_off,
        "created": at,
        "currency": account.currency if amount_off else None,
        "duration": duration,
        "duration_in_months": months,
        "name": name,
        "percent_off": None if percent_off is None else float(percent_off),
    }
    return account.create("coupon", fields, event="coupon.created")


def subscription(
    account: StripeAccount,
    *,
    at: int,
    customer: str,
    price: str,
    quantity: int = 1,
    coupon: str | None = None,
    discount_end: int | None = None,
    trial_days: int = 0,
    period_end: int | None = None,
) -> str:
    """A customer subscribes to a price; returns `sub_…`. A trial starts as `trialing`, all else as `active`."""
    subscription_id, item_id = account.new_id("sub"), account.new_id("si")
    priced = account.render("price", price, at)
    trial_end = at + trial_days * DAY if trial_days else None
    if period_end is None:
        period_end = trial_end or at + PERIOD_DAYS[priced["recurring"]["interval"]] * DAY
    discounts = []
    if coupon:
        discount_id = account.new_id("di")
        discounts.append(discount_id)
        account.create(
            "discount",
            {
                "id": discount_id,
                "created": at,
                "customer": customer,
                "end": discount_end,
                "source": {"coupon": coupon, "type": "coupon"},
                "start": at,
                "subscription": subscription_id,
            },
        )
    item = {
        **SUBSCRIPTION_ITEM,
        "id": item_id,
        "created": at,
        "current_period_start": at,
        "current_period_end": period_end,
        "plan": _plan(priced),
        "price": priced,
        "quantity": quantity,
        "subscription": subscription_id,
    }
    return account.create(
        "subscription",
        {
            "id": subscription_id,
            "billing_cycle_anchor": trial_end or at,
            "created": at,
            "currency": priced["currency"],
            "customer": customer,
            "discounts": discounts,
            "items": list_of([item], f"/v1/subscription_items?subscription={subscription_id}"),
            "start_date": at,
            "status": "trialing" if trial_end else "active",
            "trial_end": trial_end,
            "trial_start": at if trial_end else None,
        },
        event="customer.subscription.created",
    )


def _plan(price: Json) -> Json:
    recurring = price["recurring"]
    return {
        **PLAN,
        "id": price["id"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": price["livemode"],
        "product": price["product"],
    }


def _with_item(account: StripeAccount, subscription: str, changes: Json) -> Json:
    """The subscription's `items` with other values in its one item."""
    items: Json = account.fields("subscription", subscription)["items"]
    return {**items, "data": [{**items["data"][0], **changes}]}


def renew(account: StripeAccount, *, at: int, subscription: str, period_end: int) -> str:
    """A new period begins."""
    items = _with_item(account, subscription, {"current_period_start": at, "current_period_end": period_end})
    changes = {"items": items, "status": "active"}
    account.change("subscription", subscription, changes, at=at, event="customer.subscription.updated")
    return subscription


def change_subscription(
    account: StripeAccount, *, at: int, subscription: str, quantity: int | None = None, price: str | None = None
) -> str:
    """Another quantity or another price from now on."""
    changes: Json = {} if quantity is None else {"quantity": quantity}
    if price is not None:
        priced = account.render("price", price, at)
        changes |= {"price": priced, "plan": _plan(priced)}
    items = _with_item(account, subscription, changes)
    account.change("subscription", subscription, {"items": items}, at=at, event="customer.subscription.updated")
    return subscription


def subscription_status(account: StripeAccount, *, at: int, subscription: str, status: str) -> str:
    """Payment fails or recovers: `past_due`, `unpaid` or `active`."""
    event = "customer.subscription.updated"
    account.change("subscription", subscription, {"status": status}, at=at, event=event)
    return subscription


def pause(account: StripeAccount, *, at: int, subscription: str, resumes_at: int | None = None) -> str:
    """Collection pauses: the subscription stays `active`, its invoices are void."""
    changes = {"pause_collection": {"behavior": "void", "resumes_at": resumes_at}}
    account.change("subscription", subscription, changes, at=at, event="customer.subscription.updated")
    return subscription


def resume(account: StripeAccount, *, at: int, subscription: str) -> str:
    """Collection goes on."""
    changes = {"pause_collection": None}
    account.change("subscription", subscription, changes, at=at, event="customer.subscription.updated")
    return subscription


def cancel(account: StripeAccount, *, at: int, subscription: str, reason: str = "cancellation_requested") -> str:
    """The subscription ends at once."""
    changes = {
        "canceled_at": at,
        "cancellation_details": {"comment": None, "feedback": None, "reason": reason},
        "ended_at": at,
        "status": "canceled",
    }
    account.change("subscription", subscription, changes, at=at, event="customer.subscription.deleted")
    return subscription
