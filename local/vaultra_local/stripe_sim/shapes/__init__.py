"""What each Stripe object looks like at this API version: every field with the value it has when nobody set it."""

from vaultra_local.stripe_sim.shapes.accounts import ACCOUNTS, API_VERSION
from vaultra_local.stripe_sim.shapes.billing import BILLING, PLAN, SUBSCRIPTION_ITEM
from vaultra_local.stripe_sim.shapes.invoices import INVOICES, LINE_ITEM
from vaultra_local.stripe_sim.shapes.parts import Json, list_of
from vaultra_local.stripe_sim.shapes.payments import DECLINED, PAYMENTS, card_details

__all__ = [
    "API_VERSION",
    "DECLINED",
    "LINE_ITEM",
    "PLAN",
    "SUBSCRIPTION_ITEM",
    "TEMPLATES",
    "Json",
    "card_details",
    "list_of",
]

TEMPLATES: dict[str, Json] = {**ACCOUNTS, **PAYMENTS, **BILLING, **INVOICES}
