"""What each kind of run reads, and how far one has come."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stripe_payloads import NOON, Json, at
from vaultra.domain.connections import BackfillKind, BackfillRun, Phase, backfill
from vaultra.usecases.sync_plans import fraction_read, plan, progress

DAY = dt.timedelta(days=1)


def of(kind: str, since: dt.datetime | None = None) -> dict[str, Json]:
    return {entry["resource"]: entry["params"] for entry in plan(kind, NOON, since)}


def test_plans_cover_their_windows() -> None:
    initial, history, incremental = of("initial"), of("history"), of("incremental", NOON - DAY)
    assert list(initial)[:2] == ["account", "balance"]
    assert initial["charges"] == {"created[gte]": str(at(NOON - 105 * DAY))}
    assert initial["subscriptions"] == {"status": "all"}
    assert initial["events"] == {"created[gte]": str(at(NOON - 105 * DAY)), "type": "payout.paid"}
    assert history["charges"] == {"created[gte]": str(at(NOON - 731 * DAY)), "created[lt]": str(at(NOON - 90 * DAY))}
    assert not {"payouts", "events", "account"} & history.keys()
    assert incremental["charges"] == {"created[gte]": str(at(NOON - DAY) - 3600)}
    assert incremental["events"] == {"created[gte]": str(at(NOON - DAY) - 3600)}


def test_a_reconciliation_reads_events_that_no_webhook_may_bring_any_more() -> None:
    window = {"created[gte]": str(at(NOON - DAY) - 3600), "created[lt]": str(at(NOON) - 900)}
    assert plan("reconcile", NOON, NOON - DAY) == [{"resource": "events", "params": window}]


def test_two_reconciliations_leave_no_gap() -> None:
    first, second = of("reconcile", NOON - 2 * DAY)["events"], plan("reconcile", NOON + DAY, NOON)[0]["params"]
    assert int(second["created[gte]"]) <= int(first["created[lt]"])


def test_the_recent_past_and_the_history_meet() -> None:
    assert int(of("initial")["charges"]["created[gte]"]) <= int(of("history")["charges"]["created[lt]"])


Place = tuple[int, int | None]
"""A resource of the plan, and how many seconds before the run the last object read was created."""


@st.composite
def readings(draw: st.DrawFn, kind: str) -> list[Place]:
    """Places that a run passes, in order: pages go back in time; after a lost cursor a window begins anew."""
    places: list[Place] = []
    for position in range(len(plan(kind, NOON))):
        for _ in range(draw(st.integers(1, 2))):  # the second one after a lost cursor
            ages = draw(st.lists(st.integers(0, 800 * 86_400), max_size=4))
            places += [(position, age) for age in sorted(ages)]
        places.append((position + 1, None))
    return places


@settings(max_examples=300, deadline=None, derandomize=True)
@given(readings("initial"), readings("history"))
def test_progress_never_goes_back_and_is_whole_only_at_the_end(recent: list[Place], past: list[Place]) -> None:
    told = []
    done: list[BackfillRun] = []
    for kind, places in ((BackfillKind.RECENT, recent), (BackfillKind.HISTORY, past)):
        entries, share, read = plan(kind, NOON), 0.0, 0
        for position, age in places:
            fraction = 0.0
            if age is not None:
                read += 1
                fraction = fraction_read({"created": at(NOON) - age}, entries[position]["params"], NOON)
            share = max(share, progress(entries, position, fraction))  # as `sync_runs.advance` keeps it
            finished = position == len(entries)
            runs = [*done, BackfillRun(kind, share, read, NOON, finished)]
            if finished and kind is BackfillKind.RECENT:
                runs.append(BackfillRun(BackfillKind.HISTORY, 0.0, 0, NOON, False))  # begun in the same transaction
            seen = backfill(runs)
            assert seen is not None
            told.append((list(Phase).index(seen.phase), seen.percent, seen.objects))
        assert share == 1
        done.append(BackfillRun(kind, share, read, NOON, True))
    assert told == sorted(told, key=lambda seen: seen[:2])
    assert [objects for _, _, objects in told] == sorted(objects for _, _, objects in told)
    assert [percent for _, percent, _ in told].index(100) == len(told) - 1
    assert [phase for phase, _, _ in told][-1] == list(Phase).index(Phase.IDLE)
