"""The stand-in is what it says: the season at an instant, in the shapes of the upstreams, with faults on demand."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import Message
from typing import Any

import pytest

from console.demo.upstream import running
from console.demo.upstream.faults import Fault, Faults
from console.demo.upstream.season import BEFORE_KICKOFF, PastSeason, Postponement
from console.demo.upstream.server import TOKEN, UpstreamServer
from tests.services.upstream.bundled import SEMENYO, SNAPSHOT, past_season, small_season

SEASON, MOVED = "2526", "2526-MCI-CRY"
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def season() -> PastSeason:
    """With a match that had been set for gameweek 31 and was played in May."""
    plain = small_season(SEASON)
    former = plain.deadlines[31] + BEFORE_KICKOFF
    moved = Postponement(former - timedelta(days=20), former + timedelta(days=10), former, 31)
    return PastSeason(SNAPSHOT, SEASON, {MOVED: moved}, {player.code for player in plain.players})


@pytest.fixture(scope="module")
def listening(season: PastSeason) -> Iterator[UpstreamServer]:
    with UpstreamServer(season) as server:
        yield server


@pytest.fixture
def server(listening: UpstreamServer, season: PastSeason) -> UpstreamServer:
    listening.reset(season, season.deadlines[13])
    return listening


def get(server: UpstreamServer, path: str, **headers: str) -> tuple[int, bytes, Message]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(server.url + path, headers=named)) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read(), refused.headers


def load(server: UpstreamServer, path: str) -> Any:
    status, body, _ = get(server, path, x_auth_token=TOKEN)
    assert status == 200
    return json.loads(body)


def fixture(server: UpstreamServer, match_id: str) -> Any:
    number = server.season.by_id[match_id].number
    return next(one for one in load(server, "/api/fixtures/") if one["id"] == number)


def witness(server: UpstreamServer, match_id: str) -> Any:
    number = server.season.by_id[match_id].number
    listed = load(server, "/v4/competitions/PL/matches?season=2025")["matches"]
    return next(one for one in listed if one["id"] == 500_000 + number)


def player(server: UpstreamServer, code: int) -> Any:
    found = [one for one in load(server, "/api/bootstrap-static/")["elements"] if one["code"] == code]
    return found[0] if found else None


@pytest.mark.parametrize("season_name", ["2526", "2223"])
def test_deadlines_follow_each_other_and_precede_their_matches(season_name: str) -> None:
    """22/23 has no match in gameweek 7."""
    past = small_season(season_name)
    deadlines = list(past.deadlines.values())
    assert deadlines == sorted(set(deadlines))
    assert len(deadlines) == 38
    assert all(past.deadlines[match.gameweek] < match.kickoff for match in past.matches if match.gameweek)


def test_a_match_is_scheduled_live_provisional_and_finished(server: UpstreamServer) -> None:
    match = server.season.by_id["2526-MCI-BOU"]
    said = []
    for minutes in (-1, 0, 50, 104, 105, 239, 240):
        server.now = match.kickoff + minutes * MINUTE
        one, other = fixture(server, match.match_id), witness(server, match.match_id)
        assert (one["team_h_score"], one["team_a_score"]) == tuple(other["score"]["fullTime"].values())
        said.append((one["started"], one["finished_provisional"], one["finished"], one["minutes"], other["status"]))
    assert said == [
        (False, False, False, 0, "TIMED"),
        (True, False, False, 0, "IN_PLAY"),
        (True, False, False, 45, "PAUSED"),
        (True, False, False, 89, "IN_PLAY"),
        (True, True, False, 90, "FINISHED"),
        (True, True, False, 90, "FINISHED"),
        (True, True, True, 90, "FINISHED"),
    ]
    assert (one["team_h_score"], one["team_a_score"]) == (match.home_goals, match.away_goals)


def test_scores_and_players_goals_grow_together_to_the_result() -> None:
    """With every player of a gameweek: a score is the sum of their goals and the other side's own goals."""
    past = past_season(SEASON)
    for match in [match for match in past.matches if match.gameweek == 13]:
        before = (0, 0)
        for minutes in range(0, 106, 5):
            now = match.kickoff + minutes * MINUTE
            score = running.score(past, match, now)
            goals = {True: 0.0, False: 0.0}
            for one, row in past.rows_of_match[match.match_id]:
                done = running.statistics(past, one, row, now)
                goals[row["home"]] += done["goals_scored"]
                goals[not row["home"]] += done["own_goals"]
                assert done["minutes"] > 0 or done["goals_scored"] == 0
                assert done["minutes"] <= row["minutes"]
                assert done["bonus"] == 0
            assert score == (goals[True], goals[False])
            assert before[0] <= score[0]
            assert before[1] <= score[1]
            before = score
        assert before == (match.home_goals, match.away_goals)


def test_points_of_a_live_match_grow_to_the_bundled_ones(server: UpstreamServer) -> None:
    match = server.season.by_id["2526-MCI-BOU"]
    row = next(row for one, row in server.season.rows_of_match[match.match_id] if one.code == SEMENYO)
    assert match.gameweek == 10
    said = []
    for minutes in (0, 20, 80, 240):
        server.now = match.kickoff + minutes * MINUTE
        number = player(server, SEMENYO)["id"]
        elements = load(server, "/api/event/10/live/")["elements"]
        (found,) = [one for one in elements if one["id"] == number]
        said.append((found["stats"]["minutes"], found["stats"]["total_points"]))
    assert [minutes for minutes, _ in said] == [0, 20, 65, 90]
    assert said[0][1] == 0
    assert said[-1][1] == row["points"]


