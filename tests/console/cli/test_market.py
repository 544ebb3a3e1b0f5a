"""`matchday market compare`, on forecasts and files of seasons as the source would write them."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matchday.bundle import write_bundle
from matchday.models.match_outcome.kind import MATCH_OUTCOME, outcome_of
from matchday.models.skill import FORECASTS
from matchday.settings import Settings
from matchday.signature import FeatureRef
from matchday.sources.clubs import NAMES, OTHER_NAMES
from matchday.tables import Matches
from tests import league
from tests.console.conftest import RunCommand
from tests.matchday.market.season_files import line, season_file
from tests.registries import prepare
from tests.signatures import match_signature

SEASONS = ("2425", "2526")


def name(club: str) -> str:
    """As the source writes it: short where it has a short one."""
    return next((short for short, code in OTHER_NAMES.items() if code == club), NAMES[club])


@pytest.fixture(scope="module")
def odds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real matches with odds that are made up; years of two digits in the first file."""
    folder = tmp_path_factory.mktemp("odds")
    for season, day in zip(SEASONS, ("%d/%m/%y", "%d/%m/%Y"), strict=True):
        draw = np.random.default_rng(6)
        lines = []
        for row in league.some(Matches, [season]).itertuples():
            made_up = 1 / draw.dirichlet([9, 5, 7], 2) / 1.05
            score = (int(row.home_goals), int(row.away_goals))
            lines.append(
                line(
                    name(row.home),
                    name(row.away),
                    f"{row.kickoff:{day}}",
                    score,
                    np.maximum(1.01, made_up).round(2).ravel(),
                )
            )
        (folder / f"E0_{season}.csv").write_bytes(season_file(lines))
    return folder


