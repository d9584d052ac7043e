"""The simulator's state: accounts, what happened since the base data, who was granted access, faults, deliveries."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any

import orjson

from vaultra_local.stripe_sim import billing, invoicing, operations, payouts
from vaultra_local.stripe_sim.account import StripeAccount
from vaultra_local.stripe_sim.clock import wall_seconds
from vaultra_local.stripe_sim.faults import Fault
from vaultra_local.stripe_sim.ids import stripe_id
from vaultra_local.stripe_sim.permissions import RestrictedKey, reading
from vaultra_local.stripe_sim.shapes import TEMPLATES, Json
from vaultra_local.stripe_sim.webhooks import RETRY_AFTER_SECONDS, WebhookSender

REQUESTS_KEPT = 200_000
CODE_LIVES_SECONDS = 300

OPERATIONS: dict[str, Callable[..., str]] = {
    "customer": operations.customer,
    "charge": operations.charge,
    "refund": operations.refund,
    "dispute": operations.dispute,
    "dispute_status": operations.dispute_status,
    "fraud_warning": operations.fraud_warning,
    "payout": payouts.payout,
    "payout_paid": payouts.payout_paid,
    "payout_failed": payouts.payout_failed,
    "account_update": operations.account_update,
    "remove": operations.remove,
    "product": billing.product,
    "price": billing.price,
    "coupon": billing.coupon,
    "subscription": billing.subscription,
    "renew": billing.renew,
    "change_subscription": billing.change_subscription,
    "subscription_status": billing.subscription_status,
    "pause": billing.pause,
    "resume": billing.resume,
    "cancel": billing.cancel,
    "invoice": invoicing.invoice,
    "pay_invoice": invoicing.pay_invoice,
}
"""Everything that can be done to an account, by name; the journal and the control API use these names."""


class UnknownAccount(LookupError):
    """The simulator has no such account."""


@dataclass(frozen=True)
class Received:
    """One request as it came in; `at` is seconds since 1970, `account` what its headers named."""

    method: str
    path: str
    query: str
    account: str | None
    at: float


@dataclass(frozen=True)
class _Code:
    account_id: str
    scope: str
    expires: int


class Simulator:
    """Everything the HTTP side serves. All methods may be called from any thread.

    Args:
        accounts: With their base data; it must be the same on every start with the same journal.
        journal: Where changes are written and read back from; None keeps them in memory.
        webhook_url: Where events go; None sends none.
        secret_key: The platform's key; None takes any that looks like one.
        client_id: The platform's Connect client; None takes any.
        now: Tells seconds since 1970.
        retry_after_seconds: Pauses between a webhook's attempts, when other than Stripe-like ones are wanted.
    """

    def __init__(
        self,
        accounts: Iterable[StripeAccount],
        *,
        journal: Path | None = None,
        webhook_url: str | None = None,
        webhook_secret: str = "whsec_simulator",  # noqa: S107 - signs nothing real
        secret_key: str | None = None,
        client_id: str | None = None,
        now: Callable[[], int] = wall_seconds,
        retry_after_seconds: tuple[float, ...] | None = None,
    ) -> None:
        self.accounts = {account.id: account for account in accounts}
        self.secret_key = secret_key
        self.client_id = client_id
        self.now = now
        self.lock = threading.RLock()
        self.requests: deque[Received] = deque(maxlen=REQUESTS_KEPT)
        self.faults: list[Fault] = []
        self.revoked: set[str] = set()
        self.tokens: dict[str, str] = {}
        """Access token to account."""
        self.refresh_tokens: dict[str, str] = {}
        self.restricted_keys: dict[str, RestrictedKey] = {}
        self.rolled_keys: set[str] = set()
        self._keys_made: Counter[str] = Counter()
        for account_id in self.accounts:
            self._add_key(account_id, reading())
        self._codes: dict[str, _Code] = {}
        self._codes_issued = 0
        self._grants = 0
        self._application_events = 0
        self._undelivered: dict[str, str] = {}
        self._waiting: list[tuple[StripeAccount, str]] = []
        self._sender: WebhookSender | None = None
        self._journal_path = journal
        self._journal: FileIO | None = None
        if journal is not None:
            self._replay(journal)
            self._journal = FileIO(journal, "ab")
        for account in self.accounts.values():
            account.on_event = partial(self._hold, account)
        if webhook_url is not None:
            pauses = RETRY_AFTER_SECONDS if retry_after_seconds is None else retry_after_seconds
            self._sender = WebhookSender(
                webhook_url, webhook_secret, now=now, on_done=self._delivered, retry_after_seconds=pauses
            )
            for event_id, account_id in list(self._undelivered.items()):
                self._send(self.accounts[account_id], event_id)

    @property
    def webhooks(self) -> WebhookSender:
        """The sender; raises RuntimeError when no webhooks are sent."""
        if self._sender is None:
            raise RuntimeError("this simulator sends no webhooks")
        return self._sender

    def account(self, account_id: str) -> StripeAccount:
        """Raises UnknownAccount."""
        try:
            return self.accounts[account_id]
        except KeyError:
            raise UnknownAccount(account_id) from None

    def do(self, account_id: str, operation: str, *, at: int | None = None, **arguments: Any) -> str:
        """Let something happen to an account, now or at `at`; returns the id of the object concerned.

        Its events are listed and delivered. Raises UnknownAccount, NoSuchObject, KeyError for an unknown
        operation, TypeError for wrong argument names and ValueError for impossible values.
        """
        with self.lock:
            account = self.account(account_id)
            moment = self.now() if at is None else at
            counts = account.counts.copy()
            try:
                result = OPERATIONS[operation](account, at=moment, **arguments)
            except Exception:
                # What did not happen must not shift the ids of what happens later: the journal won't know of it.
                account.counts = counts
                raise
            self._write({"do": operation, "account": account_id, "at": moment, "with": arguments})
            self._announce()
            return result

    def send_event(self, event: Json) -> str:
        """Send an event made by hand; what it leaves out is filled in. Listed if its account is known.

        Needs `type`, `account` and `data`; `livemode` may differ from the account's, as Connect does.
        """
        with self.lock:
            if not isinstance(event.get("data"), dict) or not isinstance(event.get("type"), str):
                raise ValueError("an event needs at least a type and data.object")
            account = self.accounts.get(event.get("account", ""))
            self._application_events += 1
            whole = {
                **TEMPLATES["event"],
                "id": stripe_id("evt", "sent", self._application_events, event["type"]),
                "created": self.now(),
                "livemode": account.livemode if account else True,
                "pending_webhooks": 1,
                **event,
            }
            self._write({"event": whole})
            if account is not None and whole["livemode"] == account.livemode:
                account.emit_foreign(whole)
                self._announce()
            elif self._sender:
                self._sender.send(whole["id"], orjson.dumps(whole))
            return str(whole["id"])

    def resend(self, account_id: str, event_id: str) -> str:
        """Deliver a listed event once more, as Stripe's dashboard can."""
        with self.lock:
            account = self.account(account_id)
            payload = orjson.dumps(account.render("event", event_id, self.now()))
            self.webhooks.send(event_id, payload)
            return event_id

    def new_code(self, account_id: str, scope: str) -> str:
        """A single-use code for the Connect callback."""
        with self.lock:
            self.account(account_id)
            self._codes_issued += 1
            code = stripe_id("ac", account_id, self._codes_issued, time.time_ns())
            self._codes[code] = _Code(account_id, scope, self.now() + CODE_LIVES_SECONDS)
            return code

    def redeem(self, code: str) -> tuple[str, str] | None:
        """The account and the scope behind a code, once; None when it is unknown, used or too old."""
        with self.lock:
            found = self._codes.pop(code, None)
            return (found.account_id, found.scope) if found and found.expires > self.now() else None

    def grant(self, account_id: str) -> tuple[str, str]:
        """Let the platform in; returns the access token and the refresh token."""
        with self.lock:
            self._write({"grant": account_id})
            return self._grant(account_id)

    def revoke(self, account_id: str) -> None:
        """Take the platform's access away until it is granted again, and tell it so."""
        with self.lock:
            account = self.account(account_id)
            self.revoked.add(account_id)
            self._write({"revoke": account_id})
            self.send_event(
                {
                    "type": "account.application.deauthorized",
                    "account": account_id,
                    "livemode": account.livemode,
                    "data": {
                        "object": {"id": self.client_id or "ca_simulator", "object": "application", "name": "Vaultra"}
                    },
                }
            )

    def restricted_key(self, account_id: str, permissions: Iterable[str] | None = None) -> str:
        """A new restricted key of the account, as its owner would make one; None lets it read everything."""
        with self.lock:
            self.account(account_id)
            granted = sorted(reading() if permissions is None else permissions)
            self._write({"key": account_id, "permissions": granted})
            return self._add_key(account_id, granted)

    def roll_key(self, key: str) -> None:
        """The owner deletes or replaces a restricted key: it is expired from now on. Raises KeyError."""
        with self.lock:
            del self.restricted_keys[key]
            self.rolled_keys.add(key)
            self._write({"rolled": key})

    def close(self) -> None:
        """Stop delivering and close the journal."""
        if self._sender:
            self._sender.close()
        if self._journal:
            self._journal.close()

    def _grant(self, account_id: str) -> tuple[str, str]:
        self._grants += 1
        mode = "live" if self.account(account_id).livemode else "test"
        access = stripe_id(f"sk_{mode}", account_id, "access", self._grants)
        refresh = stripe_id("rt", account_id, "refresh", self._grants)
        self.tokens[access] = account_id
        self.refresh_tokens[refresh] = account_id
        self.revoked.discard(account_id)
        return access, refresh

    def _add_key(self, account_id: str, permissions: Iterable[str]) -> str:
        mode = "live" if self.account(account_id).livemode else "test"
        self._keys_made[account_id] += 1
        key = stripe_id(f"rk_{mode}", account_id, "restricted", self._keys_made[account_id])
        self.restricted_keys[key] = RestrictedKey(key, account_id, frozenset(permissions))
        return key

    def _hold(self, account: StripeAccount, event_id: str) -> None:
        self._waiting.append((account, event_id))

    def _announce(self) -> None:
        """Deliver the events of what has just been journaled, so that a crash can't announce what never was."""
        waiting, self._waiting = self._waiting, []
        for account, event_id in waiting:
            if self._sender:
                account.undelivered.add(event_id)
                self._undelivered[event_id] = account.id
                self._write({"undelivered": event_id, "account": account.id})
                self._send(account, event_id)

    def _send(self, account: StripeAccount, event_id: str) -> None:
        if self._sender:
            self._sender.send(event_id, orjson.dumps(account.render("event", event_id, self.now())))

    def _delivered(self, event_id: str) -> None:
        with self.lock:
            account_id = self._undelivered.pop(event_id, None)
            if account_id is not None:
                self.accounts[account_id].undelivered.discard(event_id)
                self._write({"delivered": event_id})

    def _write(self, line: Json) -> None:
        if self._journal and not self._journal.closed:
            self._journal.write(orjson.dumps(line) + b"\n")

    def _replay(self, journal: Path) -> None:
        """Do again what the journal says; a last line cut off by a crash is dropped from the file."""
        if not journal.exists():
            return
        raw = journal.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) < len(raw):
            journal.write_bytes(whole)
        for line in whole.splitlines():
            self._replay_line(orjson.loads(line))

    def _replay_line(self, line: Json) -> None:
        if "do" in line:
            OPERATIONS[line["do"]](self.accounts[line["account"]], at=line["at"], **line["with"])
        elif "grant" in line:
            self._grant(line["grant"])
        elif "revoke" in line:
            self.revoked.add(line["revoke"])
        elif "key" in line:
            self._add_key(line["key"], line["permissions"])
        elif "rolled" in line:
            del self.restricted_keys[line["rolled"]]
            self.rolled_keys.add(line["rolled"])
        elif "event" in line:
            self._application_events += 1
            account = self.accounts.get(line["event"].get("account", ""))
            if account is not None and line["event"]["livemode"] == account.livemode:
                account.emit_foreign(line["event"])
        elif "undelivered" in line:
            self._undelivered[line["undelivered"]] = line["account"]
            self.accounts[line["account"]].undelivered.add(line["undelivered"])
        elif "delivered" in line:
            account_id = self._undelivered.pop(line["delivered"], None)
            if account_id:
                self.accounts[account_id].undelivered.discard(line["delivered"])
