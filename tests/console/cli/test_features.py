"""`matchday features ...`: what is printed, as JSON too, and how it ends."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from console.cli import features as commands
from matchday.features import published
from matchday.features.services import SERVICES
from matchday.tables import TeamForm
from tests.console.conftest import Ended, RunCommand
from tests.feature_repo.served_world import LATE_KICKOFF, Asked, ServedWorld, pack
from tests.services.redis import redis_server

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ServedWorld:
    return ServedWorld.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def server(world: ServedWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with world.serving(pack(tmp_path_factory.mktemp("bundle") / "match-outcome")) as asked:
        asked.forecast(["ARS", "MCI", "LIV"], ["LIV", "EVE", "ARS"], name="three")
        asked.forecast(["ARS"], ["LIV"], LATE_KICKOFF)
        world.wait_for(4)
        yield asked


@pytest.fixture
def features(world: ServedWorld, matchday: RunCommand) -> RunCommand:
    def run(*arguments: str, **environ: str) -> Ended:
        return matchday("features", *arguments, **(world.variables | environ))

    return run


def loads(ended: Ended, code: int = 0) -> Any:
    assert ended.code == code, ended
    return json.loads(ended.stdout)


def words(text: str) -> str:
    """The text without the layout of its tables."""
    return re.sub(r" +", " ", text)


def test_services_and_views_are_listed(features: RunCommand, world: ServedWorld) -> None:
    told = features("list").stdout
    assert re.search(r"match_outcome_v1 home \(team\), away \(team\) team_ratings, team_form (- )?1 31", words(told))
    assert "match_outcome_v2 home (team), away (team) team_strength match-outcome 2 8" in words(told)
    assert re.search(r"team_form team 120 days \d+ (days|hours) 1 11 1,5\d\d", words(told))
    found = loads(features("list", "--json"))
    assert [one["name"] for one in found["services"]] == list(SERVICES)
    [form, ratings, strength, player_form, _] = found["views"]
    assert player_form["entity"] == "player"
    assert (strength["name"], strength["features"]) == ("team_strength", 5)
    assert (form["rows"], form["features"]) == (len(world.lake.read(TeamForm)), 11)
    assert (ratings["entity"], ratings["ttl_seconds"]) == ("team", 120 * 86_400)
    assert form["newest"] == world.lake.read(TeamForm)["event_time"].max().isoformat(timespec="seconds")
    assert form["age_seconds"] > 0


def test_a_lake_without_tables_has_no_rows(features: RunCommand, tmp_path: Path) -> None:
    assert [one["rows"] for one in loads(features("list", "--json", MATCHDAY_LAKE=str(tmp_path)))["views"]] == [0] * 5


def test_a_service_is_shown_with_its_definition_and_lineage(features: RunCommand) -> None:
    told = words(features("show", "match_outcome_v1").stdout)
    assert "match_outcome_v1: feature service, version 1. Form and ratings of both teams." in told
    assert "home_rest_days team_form.last_kickoff of home int64 days since, at most 14" in told
    assert "rows of team_form expire after 120 days" in told
    found = loads(features("show", "match_outcome_v1", "--json"))
    assert found["fingerprint"] == found["lineage"]["fingerprint"]
    assert found["values"] == published.read_published()["match_outcome_v1"].values
    assert re.match(r"\d{4}-\d\d-\d\dT", found["lineage"]["applied"])
    assert found["lineage"]["commit"]


def test_a_view_is_shown_with_its_table_and_whether_that_has_changed_since(
    features: RunCommand, world: ServedWorld
) -> None:
    told = features("show", "team_form").stdout
    print_ = world.lake.fingerprint(TeamForm)
    assert f"table {world.settings.lake}/team_form, content {print_}, which it still has" in told
    assert "goals_for_5 float64" in words(told)
    found = loads(features("show", "team_form", "--json"))
    assert (found["lineage"]["data"], found["lineage"]["current"]) == (print_, print_)


def test_what_was_never_applied_says_so(features: RunCommand, tmp_path: Path) -> None:
    told = features("show", "team_form", MATCHDAY_FEAST_REGISTRY=str(tmp_path / "none.db")).stdout
    assert "not applied yet: 'matchday features refresh' does" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "team_from"), "no feature service or view 'team_from'; did you mean team_form?"),
        (
            ("show", "weather"),
            "there are: match_outcome_v1, match_outcome_v2, total_goals_v1, player_points_v1, team_form, team_ratings",
        ),
        (("diff", "match_outcome_v1", "match_outcome_v9"), "no feature service 'match_outcome_v9'; did you mean match"),
        (("publish", "match-outcome-v1"), "no feature service 'match-outcome-v1'; did you mean match_outcome_v1 or"),
        (("get", "arsnal"), "no team 'arsnal'; did you mean ARS (Arsenal)?"),
        (("get", "xyzzy"), "no team 'xyzzy'; known are ARS, AVL, BHA"),
        (("get", "ARS", "--as-of", "1.3.2026"), "is not a date"),
        (("verify",), "no prediction log is named: give --log file:PATH"),
        (("verify", "--log", "somewhere"), "'somewhere' is no address of events"),
        (("stats",), "does not exist: 'matchday features refresh' fills it"),
    ],
)
def test_a_refusal_names_what_is_wrong_and_the_nearest(
    features: RunCommand, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    environ = {"MATCHDAY_ONLINE_STORE": str(tmp_path / "none.db")} if arguments == ("stats",) else {}
    assert told in features(*arguments, **environ).refusal


def test_a_version_is_the_same_as_itself(features: RunCommand) -> None:
    assert features("diff", "total_goals_v1", "total_goals_v1").stdout.strip() == (
        "total_goals_v1 is the same as total_goals_v1"
    )
    assert loads(features("diff", "total_goals_v1", "total_goals_v1", "--json"))["same"] is True


def test_versions_are_compared_by_their_definitions_and_values(
    features: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A published version that this code no longer has can be compared too."""
    pins = json.loads(published.PUBLISHED.read_text())
    former = json.loads(json.dumps(pins["total_goals_v1"]))
    former["definition"]["features"][0] |= {"view": "team_ratings_v0", "dtype": "int64"}
    former["definition"]["features"][1]["name"] = "edge"
    former["values"]["home_attack"] = "00000000"
    file = tmp_path / "published.json"
    file.write_text(json.dumps(pins | {"total_goals_v0": former}))
    monkeypatch.setattr(published, "PUBLISHED", file)
    told = words(features("diff", "total_goals_v0", "total_goals_v1").stdout)
    for line in (
        "added league_home_edge",
        "removed edge",
        "changed league_level view team_ratings_v0, now team_ratings",
        "changed league_level dtype int64, now float64",
        "other values home_attack",
    ):
        assert line in told
    found = loads(features("diff", "total_goals_v0", "total_goals_v1", "--json"))
    assert (found["added"], found["removed"], found["values"]) == (["league_home_edge"], ["edge"], ["home_attack"])
    assert found["changed"][0] == {
        "of": "league_level",
        "what": "view",
        "before": "team_ratings_v0",
        "after": "team_ratings",
    }


