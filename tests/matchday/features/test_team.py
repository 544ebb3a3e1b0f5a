"""Feature rows of teams and the vectors made of them, on the real league."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from matchday.features.labels import label
from matchday.features.services import FORM, MATCH_OUTCOME_V1, SERVICES, SPANS
from matchday.features.team import FULL_TIME, midnight_after, season_opening
from matchday.features.vectors import assemble
from matchday.ratings import form
from matchday.tables import Matches, TeamForm, TeamRatings, Teams, TeamStrength, validate
from tests import league

NAMES = tuple(feature.name for feature in MATCH_OUTCOME_V1)


def served(matches: pd.DataFrame, table: pd.DataFrame, side: str) -> pd.DataFrame:
    """The row of `table` that each match is served from, beside the match."""
    rows = matches.assign(team=matches[side], moment=matches["kickoff"] - timedelta(seconds=1)).sort_values("moment")
    known = table.drop(columns="season").assign(known=table["event_time"]).sort_values("event_time")
    return pd.merge_asof(rows, known, left_on="moment", right_on="event_time", by="team")


@pytest.mark.parametrize("side", ["home", "away"])
def test_every_match_has_rows_of_both_teams_that_were_known_before_its_kick_off(side: str) -> None:
    matches = league.whole(Matches)
    for table in league.tables():
        rows = served(matches, table, side)
        assert len(rows) == len(matches)
        assert (rows["known"] < rows["kickoff"]).all(), "also false where there is none"
        assert (rows["kickoff"] - rows["known"] < timedelta(days=120)).all(), "the time to live of the views"


@pytest.mark.parametrize("side", ["home", "away"])
def test_form_rows_know_of_the_teams_last_match_and_of_none_that_had_not_ended(side: str) -> None:
    matches = league.whole(Matches)
    rows = served(matches, league.tables()[0], side)
    sides = pd.concat(
        [
            matches[["kickoff", "home"]].set_axis(["played", "team"], axis=1),
            matches[["kickoff", "away"]].set_axis(["played", "team"], axis=1),
        ]
    ).sort_values("played")
    last = pd.merge_asof(
        rows.sort_values("kickoff"), sides, left_on="kickoff", right_on="played", by="team", allow_exact_matches=False
    )
    known = pd.to_datetime(last["last_kickoff"], unit="s", utc=True)
    assert (known + FULL_TIME <= last["known"]).loc[last["last_kickoff"] > 0].all()
    seen = last["last_kickoff"] > 0
    in_season = seen & (last["played"] > last["season"].map(openings()))
    assert in_season.sum() > 4000
    assert (known[in_season] == last.loc[in_season, "played"]).all()


def openings() -> dict[str, pd.Timestamp]:
    """When each season opened: its first ratings."""
    ratings = league.tables()[1]
    return dict(ratings.groupby("season")["event_time"].min())


def test_a_season_opens_in_june_or_when_the_one_before_has_ended() -> None:
    assert str(openings()["2526"])[:10] == "2025-06-01"
    assert str(openings()["2021"])[:10] == "2020-07-28"
    kickoffs = league.whole(Matches).groupby("season")["kickoff"].agg(["min", "max"])
    for season, opened in openings().items():
        assert opened > kickoffs.loc[kickoffs.index < season, "max"].max() or season == "1415"
        assert season == "2627" or opened < kickoffs.loc[season, "min"]
    assert season_opening("1415", None).isoformat() == "2014-06-01T00:00:00+00:00"


def test_tables_keep_their_schemas_and_every_day_rates_all_twenty_teams() -> None:
    form_table, *rated = league.tables()
    validate(TeamForm, form_table)
    days = league.whole(Matches)["kickoff"].dt.normalize().nunique()
    seasons = league.whole(Teams)["season"].nunique()
    for table, rows in zip((TeamRatings, TeamStrength), rated, strict=True):
        validate(table, rows)
        assert set(rows.groupby("event_time").size()) == {20}
        assert rows["event_time"].nunique() == days + seasons
    assert len(form_table) == 2 * len(league.whole(Matches)) + 20 * seasons


def test_ratings_of_a_day_are_known_when_its_last_match_has_ended() -> None:
    ends = league.whole(Matches)["kickoff"] + FULL_TIME
    midnights = league.whole(Matches)["kickoff"].map(midnight_after)
    assert (ends <= midnights).all()


def test_teams_that_came_up_are_rated_below_the_mean_of_the_league() -> None:
    teams, ratings = league.whole(Teams), league.tables()[1]
    for before, season in zip(sorted(set(teams["season"])), sorted(set(teams["season"]))[1:], strict=False):
        members = {one: set(teams.loc[teams["season"] == one, "team"]) for one in (before, season)}
        opening = ratings[ratings["event_time"] == openings()[season]].set_index("team")
        promoted = sorted(members[season] - members[before])
        assert len(promoted) == 3
        assert set(opening.index) == members[season]
        assert (opening.loc[promoted, "elo"] == 1390).all()
        assert opening.loc[promoted, "attack"].mean() < opening["attack"].mean()


def test_a_vector_is_what_the_store_holds_in_the_order_of_the_names_with_days_of_rest() -> None:
    kickoff = pd.Series(pd.to_datetime(["2026-05-24T15:00Z", "2026-05-24T15:00Z"]))
    stored = pd.DataFrame(
        {f"{f.input}__{f.view}__{f.feature}": [float(i), i + 0.5] for i, f in enumerate(MATCH_OUTCOME_V1)}
    )
    stored["home__team_form__last_kickoff"] = [kickoff[0].timestamp() - 3.5 * 86_400, 0.0]
    stored["away__team_form__last_kickoff"] = [kickoff[0].timestamp() + 60, kickoff[0].timestamp() - 86_400 * 14]
    vectors = assemble(MATCH_OUTCOME_V1, stored, kickoff)
    assert tuple(vectors.columns) == NAMES
    assert vectors["home_rest_days"].tolist() == [3.5, 14.0]
    assert vectors["away_rest_days"].tolist() == [0.0, 14.0]
    plain = [i for i, f in enumerate(MATCH_OUTCOME_V1) if f.derived is None]
    assert vectors.iloc[0, plain].tolist() == plain


def test_names_are_unique_and_every_one_can_be_said() -> None:
    assert len(set(NAMES)) == len(NAMES) == 3 + 2 * (3 + len(FORM) + 1)
    for service in SERVICES.values():
        names = [feature.name for feature in service.features]
        assert len({label(name) for name in names}) == len(names)
    assert label("away_settled") == "Away team: nothing left to play for"
    assert label("home_xg_for_5") == "Home team: expected goals a match, last 5"
    assert len(FORM) == len(SPANS) * len(form.Performance.__dataclass_fields__)
    with pytest.raises(KeyError):
        label("nobody_knows")


def test_form_of_a_team_by_hand() -> None:
    rows = league.tables()[0]
    matches = league.whole(Matches)
    own = matches[(matches["season"] == "2526") & ((matches["home"] == "ARS") | (matches["away"] == "ARS"))]
    last = own.sort_values("kickoff").tail(5)
    scored = np.where(last["home"] == "ARS", last["home_goals"], last["away_goals"])
    row = rows[(rows["team"] == "ARS") & (rows["season"] == "2526")].iloc[-1]
    assert row["goals_for_5"] == pytest.approx(scored.mean())
    assert row["event_time"] == last["kickoff"].iloc[-1] + FULL_TIME
    assert row["last_kickoff"] == last["kickoff"].iloc[-1].timestamp()