@pytest.fixture(scope="module")
def forecasts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mostly noise, of three seasons, the first of which has no odds."""
    matches = league.some(Matches, ("2324", *SEASONS))
    result = outcome_of(*(matches[f"{side}_goals"].to_numpy(np.int64) for side in ("home", "away")))
    numbers = np.random.default_rng(5).dirichlet([2, 1, 1.5], len(matches))
    rows = matches[["match_id", "season", "kickoff"]].assign(result=result, refit=matches["kickoff"])
    rows[["H", "D", "A"]] = numbers
    path = tmp_path_factory.mktemp("forecasts") / FORECASTS
    other = rows.assign(H=1 / 3, D=1 / 3, A=1 / 3, forecaster="base rate")
    pd.concat([rows.assign(forecaster=MATCH_OUTCOME.name), other]).to_parquet(path, index=False)
    return path


@pytest.fixture
def champion(home: Path, forecasts: Path) -> str:
    """A registered version with these forecasts; returns its number."""
    registry = prepare(Settings().tracking_uri)
    bundle = home / "bundle"
    feature = FeatureRef("home_elo", "home", "team_ratings", "elo")
    write_bundle(bundle, b"graph", match_signature([feature]), {}, "# card\n")
    made = registry.log_run("tests", {}, {"rps": 0.2}, {}, bundle, MATCH_OUTCOME.name, {FORECASTS: forecasts})
    registry.promote(MATCH_OUTCOME.name, made.version)
    return made.version


def test_the_champions_forecasts_stand_beside_the_market(matchday: RunCommand, odds: Path, champion: str) -> None:
    ended = matchday("market", "compare", "--odds", str(odds), "--matches", "3")
    assert ended.code == 0, ended
    assert ended.stderr == ""
    lines = ended.stdout.splitlines()
    assert lines[0] == f"match-outcome version {champion}, walk-forward, beside the market (margin: shin)"
    assert [line for line in lines if " odds: " in line] == [
        "Pre-match odds: average 760",
        "Closing odds: average 760",
    ]
    assert sum(line.startswith("all ") for line in lines) == 4, "two scores at two moments"
    assert sum(line.startswith(("24/25 ", "25/26 ")) for line in lines) == 8
    assert sum(line.startswith(("2425-", "2526-")) for line in lines) == 6
    assert sum(line.startswith("model: mean gap ") for line in lines) == 2
    assert lines[-1].strip() == "forecast, and in no file: 380 of 23/24"


def test_json_holds_all_of_it(matchday: RunCommand, odds: Path, forecasts: Path) -> None:
    ended = matchday("market", "compare", "--odds", str(odds), "--forecasts", str(forecasts), "--json")
    found = json.loads(ended.stdout)
    assert found["files"] == ["E0_2425.csv", "E0_2526.csv"]
    assert found["forecasts"] == "match-outcome of forecasts.parquet"
    assert [(one["moment"], one["matches"], one["books"]) for one in found["moments"]] == [
        ("pre-match", 760, {"average": 760}),
        ("closing", 760, {"average": 760}),
    ]
    for one in found["moments"]:
        assert {each["season"]: each["matches"] for each in one["differences"]} == {
            "2425": 380,
            "2526": 380,
            "all": 760,
        }
        assert [each["count"] for each in one["market"]["bins"]] == [228] * 10
        assert len(one["disagreements"]["matches"]) == 10
        worst = one["disagreements"]["matches"][0]
        assert sum(worst["model"]) == pytest.approx(1)
        assert datetime.fromisoformat(worst["kickoff"]).year in (2024, 2025, 2026)


def test_ways_to_take_out_the_margin_differ_in_the_market_alone(
    matchday: RunCommand, odds: Path, forecasts: Path
) -> None:
    options = ("market", "compare", "--odds", str(odds), "--forecasts", str(forecasts), "--json")
    found = [json.loads(matchday(*options, "--margin", one).stdout) for one in ("shin", "power", "multiplicative")]
    first = [one["moments"][0]["differences"][0] for one in found]
    assert len({one["model"] for one in first}) == 1
    assert len({one["market"] for one in first}) == 3


def test_numbers_that_there_are_not_are_dashes_and_null(matchday: RunCommand, tmp_path: Path, forecasts: Path) -> None:
    """Of one match there is no error, no interval, no slope; of a file without closing odds no part about them."""
    row = pd.read_parquet(forecasts).query("season == '2526'").iloc[0]
    home, away = map(name, row["match_id"].split("-")[1:])
    goals = league.some(Matches, ["2526"]).set_index("match_id").loc[row["match_id"], ["home_goals", "away_goals"]]
    cells = ["E0", "16/09/2025", home, away, *map(str, goals), "2.0", "3.5", "4.0"]
    header = "Div,Date,HomeTeam,AwayTeam,FTHG,FTAG,B365H,B365D,B365A,"
    (tmp_path / "E0.csv").write_text(f"{header}\n{','.join(cells)},\n")
    options = ("market", "compare", "--odds", str(tmp_path), "--forecasts", str(forecasts))
    [only] = json.loads(matchday(*options, "--json").stdout)["moments"]
    assert only["books"] == {"bet365": 1}
    assert only["differences"][0]["standard_error"] is only["differences"][0]["low"] is None
    assert only["market"]["error"] is not None
    printed = matchday(*options).stdout
    assert "Closing odds" not in printed
    assert next(line for line in printed.splitlines() if line.startswith("25/26")).split()[-2:] == ["-", "-"]


def test_a_forecast_that_knows_the_result_is_told_to_leak(
    matchday: RunCommand, odds: Path, forecasts: Path, tmp_path: Path
) -> None:
    rows = pd.read_parquet(forecasts)
    rows[["H", "D", "A"]] = 0.8 * rows[["H", "D", "A"]] + 0.2 * np.eye(3)[rows["result"]]
    rows.to_parquet(tmp_path / "leaky.parquet")
    told = matchday("market", "compare", "--odds", str(odds), "--forecasts", str(tmp_path / "leaky.parquet")).stdout
    assert "better than the closing odds by more than 2 standard errors of rps: look for a leak" in told
    told = matchday("market", "compare", "--odds", str(odds), "--forecasts", str(forecasts)).stdout
    assert "leak" not in told


def test_what_a_file_has_wrong_is_said_and_the_rest_compared(
    matchday: RunCommand, odds: Path, forecasts: Path, tmp_path: Path
) -> None:
    file = (odds / "E0_2526.csv").read_text(encoding="utf-8-sig").replace(",Liverpool,", ",Barcelona,")
    (tmp_path / "E0 (3).csv").write_text(file)
    (tmp_path / "E1.csv").write_text("Div,Date,HomeTeam,AwayTeam,FTHG,FTAG\nE1,01/02/2026,Leeds,Hull,0,0\n")
    ended = matchday("market", "compare", "--odds", str(tmp_path), "--forecasts", str(forecasts))
    assert ended.code == 0
    assert "Pre-match odds: average 342" in ended.stdout
    assert "E0 (3).csv: 38 lines left out: it names a club 'Barcelona', which is not known here" in ended.stdout
    assert "E1.csv: it holds no match of the Premier League (E0), but E1" in ended.stdout


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--odds", "nowhere"), "there is no folder nowhere; download E0.csv"),
        (("--odds", "ODDS", "--forecasts", "ODDS/E0_2526.csv"), "is no file of forecasts"),
        (("--odds", "ODDS", "--forecasts", "missing.parquet"), "missing.parquet is no file of forecasts"),
        (("--odds", "ODDS", "--forecasts", "FORECASTS", "--margin", "none"), "there are: multiplicative, shin, power"),
    ],
)
def test_refusals_are_one_line(
    matchday: RunCommand, odds: Path, forecasts: Path, options: tuple[str, ...], reason: str
) -> None:
    given = [one.replace("ODDS", str(odds)).replace("FORECASTS", str(forecasts)) for one in options]
    assert reason in matchday("market", "compare", *given).refusal


def test_without_a_champion_the_forecasts_are_asked_for(matchday: RunCommand, odds: Path) -> None:
    prepare(Settings().tracking_uri)
    refused = matchday("market", "compare", "--odds", str(odds)).refusal
    assert refused.startswith("matchday: no model match-outcome") and "train one first" in refused


def test_forecasts_without_a_season_are_refused(
    matchday: RunCommand, odds: Path, forecasts: Path, tmp_path: Path
) -> None:
    pd.read_parquet(forecasts).drop(columns=["season", "kickoff"]).to_parquet(tmp_path / "bare.parquet")
    refused = matchday("market", "compare", "--odds", str(odds), "--forecasts", str(tmp_path / "bare.parquet")).refusal
    assert "bare.parquet is no file of walk-forward forecasts: it lacks season, kickoff" in refused


def test_a_version_or_a_file_of_forecasts_is_asked_for_not_both(matchday: RunCommand, forecasts: Path) -> None:
    ended = matchday("market", "compare", "--odds", ".", "--version", "1", "--forecasts", str(forecasts))
    assert ended.code == 2
    assert "give --version or --forecasts, not both" in ended.stderr


def test_forecasts_and_odds_of_other_seasons_have_nothing_in_common(
    matchday: RunCommand, odds: Path, forecasts: Path, tmp_path: Path
) -> None:
    pd.read_parquet(forecasts).query("season == '2324'").to_parquet(tmp_path / "old.parquet")
    refused = matchday("market", "compare", "--odds", str(odds), "--forecasts", str(tmp_path / "old.parquet")).refusal
    assert "match-outcome of old.parquet has forecast 23/24, and the files have odds of 24/25, 25/26" in refused