def test_a_service_is_published_once(features: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = json.loads(published.PUBLISHED.read_text())
    file = tmp_path / "published.json"
    file.write_text(json.dumps({name: pin for name, pin in pins.items() if name != "total_goals_v1"}))
    monkeypatch.setattr(published, "PUBLISHED", file)
    assert "commit matchday/features/published.json with it" in features("publish", "total_goals_v1").stdout
    assert json.loads(file.read_text()) == pins, "values too"
    assert "is published already" in features("publish", "total_goals_v1").stdout


def test_a_teams_rows_are_shown_beside_the_offline_ones(features: RunCommand) -> None:
    told = words(features("get", "Arsenal", "--as-of", "2026-04-01").stdout)
    assert "ARS, Arsenal; offline as of 2026-04-01 00:00 UTC" in told
    assert re.search(r"team_form: online row of 2026-03-\d\d \d\d:\d\d UTC, \d+ days old\n", told)
    found = loads(features("get", "ars", "--as-of", "2026-04-01", "--json"))
    assert (found["team"], found["equal"]) == ("ARS", True)
    assert [row["view"] for row in found["rows"]] == ["team_form", "team_ratings", "team_strength"]
    assert all(pair["online"] is not None for row in found["rows"] for pair in row["features"])


def test_stores_of_two_moments_differ_and_old_rows_are_expired(features: RunCommand) -> None:
    told = words(features("get", "ars", "--as-of", "2026-12-01").stdout)
    assert ", expired" in told
    assert re.search(r"elo [\d.]+ [\d.]+ differs", told)
    assert "the stores differ: 'matchday features refresh'" in told


def test_a_team_that_is_not_in_the_store_has_no_online_row(features: RunCommand) -> None:
    found = loads(features("get", "LEI", "--as-of", "2025-04-01", "--json"))
    assert [row["event_time"] for row in found["rows"]] == [None, None, None]
    assert found["equal"] is False


def test_figures_of_the_store_and_of_a_server(features: RunCommand, server: Asked, world: ServedWorld) -> None:
    found = loads(features("stats", "--server", server.url, "--json"))
    form, ratings, strength, player_form, _ = found["views"]
    assert player_form["rows"] > 500
    assert (strength["rows"], strength["values"], strength["missing"]) == (20, 100, 0)
    assert (form["rows"], form["values"], form["missing"]) == (20, 220, 0)
    assert (ratings["rows"], ratings["offline_rows"]) == (20, len(world.lake.read(world.tables[1])))
    assert form["oldest"] <= form["newest"] <= "2026-04-01T00:00:00+00:00"
    assert found["memory"]["bytes"] == world.settings.online_file.stat().st_size
    [hits] = found["hits"]
    assert (hits["model"], hits["variant"], hits["answers"], hits["forecasts"]) == ("match-outcome", "stable", 2, 4)
    assert (hits["found"], hits["complete"], hits["degraded"]) == (1.0, 1.0, 0.0)
    told = words(features("stats", "--server", server.url).stdout)
    assert "match-outcome 12 stable 2 4 100.00% 100.00% 0.00%" in told


def test_a_server_that_does_not_answer_is_named_beside_the_other_figures(features: RunCommand) -> None:
    ended = features("stats", "--server", "http://127.0.0.1:9")
    assert ended.code == 0
    assert "no metrics from http://127.0.0.1:9" in ended.stdout
    assert "the online store" in ended.stdout


def test_memory_of_redis_is_that_of_the_rows(matchday: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as redis:
        world = ServedWorld.make(tmp_path / "world", redis.url)
        memory = loads(matchday("features", "stats", "--json", **world.variables))["memory"]
        told = matchday("features", "stats").stdout
    assert 20 * 200 < memory["bytes"] < memory["server_bytes"]
    assert "bytes of" in told and "that Redis uses" in told


def test_what_was_served_is_verified_and_measured(
    features: RunCommand, server: Asked, world: ServedWorld, tmp_path: Path
) -> None:
    metrics = tmp_path / "textfile" / "served.prom"
    ended = features("verify", "--metrics", str(metrics), MATCHDAY_SERVING_PREDICTIONS=str(world.log))
    assert ended.code == 0
    assert ended.stdout.strip() == "4 predictions sampled, 4 compared: 4 are equal, 0.00% differ"
    text = metrics.read_text()
    assert 'matchday_served_features_predictions{outcome="equal",reason=""} 4.0' in text
    assert "matchday_served_features_differing_ratio 0.0" in text


def test_a_served_value_that_the_batch_does_not_have_ends_with_1(
    features: RunCommand, server: Asked, world: ServedWorld, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(Path(world.log.path).read_bytes().replace(b'"home_elo":1', b'"home_elo":2', 1))
    ended = features("verify", "--log", f"file:{log}")
    assert ended.code == 1
    assert "3 are equal, 25.00% differ" in ended.stdout
    assert re.search(r"three \S+ match-outcome 12 home_elo 2\d{3}\.\d+ 1\d{3}\.\d+", words(ended.stdout))
    found = loads(features("verify", "--log", f"file:{log}", "--json", "--sample", "1000"), code=1)
    assert (found["share"], found["differing"], len(found["differences"])) == (0.25, 1, 1)


def test_it_is_measured_all_the_time(
    features: RunCommand, server: Asked, world: ServedWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new sample each time, until it is stopped."""
    metrics, rounds = tmp_path / "served.prom", []

    def sleep(seconds: float) -> None:
        rounds.append((seconds, metrics.stat().st_ino))
        if len(rounds) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(commands, "time", SimpleNamespace(sleep=sleep))
    ended = features("verify", "--log", str(world.log), "--sample", "2", "--every", "60", "--metrics", str(metrics))
    assert ended.code == 130
    assert ended.stdout.count("2 predictions sampled, 2 compared: 2 are equal, 0.00% differ") == 3
    assert [seconds for seconds, _ in rounds] == [60, 60, 60]


def test_an_empty_log_is_no_proof(features: RunCommand, tmp_path: Path) -> None:
    ended = features("verify", "--log", f"file:{tmp_path / 'none'}", "--metrics", str(tmp_path / "none.prom"))
    assert (ended.code, ended.stdout.strip()) == (0, "the log holds no prediction to compare")
    assert "differing_ratio NaN" in (tmp_path / "none.prom").read_text()


def test_a_refresh_says_what_it_did(features: RunCommand) -> None:
    """The last test of the file: it fills the store as of another day."""
    told = features("refresh", "--as-of", "2026-04-08").stdout
    assert "are those of the history already" in told
    holds = re.search(
        r"the online store holds (\d+) rows as known at 2026-04-08 00:00 UTC: \d+ are new or changed", told
    )
    assert holds and int(holds[1]) > 60
    found = loads(features("refresh", "--as-of", "2026-04-08", "--json"))
    assert (found["unchanged"], found["rows"], found["changed"]) == (True, int(holds[1]), 0)
