"""One Stripe account: its objects, the events they caused, its balance. Knows no network and no clock."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from vaultra_local.stripe_sim import resources
from vaultra_local.stripe_sim.collection import Collection, Entry, Key, Page
from vaultra_local.stripe_sim.ids import stripe_id
from vaultra_local.stripe_sim.shapes import TEMPLATES, Json

SETTLED_AFTER_DAYS = 14
"""No balance transaction stays pending longer, so only the newest ones are asked."""

DAY = 86_400


class NoSuchObject(LookupError):
    """The account has no object of this kind with this id."""

    def __init__(self, kind: str, object_id: str) -> None:
        super().__init__(f"No such {kind}: '{object_id}'")
        self.kind = kind
        self.object_id = object_id


class StripeAccount:
    """An account's whole state; operations.py says what can happen to it.

    Args:
        account_id: `acct_…`.
        name: Shown to who connects it.
        created: When it was opened, in seconds since 1970.
        currency: Lowercase ISO code of what it settles in.
        country: Two capital letters.
        livemode: Of every object.
        unpack: Per kind, what turns compact entries into fields; only for accounts loaded in bulk.
    """

    def __init__(
        self,
        account_id: str,
        name: str,
        *,
        created: int,
        currency: str = "usd",
        country: str = "US",
        livemode: bool = True,
        about: str = "",
        unpack: dict[str, Callable[[Any], Json]] | None = None,
    ) -> None:
        self.id = account_id
        self.name = name
        self.about = about
        self.created = created
        self.currency = currency
        self.country = country
        self.livemode = livemode
        self.profile: Json = {
            **TEMPLATES["account"],
            "id": account_id,
            "created": created,
            "country": country,
            "default_currency": currency,
            "business_profile": {**TEMPLATES["account"]["business_profile"], "name": name},
            "settings": {
                **TEMPLATES["account"]["settings"],
                "dashboard": {"display_name": name, "timezone": "Etc/UTC"},
            },
        }
        unpack = {"event": _event_fields, **(unpack or {})}
        self.collections = {
            resource.kind: Collection(resource.extractors, unpack.get(resource.kind, _not_compact))
            for resource in (*resources.RESOURCES, resources.DISCOUNT)
            if resource.kind != "payment_intent"
        }
        self.net: Counter[str] = Counter()
        """Everything ever moved through the balance, by currency, in minor units."""
        self.unpaid: list[str] = []
        """Balance transactions that no payout has taken yet, oldest first."""
        self.undelivered: set[str] = set()
        """Events whose webhook has not been accepted yet."""
        self.counts: Counter[str] = Counter()
        """Ids given out so far, by prefix."""
        self.on_event: Callable[[str], None] | None = None
        self._templates = {
            kind: {**template, "livemode": livemode} if "livemode" in template else template
            for kind, template in TEMPLATES.items()
        }
        self._templates["event"] = {**self._templates["event"], "account": account_id}

    def new_id(self, prefix: str) -> str:
        """The next id with this prefix: the same one whenever the same things happened before."""
        self.counts[prefix] += 1
        return stripe_id(prefix, self.id, prefix, self.counts[prefix])

    def fields(self, kind: str, object_id: str) -> Json:
        """The object's fields that differ from the template; raises NoSuchObject."""
        try:
            return self.collections[kind].fields(object_id)
        except KeyError:
            raise NoSuchObject(kind, object_id) from None

    def create(self, kind: str, fields: Json, *, event: str | None = None) -> str:
        """Store a new object (its fields carry `id` and `created`) and tell of it; returns its id."""
        object_id: str = fields["id"]
        self.collections[kind].put(object_id, fields)
        if kind == "balance_transaction":
            self.net[fields["currency"]] += fields["net"]
            if fields.get("type") != "payout":
                self.unpaid.append(object_id)
        if event:
            self.emit(event, kind, fields, at=fields["created"])
        return object_id

    def change(self, kind: str, object_id: str, changes: Json, *, at: int, event: str | None = None) -> None:
        """Set fields of an object and tell of it, with what they were before; raises NoSuchObject."""
        old = self.fields(kind, object_id)
        new = {**old, **changes}
        self.collections[kind].put(object_id, new)
        if event:
            template = self._templates[kind]
            previous = {name: old.get(name, template.get(name)) for name in changes if not name.startswith("_")}
            self.emit(event, kind, new, at=at, previous=previous)

    def delete(self, kind: str, object_id: str, *, at: int) -> None:
        """Take an object away for good and tell of it; raises NoSuchObject."""
        fields = self.fields(kind, object_id)
        self.collections[kind].delete(object_id)
        self.emit(f"{kind}.deleted", kind, fields, at=at)

    def emit(self, event_type: str, kind: str, entry: Entry, *, at: int, previous: Json | None = None) -> str:
        """Store an event about the object as it is now, and hand it to whoever listens."""
        event_id = self.new_id("evt")
        self.collections["event"].put(event_id, (at, event_type, kind, entry, previous))
        if self.on_event:
            self.on_event(event_id)
        return event_id

    def emit_foreign(self, event: Json) -> str:
        """Store an event made elsewhere, as it is, and hand it to whoever listens."""
        self.collections["event"].put(event["id"], event)
        if self.on_event:
            self.on_event(event["id"])
        return str(event["id"])

    def render(self, kind: str, object_id: str, now: int) -> Json:
        """The object as the API answers it at `now`; raises NoSuchObject."""
        if kind == "payment_intent":
            return self._payment_intent(object_id)
        try:
            entry = self.collections[kind].entry(object_id)
        except KeyError:
            raise NoSuchObject(kind, object_id) from None
        if kind == "event":
            return self._event(object_id, entry)
        return self._build(kind, self.collections[kind].unpacked(entry), now)

    def key_of(self, kind: str, object_id: str) -> Key:
        """The object's place in its list; raises NoSuchObject."""
        intent = kind == "payment_intent"
        try:
            return self.collections["charge" if intent else kind].key_of(
                "ch" + object_id.removeprefix("pi") if intent else object_id
            )
        except KeyError:
            raise NoSuchObject(kind, object_id) from None

    def page(self, kind: str, filters: Json, page: Page) -> tuple[list[str], bool]:
        """One page of ids, newest first, and whether more follow."""
        if kind == "payment_intent":
            ids, has_more = self.collections["charge"].page(filters, page)
            return ["pi" + charge_id[2:] for charge_id in ids], has_more
        return self.collections[kind].page(filters, page)

    def balance(self, now: int) -> Json:
        """What /v1/balance answers: the sum of all balance transactions, split by whether they are available."""
        pending: Counter[str] = Counter()
        transactions = self.collections["balance_transaction"]
        for created, object_id in reversed(transactions.ordered()):
            if created < now - SETTLED_AFTER_DAYS * DAY:
                break
            fields = transactions.fields(object_id)
            if fields["available_on"] > now:
                pending[fields["currency"]] += fields["net"]
        currencies = sorted({self.currency, *self.net})

        def amounts(by_currency: Counter[str]) -> list[Json]:
            return [
                {"amount": by_currency[code], "currency": code, "source_types": {"card": by_currency[code]}}
                for code in currencies
            ]

        available = Counter({code: self.net[code] - pending[code] for code in currencies})
        return {
            "object": "balance",
            "available": amounts(available),
            "connect_reserved": [{"amount": 0, "currency": self.currency}],
            "livemode": self.livemode,
            "pending": amounts(pending),
        }

    def events(self) -> Iterator[Json]:
        """Every event of the account's history as a webhook delivers it, oldest first."""
        for created, event_id in self.collections["event"].ordered():
            yield {**self.render("event", event_id, created), "pending_webhooks": 1}

    def _build(self, kind: str, fields: Json, now: int) -> Json:
        built = {**self._templates[kind], **fields}
        if kind == "balance_transaction":
            built.pop("_payout", None)
            built["status"] = "available" if built["available_on"] <= now else "pending"
        if kind == "discount":
            del built["created"]
        return built

    def _event(self, event_id: str, entry: Entry) -> Json:
        pending = 1 if event_id in self.undelivered else 0
        if type(entry) is not tuple:
            return {**self._templates["event"], **entry, "pending_webhooks": pending}
        created, event_type, kind, about, previous = entry
        if kind in self.collections:
            about = self._build(kind, self.collections[kind].unpacked(about), created)
        data = {"object": about} if previous is None else {"object": about, "previous_attributes": previous}
        event = {"id": event_id, "created": created, "data": data, "pending_webhooks": pending, "type": event_type}
        return {**self._templates["event"], **event}

    def _payment_intent(self, object_id: str) -> Json:
        try:
            charge = self._build("charge", self.fields("charge", "ch" + object_id.removeprefix("pi")), 0)
        except NoSuchObject:
            raise NoSuchObject("payment_intent", object_id) from None
        paid = charge["paid"]
        return {
            **self._templates["payment_intent"],
            "id": object_id,
            "amount": charge["amount"],
            "amount_received": charge["amount_captured"],
            "created": charge["created"],
            "currency": charge["currency"],
            "customer": charge["customer"],
            "description": charge["description"],
            "last_payment_error": None if paid else {"code": charge["failure_code"], "type": "card_error"},
            "latest_charge": charge["id"],
            "payment_method": charge["payment_method"],
            "status": "succeeded" if paid else "requires_payment_method",
        }


def _not_compact(entry: Any) -> Json:
    raise TypeError(f"no compact entries of this kind: {entry!r}")


def _event_fields(entry: Any) -> Json:
    return {"created": entry[0], "type": entry[1]}
