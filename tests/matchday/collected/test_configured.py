"""Which live sources a machine asks."""

from datetime import UTC, datetime

import pytest

from matchday.collected.configured import SourceSettings, season_of
from matchday.sources.raw import RawAnswers
from matchday.storage import Storage


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ["fpl", "football_data_uk"]),
        ({"MATCHDAY_FOOTBALL_DATA_TOKEN": "abc"}, ["fpl", "football_data_org", "football_data_uk"]),
        ({"MATCHDAY_SOURCES": "football_data_uk, fpl"}, ["fpl", "football_data_uk"]),
        ({"MATCHDAY_SOURCES": ""}, []),
    ],
)
def test_the_sources_are_those_of_the_settings(monkeypatch, tmp_path, settings, names):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert SourceSettings().names() == names
    assert list(SourceSettings().upstreams(RawAnswers(Storage(str(tmp_path))), lambda: datetime.now(UTC))) == names


def test_the_token_is_not_shown(monkeypatch):
    monkeypatch.setenv("MATCHDAY_FOOTBALL_DATA_TOKEN", "very-secret")
    assert "very-secret" not in repr(SourceSettings())


@pytest.mark.parametrize(("day", "season"), [("2026-07-01", "2627"), ("2027-06-30", "2627"), ("2099-12-31", "9900")])
def test_a_season_begins_in_july(day, season):
    assert season_of(datetime.fromisoformat(day).replace(tzinfo=UTC)) == season
