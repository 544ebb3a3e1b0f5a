"""Forecasts of the next gameweeks: the server's numbers, of what was known, with the age of the data."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from matchday.bundle import Bundle
from matchday.collected.standings import SourceStanding, write_standings
from matchday.features.freshness import FEATURES, HISTORY, RECEIPT, combine, features_are_current
from matchday.features.tables import TABLES, TEAM_TABLES
from matchday.forecasts.next_matches import NoForecastError, forecast_next
from matchday.forecasts.past_knowledge import plain_rows
from matchday.forecasts.reading import read_knowledge
from matchday.forecasts.scheduled import ScheduledMatch
from matchday.forecasts.team_rows import make_vectors
from matchday.history import TABLES as HISTORY_TABLES
from matchday.history import present
from matchday.lake import Lake
from matchday.lake.reader import LakeReader
from matchday.models.kind import ModelKind
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.settings import Settings
from matchday.signature import ViewRef
from matchday.storage import Storage
from matchday.tables import Fixtures, Matches, TeamForm, name
from serving.features.store import Row
from serving.vector import Layout
from tests import league
from tests.league import WITH_FORM
from tests.matchday.forecasts.league_ahead import outcome_bundle

THURSDAY = datetime(2025, 11, 27, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture(scope="module")
def bundle(bundle_folder: Path) -> Bundle:
    return outcome_bundle(bundle_folder, trained_until="2025-06-01T00:00:00+00:00")


@pytest.fixture
def settings(two_seasons: Settings, tmp_path: Path) -> Settings:
    """With a collected root of its own."""
    return Settings(
        home=two_seasons.home, snapshot=two_seasons.snapshot, MATCHDAY_COLLECTED=str(tmp_path / "collected")
    )


@pytest.mark.parametrize("kind", [MATCH_OUTCOME, WITH_FORM], ids=lambda kind: kind.feature_service)
def test_each_match_of_the_gameweek_has_probabilities_of_the_bundle(
    settings: Settings, kind: ModelKind, tmp_path: Path
) -> None:
    bundle = outcome_bundle(tmp_path / "bundle", kind, trained_until="2025-06-01T00:00:00+00:00")
    made = forecast_next(settings, bundle, THURSDAY, 1, NOW)
    assert made.sentence == "gameweek 13 of 2025/26: 10 matches"
    assert (made.batch.model, made.batch.version, made.batch.made_at) == ("match-outcome", "7", THURSDAY)
    joined = league.joined(played(settings), *lake_features(settings), kind=kind).set_index("match_id")
    saturday = [one for one in made.batch.forecasts if one.match.kickoff.day == 29]
    assert len(saturday) == 5, "those of Sunday are trained on with Saturday's results, which nobody knows yet"
    for one in saturday:
        vector = joined.loc[one.match.match_id, list(kind.feature_names)].to_numpy(np.float32)[None]
        session = onnxruntime.InferenceSession(bundle.onnx, providers=["CPUExecutionProvider"])
        assert one.probabilities == pytest.approx(session.run(None, {"features": vector})[0][0], abs=2e-6)


def test_the_vectors_are_those_of_the_server(settings: Settings, bundle: Bundle) -> None:
    """Each team's first match: rest of a later one counts from the first, of which the server knows nothing yet."""
    known = read_knowledge(settings, THURSDAY, NOW)
    matches = list(forecast_next(settings, bundle, THURSDAY, 1, NOW).coming.matches)
    rows = {
        (view, team): Row({k: v for k, v in row.items() if k not in ("season", "team", "event_time")}, 0.0, 0.0)
        for view, of_view in known.rows.items()
        for team, row in of_view.items()
    }
    keys = {"home": [one.home for one in matches], "away": [one.away for one in matches]}
    wanted = Layout(bundle.signature).assemble(keys, rows, [one.kickoff.timestamp() for one in matches])[0]
    ours = make_vectors(bundle.signature.features, matches, known.fixtures, known.rows)
    assert np.array_equal(ours, wanted)


def test_rest_counts_from_the_match_that_is_scheduled_before(settings: Settings, bundle: Bundle) -> None:
    """On Tuesday of gameweek 14 Bournemouth will have rested three days, since Saturday."""
    known = read_knowledge(settings, THURSDAY, NOW)
    match = next(one for one in known.fixtures if one.match_id == "2526-BOU-EVE")
    (vector,) = make_vectors(bundle.signature.features, [match], known.fixtures, known.rows)
    rest = dict(zip(WITH_FORM.feature_names, vector, strict=True))["home_rest_days"]
    assert rest == pytest.approx(3 + 4.5 / 24, abs=1e-4)


def test_results_after_the_moment_change_no_forecast(settings: Settings, bundle: Bundle) -> None:
    """A lake whose history ends on Thursday says the same as one that knows the rest of the season."""
    before = forecast_next(settings, bundle, THURSDAY, 2, NOW)
    rows = read_knowledge(settings, THURSDAY, NOW).rows
    for view, table in zip(rows, lake_features(settings), strict=True):
        known = table[table["event_time"] <= THURSDAY].sort_values("event_time").drop_duplicates("team", keep="last")
        assert {row["team"]: row for row in plain_rows(known)}.items() >= rows[view].items()
    assert before.data.played is not None and before.data.played <= THURSDAY
    assert all(one.match.kickoff > THURSDAY for one in before.batch.forecasts)


