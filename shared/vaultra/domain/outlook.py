"""What the metrics become on the coming days if nothing else happens, computed by the engine itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from operator import add, sub

from vaultra.domain.measures import BALANCE_DAYS
from vaultra.domain.metric_facts import NOTHING, BalanceHistory, MetricFacts, Payout, Totals
from vaultra.domain.metric_set import MetricSet
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.moved_objects import PAYOUT_DAYS
from vaultra.domain.payouts import ON_ITS_WAY, is_judged
from vaultra.domain.period import ONE_DAY, WINDOW_DAYS, Days, Period, utc_date

HORIZON_DAYS = 90
# Sales repeat after as many days as the window has, so each coming window holds exactly the sales of the latest.
REPEAT_DAYS = WINDOW_DAYS
ASSUMPTION = (
    f"Sales and payouts go on as in the last {REPEAT_DAYS} days: each coming day sells what the day {REPEAT_DAYS} "
    "days before it sold, payouts that are on their way arrive in time, and so do the coming ones. Customers buy in "
    "the shares they have now, subscriptions and the account's standing stay as they are, and there is no new dispute, "
    "fraud warning, refund, failed payout or day with a negative balance."
)


@dataclass(frozen=True)
class Outlook:
    """A business as it stands, from which the coming days follow by `ASSUMPTION`.

    Attributes:
        facts: What was gathered at `as_of`.
        history: Each day's totals up to today, days without any left out.
        as_of: When the facts were gathered.
    """

    facts: MetricFacts
    history: Mapping[dt.date, Totals]
    as_of: dt.datetime

    @cached_property
    def today(self) -> dt.date:
        return utc_date(self.as_of)

    def day(self, ahead: int) -> dt.date:
        """The date that many days from today."""
        return self.today + ONE_DAY * ahead

    def metrics(self, ahead: int) -> MetricSet:
        """The metrics as they stand that many days from today; 0 gives those of the facts."""
        return compute_metrics(self.facts_at(ahead), self.as_of + ONE_DAY * ahead)

    def facts_at(self, ahead: int) -> MetricFacts:
        """What will be gathered that many days from today."""
        if ahead == 0:
            return self.facts
        period = Period(self.day(ahead))
        return replace(
            self.facts,
            window=self.total(period.window),
            last_90_days=self.total(period.last_days(90)),
            buckets=self._buckets(period),
            active_days=self._active_days(period),
            payouts=self._payouts(period),
            balance=self._balance(period),
        )

    def total(self, days: Days) -> Totals:
        """The totals of some days that end within the horizon."""
        return Totals(*map(sub, self._until(days.last + ONE_DAY), self._until(days.first)))

    # --- The days, real and coming -----------------------------------------------------------

    @cached_property
    def _first_day(self) -> dt.date:
        return min((*self.history, self.day(-REPEAT_DAYS)))

    def _until(self, day: dt.date) -> Totals:
        """The totals of all days before this one."""
        return self._sums[max((day - self._first_day).days, 0)]

    @cached_property
    def _days(self) -> list[Totals]:
        known = (self.today - self._first_day).days + 1
        days = [self.history.get(self._first_day + ONE_DAY * offset, NOTHING) for offset in range(known)]
        for _ in range(HORIZON_DAYS):
            sold = days[-REPEAT_DAYS]
            days.append(Totals(charge_count=sold.charge_count, revenue_minor=sold.revenue_minor))
        return days

    @cached_property
    def _sums(self) -> list[Totals]:
        return list(accumulate(self._days, lambda sums, day: Totals(*map(add, sums, day)), initial=NOTHING))

    def _buckets(self, period: Period) -> dict[int, Totals]:
        ranges = period.buckets(self.facts.first_charge_on)
        return {index: self.total(days) for index, days in enumerate(reversed(ranges))}

    def _active_days(self, period: Period) -> frozenset[dt.date]:
        days, first = self._days, self._first_day
        return frozenset(
            first + ONE_DAY * place
            for place in range((self.today - first).days + 1, (period.end - first).days + 1)
            if days[place].charge_count
        ) | {day for day in self.facts.active_days if day <= self.today}

    # --- Payouts and the balance -------------------------------------------------------------

    def _payouts(self, period: Period) -> tuple[Payout, ...]:
        frame = period.last_days(PAYOUT_DAYS)
        return tuple(payout for payout in (*self._known_payouts, *self._coming_payouts) if payout.arrival_on in frame)

    @cached_property
    def _known_payouts(self) -> tuple[Payout, ...]:
        return tuple(map(self._arrived, self.facts.payouts))

    def _arrived(self, payout: Payout) -> Payout:
        on_its_way = payout.status in ON_ITS_WAY and not is_judged(payout, self.today)
        return payout._replace(status="paid", paid_at=None) if on_its_way else payout

    @cached_property
    def _coming_payouts(self) -> tuple[Payout, ...]:
        window = Days(self.day(1 - REPEAT_DAYS), self.today)
        again = [
            payout
            for payout in self.facts.payouts
            if payout.arrival_on in window and payout.amount_minor > 0 and payout.status != "canceled"
        ]
        return tuple(
            Payout(payout.amount_minor, payout.arrival_on + ONE_DAY * REPEAT_DAYS * times, "paid", False, False, None)
            for times in range(1, HORIZON_DAYS // REPEAT_DAYS + 1)
            for payout in again
        )

    def _balance(self, period: Period) -> BalanceHistory:
        known = self.facts.balance
        if known.opening_minor is None:
            return known
        first = period.last_days(BALANCE_DAYS).first
        opening = known.opening_minor + sum(net for day, net in known.movements.items() if day < first)
        movements = {day: net for day, net in known.movements.items() if day >= first}
        today_minor = known.opening_minor + sum(known.movements.values())
        if today_minor < 0:
            # The days to come are not negative: tomorrow, which each of them looks back on, makes up what is missing.
            movements[self.day(1)] = -today_minor
        return BalanceHistory(opening, movements)
