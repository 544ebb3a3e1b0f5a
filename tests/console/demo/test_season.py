"""A gameweek of 2025/26 lived through the stand-in: nothing of it was known before, no forecast is changed after."""

import hashlib
from pathlib import Path

import pytest

from console.demo import season
from matchday.bundle import Bundle
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot
from matchday.tables import Fixtures, Matches
from serving.storage import StoredBundle
from tests import league
from tests.matchday.forecasts.league_ahead import outcome_bundle
from tests.services.upstream.bundled import scoring_season

pytestmark = pytest.mark.slow


@pytest.fixture
def champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """In place of the one that a pipeline trains in a minute; that it does is for the tests of the pipeline."""
    monkeypatch.setattr(season, "_ensure_champion", lambda *_: None)
    monkeypatch.setattr(season, "fetch", lambda *_: StoredBundle(tmp_path / "bundle", "match-outcome", "7"))
    return outcome_bundle(tmp_path / "bundle", trained_until="2025-06-01T00:00:00+00:00")


def test_a_gameweek_is_forecast_before_its_kick_offs_and_scored_after_them(
    home: Path, tmp_path: Path, champion: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in serves the players who make the scores: there are fewer of them, and their goals are all goals."""
    league.bundled(tmp_path / "data", ("2425", "2526"))
    monkeypatch.setenv("MATCHDAY_SNAPSHOT", str(tmp_path / "data"))
    monkeypatch.setattr(season, "PastSeason", lambda _, name: scoring_season(name))
    with season.open_season(lambda _: None) as stage:
        assert set(Snapshot(stage.settings.snapshot).load(Fixtures)["season"]) == {"2425"}
        stage.go_to(stage.deadline(13))
        assert not any(outcome.error for outcome in stage.update().sources)
        stage.make_features()
        made = stage.forecast()
        assert made.made.sentence == "gameweek 13 of 2025/26: 10 matches" and made.recorded is not None
        assert [one.goals for one in stage.scores(13)] == [None] * 10
        before = stage.scores(13)
        stage.go_to(stage.end(13))
        report = stage.update()
        assert sum(change.field == "result" for change in report.changes) == 10
        after = stage.scores(13)
        assert [one.row for one in after] == [one.row for one in before]
        wanted = league.some(Matches, ["2526"]).set_index("match_id")[["home_goals", "away_goals"]]
        for one in after:
            assert one.goals == tuple(wanted.loc[one.row.forecast.match.match_id])
            assert one.row.made_at < one.row.forecast.match.kickoff
        assert stage.check_record() == []
        (file,) = Path(stage.settings.collected).glob("forecast_batches/*.json")
        assert hashlib.sha256(file.read_bytes()).hexdigest() == made.recorded.sha256
    assert Settings().home == home and not (home / "collected").exists(), "the real home is as it was"
