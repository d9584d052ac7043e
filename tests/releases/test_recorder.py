"""What is recorded of a release: each form of a statement once, and rows with all that they refer to."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from tests.releases.recorder import Rows, Statements
from tests.rows import a_business, a_recommendation, a_user


@pytest.fixture
def kept(fresh_engine: Engine) -> Iterator[Connection]:
    """Where rows are kept."""
    with fresh_engine.connect() as conn:
        yield conn


def planned(db: Connection, *sent: str) -> list[str]:
    statements = Statements()
    for one in sent:
        statements.note(one)
    return statements.planned_on(db)


def test_parameters_are_numbered_as_the_server_sees_them(db: Connection) -> None:
    assert planned(db, "select id from sync_runs where id = %s::UUID and attempts %% 2 = %s::INTEGER") == [
        "select id from sync_runs where id = $1::UUID and attempts % 2 = $2::INTEGER"
    ]


def test_of_lists_that_differ_in_length_only_the_shortest_is_kept(db: Connection) -> None:
    one, two = (f"delete from users where id in ({ids})" for ids in ("%s::UUID", "%s::UUID, %s::UUID"))
    assert planned(db, two, one, two) == ["delete from users where id in ($1::UUID)"]


def test_conditions_after_a_parameter_tell_statements_apart(db: Connection) -> None:
    both = [f"select id from users where id = %s::UUID {word} alerts" for word in ("AND", "OR")]
    assert len(planned(db, *both)) == 2


def test_lines_and_comments_do_not_tell_statements_apart(db: Connection) -> None:
    written = "-- grain: one\nselect id -- why\n  from users"
    assert planned(db, written) == planned(db, written, "select id from users") == ["select id from users"]


@pytest.mark.parametrize(
    "alone", ["select * from a_table_of_its_own", "lock table users", "select version_num from alembic_version"]
)
def test_what_says_nothing_of_the_schema_alone_is_left_out(db: Connection, alone: str) -> None:
    assert planned(db, alone) == []


def test_a_row_comes_with_what_it_refers_to_in_an_order_that_can_be_stored(db: Connection, kept: Connection) -> None:
    business = a_business(db, owner=a_user(db))
    a_recommendation(db, business, title="100 % yours")
    rows = Rows(kept)
    rows.offer(db)
    tables = re.findall(r"^INSERT INTO public\.(\w+)", rows.script(), re.MULTILINE)
    assert set(tables) == {"users", "businesses", "user_business_memberships", "recommendations"}
    assert tables.index("businesses") < tables.index("recommendations")
    assert "100 % yours" in rows.script()


def test_a_row_that_fills_no_further_column_is_not_kept(db: Connection, kept: Connection) -> None:
    rows = Rows(kept)
    for _ in range(2):
        a_user(db)
        a_user(db)
        rows.offer(db)
    assert rows.script().count("INSERT INTO public.users") == 1
