"""What shapes of several kinds of objects are made of."""

from typing import Any

Json = dict[str, Any]

ADDRESS: Json = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
IDENTITY: Json = {"created": 0, "livemode": False, "metadata": {}}


def list_of(data: list[Json], url: str, has_more: bool = False) -> Json:
    """Stripe's list envelope around one page."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
