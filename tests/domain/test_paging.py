"""Places in a list, and the cursors that carry them."""

import base64
import datetime as dt
import struct
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultra.domain import paging
from vaultra.domain.paging import Place
from vaultra.errors import InvalidInput

NOON = dt.datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=dt.UTC)
ID = UUID("5f8c1f0e-5c3b-4a57-9d0e-2f1f3a1f4b11")
RANKS = st.integers(min_value=-(2**31), max_value=2**31 - 1)


def packed(layout: str, *parts: object) -> str:
    return base64.urlsafe_b64encode(struct.pack(layout, *parts)).decode().rstrip("=")


@given(
    ranks=st.lists(RANKS, max_size=3).map(tuple),
    moment=st.datetimes(timezones=st.just(dt.UTC)),
    row_id=st.uuids(),
)
def test_a_cursor_gives_its_place_back(ranks: tuple[int, ...], moment: dt.datetime, row_id: UUID) -> None:
    place = Place(ranks, moment, row_id)
    assert paging.read_cursor(place.cursor, ranks=len(ranks)) == place


def test_a_cursor_needs_no_escaping_in_an_address() -> None:
    cursor = Place((3, 15), NOON, ID).cursor
    assert cursor.isascii()
    assert cursor.replace("-", "").replace("_", "").isalnum()


CURSOR = Place((3, 15), NOON, ID).cursor
BAD_CURSORS = {
    "empty": "",
    "one character": "A",
    "not base64": "!" * 43,
    "other alphabet": "+/" * 22,
    "white space": CURSOR + "\n",
    "with something in between": CURSOR[:8] + "!!!!" + CURSOR[8:],
    "NUL": "\0" * 43,
    "not ASCII": "é" * 43,
    "cut": CURSOR[:-2],
    "long": "A" * 100_000,
    "of a list with other ranks": Place((3,), NOON, ID).cursor,
    "after the last year": packed(">2iq16s", 3, 15, 2**63 - 1, ID.bytes),
    "before the first year": packed(">2iq16s", 3, 15, -(2**63), ID.bytes),
}


@pytest.mark.parametrize("cursor", BAD_CURSORS.values(), ids=BAD_CURSORS.keys())
def test_what_is_no_cursor_is_refused_by_field(cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        paging.read_cursor(cursor, ranks=2)
    assert caught.value.details["field"] == "cursor"


@pytest.mark.parametrize(
    ("given_items", "kept", "goes_on"), [([], 0, False), ([1], 1, False), ([1, 2], 2, False), ([1, 2, 3], 2, True)]
)
def test_a_page_goes_on_when_there_is_one_item_more(given_items: list[int], kept: int, goes_on: bool) -> None:
    page = paging.cut(given_items, 2, lambda item: Place((item,), NOON, ID))
    assert page.items == tuple(given_items[:kept])
    assert page.next_cursor == (Place((2,), NOON, ID).cursor if goes_on else None)