def test_a_postponed_match_has_its_former_date_then_none_then_its_last(server: UpstreamServer) -> None:
    match, moved = server.season.by_id[MOVED], server.season.postponed[MOVED]
    assert match.gameweek == 36
    server.now = moved.announced_at - MINUTE
    assert fixture(server, MOVED)["event"] == 31
    assert fixture(server, MOVED)["kickoff_time"] == f"{moved.former_kickoff:%Y-%m-%dT%H:%M:%SZ}"
    server.now = moved.announced_at
    assert [fixture(server, MOVED)[key] for key in ("event", "kickoff_time", "started")] == [None, None, None]
    assert witness(server, MOVED)["status"] == "POSTPONED"
    assert witness(server, MOVED)["utcDate"] == f"{moved.former_kickoff:%Y-%m-%dT%H:%M:%SZ}"
    assert load(server, "/api/fixtures/")[0]["id"] == match.number, "matches without a date come first"
    server.now = moved.redated_at
    assert fixture(server, MOVED)["event"] == 36
    assert witness(server, MOVED)["utcDate"] == f"{match.kickoff:%Y-%m-%dT%H:%M:%SZ}"


def test_a_player_is_listed_from_the_week_in_which_he_comes(server: UpstreamServer) -> None:
    late = next(one for one in server.season.players if one.since is not None)
    assert late.since is not None
    server.now = late.since - MINUTE
    assert player(server, late.code) is None
    assert get(server, f"/api/element-summary/{late.number}/")[0] == 404
    server.now = late.since
    assert player(server, late.code)["id"] == late.number


def test_prices_and_ownership_are_those_of_the_last_deadline(server: UpstreamServer) -> None:
    one = next(one for one in server.season.players if one.code == SEMENYO)
    row = next(row for row in one.rows if row["gameweek"] == 13)
    server.now = server.season.deadlines[13]
    found = player(server, SEMENYO)
    assert found["now_cost"] == row["value"]
    assert found["transfers_in_event"] == row["transfers_in"]
    assert found["total_points"] == sum(r["points"] for r in one.rows if r["gameweek"] < 13)


def test_numbers_that_are_text_at_the_game_are_text(server: UpstreamServer) -> None:
    found = player(server, SEMENYO)
    texts = ("form", "points_per_game", "selected_by_percent", "influence", "ict_index", "expected_goals", "ep_next")
    assert all(isinstance(found[name], str) for name in texts)
    assert all(isinstance(found[name], int) for name in ("now_cost", "total_points", "minutes", "starts", "code"))
    summary = load(server, f"/api/element-summary/{found['id']}/")
    assert {"history", "fixtures", "history_past"} == set(summary)
    assert all(isinstance(row["expected_goals"], str) and isinstance(row["value"], int) for row in summary["history"])
    assert len(summary["history"]) + len(summary["fixtures"]) == 38


def test_the_british_file_has_its_traps(server: UpstreamServer) -> None:
    _, body, headers = get(server, "/mmz4281/2526/E0.csv")
    assert headers["Content-Type"] == "text/csv"
    assert body.startswith(b"\xef\xbb\xbfDiv,Date,Time,")
    lines = body.decode("utf-8-sig").split("\r\n")
    assert lines[-1] == ""
    assert all(line.endswith(",,") for line in lines[:-1])
    assert lines[1].startswith("E0,15/08/2025,20:00,Liverpool,Bournemouth,4,2,H,")
    server.short_years = True
    assert b"E0,15/08/25,20:00," in get(server, "/mmz4281/2526/E0.csv")[1]


def test_what_has_not_changed_is_not_sent_again(server: UpstreamServer) -> None:
    _, body, headers = get(server, "/api/event/1/live/")
    server.now += timedelta(hours=1)
    assert get(server, "/api/event/1/live/", if_none_match=headers["ETag"])[:2] == (304, b"")
    assert get(server, "/api/event/1/live/", if_modified_since=headers["Last-Modified"])[:2] == (304, b"")
    assert get(server, "/api/event/1/live/", if_none_match='"other"')[:2] == (200, body)
    assert [request.status for request in server.requests] == [200, 304, 304, 200]
    assert [request.conditional for request in server.requests] == [False, True, True, True]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/event/39/live/", 404),
        ("/api/element-summary/9999/", 404),
        ("/mmz4281/2425/E0.csv", 404),
        ("/v4/competitions/PL/matches?season=2025", 403),
        ("/elsewhere", 404),
    ],
)
def test_what_is_not_there_is_not_found(server: UpstreamServer, path: str, status: int) -> None:
    assert get(server, path)[0] == status


def test_faults_hit_the_planned_requests_alone() -> None:
    """A request counts for every plan whose path it holds until one hits it."""
    faults = Faults()
    faults.plan(Fault.FAILS, "/fixtures/", times=2, skip=1)
    faults.plan(Fault.BUSY, times=1)
    hits = [faults.next(path) for path in ("/fixtures/", "/a", "/fixtures/", "/fixtures/", "/fixtures/", "/a")]
    assert [hit.fault if hit else None for hit in hits] == [Fault.BUSY, None, Fault.FAILS, Fault.FAILS, None, None]


def test_an_old_copy_has_the_date_of_its_time(server: UpstreamServer) -> None:
    older = server.now - timedelta(days=30)
    server.faults.plan(Fault.STALE, older=older)
    _, body, headers = get(server, "/api/fixtures/")
    server.now = older
    assert get(server, "/api/fixtures/")[1] == body
    assert headers["Last-Modified"] == f"{older:%a, %d %b %Y %H:%M:%S} GMT"
    assert isinstance(older, datetime)
