"""Values as sources write them: read, or refused by a reason that names the field."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchday.sources import fields

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),  # type: ignore[arg-type]
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
READERS: list[Callable[[Any, str], object]] = [
    fields.value,
    fields.part,
    fields.items,
    fields.whole,
    fields.number,
    fields.optional_whole,
    fields.text,
    fields.flag,
    fields.moment,
    fields.optional_moment,
]


@pytest.mark.parametrize("read", READERS)
@given(found=ANYTHING)
def test_any_value_is_read_or_refused_by_a_sentence(read: Callable[[Any, str], object], found: Any) -> None:
    for row in ({"price": found}, found):
        reason = refuse(read, row)
        assert reason is None or reason.startswith(("has price ", "has no price", "is no object"))
        assert reason is None or ("\n" not in reason and reason.encode())


def refuse(read: Callable[[Any, str], object], row: Any) -> str | None:
    """The reason to refuse a row, None when it is read."""
    try:
        read(row, "price")
    except ValueError as why:
        return str(why)
    return None


@given(st.integers(-(2**53), 2**53))
def test_whole_numbers_may_be_text(number: int) -> None:
    assert fields.whole({"n": number}, "n") == fields.whole({"n": str(number)}, "n") == number


@pytest.mark.parametrize("found", [1.5, "1.5", True, None, "", "x", 2**60, 1e300, "nan", "inf", "1e999", [1]])
def test_what_is_no_whole_number_is_refused(found: object) -> None:
    with pytest.raises(ValueError, match=r"^has n .+, which is no (whole )?number$"):
        fields.whole({"n": found}, "n")


def test_moments_are_turned_to_utc_and_need_a_time_zone() -> None:
    assert fields.moment({"at": "2025-11-29T16:00:00+01:00"}, "at") == datetime(2025, 11, 29, 15, tzinfo=UTC)
    assert fields.optional_moment({"at": None}, "at") is None
    with pytest.raises(ValueError, match=r"^has at '2025-11-29T16:00:00', which names no time zone$"):
        fields.moment({"at": "2025-11-29T16:00:00"}, "at")
    with pytest.raises(ValueError, match=r"^has at 'soon', which is no moment$"):
        fields.moment({"at": "soon"}, "at")


def test_a_day_may_be_missing_but_not_be_another_thing() -> None:
    assert fields.optional_day({}, "joined") is None
    assert fields.optional_day({"joined": "2025-09-01"}, "joined") == date(2025, 9, 1)
    with pytest.raises(ValueError, match=r"^has joined 'soon', which is no date$"):
        fields.optional_day({"joined": "soon"}, "joined")


def test_clubs_are_known_by_their_names_and_codes() -> None:
    assert {fields.club(name) for name in ("Spurs", "Tottenham", "Tottenham Hotspur", "TOT")} == {"TOT"}
    with pytest.raises(ValueError, match=r"^names a club 'Barcelona', which is not known here$"):
        fields.club("Barcelona")