def test_features_that_are_out_of_date_at_kickoff_are_used_and_noted(settings: Settings, bundle: Bundle) -> None:
    made = forecast_next(settings, bundle, THURSDAY, 1, NOW)
    assert not [note for note in made.notes if "out of date" in note]
    views = [ViewRef("team_form", None), ViewRef("team_ratings", 7 * 86_400.0)]
    strict = replace(bundle, signature=replace(bundle.signature, views=views))
    noted = forecast_next(settings, strict, THURSDAY, 2, NOW)
    late = [one.match for one in noted.batch.forecasts if one.match.kickoff > THURSDAY + timedelta(days=5)]
    assert len(late) > 5
    assert [note for note in noted.notes if "out of date" in note] == [
        f"{one.home} - {one.away} is forecast from features that are out of date at its kick-off: "
        f"those of {one.home} and {one.away}"
        for one in noted.coming.matches
        if one in late
    ]
    assert noted.batch.forecasts[:10] == made.batch.forecasts[:10]


def test_after_the_season_there_is_a_sentence_and_no_forecast(settings: Settings, bundle: Bundle) -> None:
    made = forecast_next(settings, bundle, None, 1, NOW)
    assert made.batch.forecasts == () and made.sentence.startswith(
        "no coming gameweek is known at 2026-11-29 00:00 UTC"
    )


def test_a_model_that_has_learnt_from_later_does_not_forecast(settings: Settings, bundle: Bundle) -> None:
    later = replace(bundle, signature=replace(bundle.signature, trained_until="2025-11-28T00:00:00+00:00"))
    with pytest.raises(NoForecastError, match="version 7 has learnt from after 2025-11-27 12:00 UTC"):
        forecast_next(settings, later, THURSDAY, 1, NOW)
    assert forecast_next(settings, later, THURSDAY + timedelta(days=1), 1, NOW).batch.forecasts


def test_a_model_of_other_features_does_not_forecast(settings: Settings, bundle: Bundle) -> None:
    one = replace(bundle.signature.features[0], feature="luck")
    other = replace(bundle.signature, features=[one, *list(bundle.signature.features)[1:]])
    with pytest.raises(NoForecastError, match="reads other features"):
        forecast_next(settings, replace(bundle, signature=other), THURSDAY, 1, NOW)


def test_data_that_no_source_gave_are_as_old_as_the_last_match(settings: Settings, bundle: Bundle) -> None:
    data = forecast_next(settings, bundle, THURSDAY, 1, NOW).data
    assert data.sentences == ["data never fetched: of the bundled history, which ends 2025-11-24 22:00 UTC, 2 days ago"]


def test_silent_sources_are_named_in_one_line_with_the_age_of_the_data(settings: Settings, bundle: Bundle) -> None:
    reached = SourceStanding(
        "fpl",
        "2025-11-27T11:30:00+00:00",
        "2025-11-27T09:15:00+00:00",
        "",
        "2025-11-27T10:00:00+00:00",
        "fpl: no answer",
        reachable=False,
    )
    never = SourceStanding(
        "football_data_uk", "2025-11-27T11:30:00+00:00", failing_since="2025-11-26T10:00:00+00:00", reason="answers 500"
    )
    write_standings(Storage(settings.collected), [reached, never])
    data = forecast_next(settings, bundle, THURSDAY, 1, NOW).data
    assert data.sentences == [
        "data fetched 2025-11-27 09:15 UTC, 2 hours ago",
        "fpl could not be reached since 2025-11-27T10:00 UTC, its data are of 2025-11-27T09:15; "
        "football_data_uk gives nothing since 2025-11-26T10:00 UTC, it never gave any",
    ]


def test_features_that_are_not_of_the_history_are_made_first(
    tmp_path: Path, two_seasons: Settings, bundle: Bundle
) -> None:
    """An update changed the history, or the features were made by other code."""
    settings = Settings(home=tmp_path / "home", snapshot=two_seasons.snapshot)
    wanted = forecast_next(two_seasons, bundle, THURSDAY, 1, NOW).batch
    assert not features_are_current(LakeReader(settings.lake))
    assert read_knowledge(settings, THURSDAY, NOW).made_anew
    assert forecast_next(settings, bundle, THURSDAY, 1, NOW).batch == wanted
    reader = LakeReader(settings.lake)
    assert features_are_current(reader)
    receipt = json.loads(reader.storage.read(RECEIPT))
    reader.storage.write(RECEIPT, json.dumps(receipt | {"code": "0"}).encode())
    assert not features_are_current(reader)


def test_names_of_tables_are_those_of_the_schemas(settings: Settings) -> None:
    assert tuple(map(name, HISTORY_TABLES)) == HISTORY and tuple(map(name, TABLES)) == FEATURES
    reader, lake = LakeReader(settings.lake), Lake(settings.lake)
    assert combine(reader.fingerprints(HISTORY)) == present(lake)
    assert combine(reader.fingerprints((*HISTORY, "nonsense"))) is None


def played(settings: Settings) -> pd.DataFrame:
    return Lake(settings.lake).read(Matches)


def lake_features(settings: Settings) -> list[pd.DataFrame]:
    return [Lake(settings.lake).read(table) for table in TEAM_TABLES]


def test_the_reader_gives_what_the_lake_does(settings: Settings) -> None:
    for table in (Fixtures, TeamForm):
        read = Lake(settings.lake).read(table, ["2526"])
        assert LakeReader(settings.lake).rows(name(table), ["2526"]) == plain_rows(read)
    one = LakeReader(settings.lake).rows("fixtures", ["2526"], ["match_id"])[0]
    assert list(one) == ["match_id"] and LakeReader(settings.lake).rows("nonsense") == []
    assert isinstance(ScheduledMatch.of_row(LakeReader(settings.lake).rows("fixtures")[0]), ScheduledMatch)
