"""The newest state wins, in whatever order the states arrive; a tie is read again."""

import datetime as dt
import itertools

import pytest

from vaultra.domain.versions import Reading, Verdict, Version, judge, judge_reading

SECOND = dt.timedelta(seconds=1)
THEN = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
STORED = Version(THEN, "stored")


@pytest.mark.parametrize(
    ("stored", "arrived", "verdict"),
    [
        (None, Version(THEN, "a"), Verdict.WRITE),
        (STORED, Version(THEN + SECOND, "a"), Verdict.WRITE),
        (STORED, Version(THEN + SECOND, "stored"), Verdict.WRITE),
        (STORED, Version(THEN - SECOND, "a"), Verdict.KEEP),
        (STORED, Version(THEN, "stored"), Verdict.KEEP),
        (STORED, Version(THEN, "a"), Verdict.READ),
    ],
)
def test_a_state_is_judged_by_its_second_and_its_content(
    stored: Version | None, arrived: Version, verdict: Verdict
) -> None:
    assert judge(stored, arrived) is verdict


@pytest.mark.parametrize(
    ("stored", "reading", "verdict"),
    [
        (None, Reading(Version(THEN, "read"), None), Verdict.WRITE),
        (STORED, Reading(Version(THEN, "read"), STORED), Verdict.WRITE),
        (STORED, Reading(Version(THEN - SECOND, "read"), STORED), Verdict.WRITE),
        (STORED, Reading(Version(THEN + SECOND, "read"), None), Verdict.WRITE),
        # Somebody wrote meanwhile: the same, something newer, or another state of the very second.
        (STORED, Reading(Version(THEN, "stored"), None), Verdict.KEEP),
        (STORED, Reading(Version(THEN - SECOND, "read"), None), Verdict.KEEP),
        (STORED, Reading(Version(THEN, "read"), Version(THEN, "before")), Verdict.READ),
        # The content came back to what it was, at a later time than the reading's.
        (STORED, Reading(Version(THEN - SECOND, "read"), Version(THEN - 2 * SECOND, "stored")), Verdict.KEEP),
    ],
)
def test_a_reading_settles_a_tie_unless_another_state_of_that_second_came_meanwhile(
    stored: Version | None, reading: Reading, verdict: Verdict
) -> None:
    assert judge_reading(stored, reading) is verdict


def test_distinct_seconds_end_in_the_newest_in_every_order() -> None:
    states = [Version(THEN + n * SECOND, f"state {n}") for n in range(5)]
    for order in itertools.permutations(states):
        stored: Version | None = None
        for state in order:
            verdict = judge(stored, state)
            assert verdict is not Verdict.READ
            stored = state if verdict is Verdict.WRITE else stored
        assert stored == states[-1]
