"""docs/COST.md tells what the model computes, and the model what its formula says."""

import re

import pytest

from vaultra_local import catalogue, cost
from vaultra_local.catalogue import ROOT

PAGE = (ROOT / "docs" / "COST.md").read_text()


def test_the_page_tells_what_the_model_computes() -> None:
    told = re.search(r"<!-- made by vaultra_local.cost -->\n(.*)<!-- end -->", PAGE, re.DOTALL)
    assert told is not None
    assert told[1] == cost.table(cost.SIZES.items()) + "\n", "run: python -m vaultra_local.cost"


def test_every_work_is_a_functions_of_the_catalogue() -> None:
    assert {work.function for work in cost.WORK} <= {function.name for function in catalogue.load()}


def test_the_database_is_paid_twice_and_its_backup_once() -> None:
    database = cost.Database(vcpus=4, memory=15, disk=200)
    paid = cost.lines(10_000, database)["database, with standby"]
    assert paid == pytest.approx(((4 * 0.0413 + 15 * 0.007) * 730 + 200 * 0.17) * 2 + 200 * 0.08)


def test_what_is_free_is_not_paid() -> None:
    few = cost.lines(1, cost.SIZES[1_000])
    assert (few["functions at work"], few["messages"], few["logs"]) == (0, 0, 0)


def test_ten_times_the_businesses_are_at_most_ten_times_the_work() -> None:
    small, large = (cost.lines(businesses, cost.SIZES[businesses]) for businesses in (10_000, 100_000))
    assert 9.9 * small["functions at work"] < large["functions at work"] < 10.2 * small["functions at work"]
    assert small["functions kept warm"] == large["functions kept warm"]


def test_reading_every_account_in_time_takes_what_the_page_says() -> None:
    """An account takes 2.2 s of a slot every 900 s, and an instance has four slots."""
    assert cost.instances_at_work(100_000) == pytest.approx(100_000 * 2.2 / 900 / 4)
    assert 29_000 < 20 / cost.instances_at_work(1) < 34_000
