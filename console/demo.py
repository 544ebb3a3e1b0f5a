"""The demonstration: from the bundled history to a served forecast, in scenes."""

import time
from collections.abc import Callable

from console import forecasts, history, training
from console.cli import CHAMPION
from console.forecasts import MODEL, OUTCOMES, Question
from console.screen import console, heading, table
from matchday import telemetry
from matchday.calendar import Gameweek
from matchday.errors import MatchdayError
from matchday.models.catalogue import model_kind
from matchday.models.champion import check_fit
from matchday.models.registration import evaluation_of
from matchday.registry import Registry
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot
from matchday.tables import Matches
from serving import server

HOST, DEFAULT_PORT = "127.0.0.1", 8080


def play(as_of: str | None, scene: str | None, port: int) -> None:
    """Play one scene, or all of them in order. Raises MatchdayError for an unknown scene."""
    if scene is not None and scene not in SCENES:
        raise MatchdayError(f"no scene {scene!r}; there are: {', '.join(SCENES)}")
    started = time.monotonic()
    Settings().make_home()
    telemetry.start("matchday-console")
    with telemetry.span("demo"):
        for name, act in SCENES.items():
            if scene in (None, name):
                act(as_of, port)
        if scene in (None, "outcome"):
            heading(f"{len(SCENES) + 3 if scene is None else 4}  Where to look next")
            _show_next(training.plan(as_of), port)
    console.print(f"\n[dim]{time.monotonic() - started:.0f} s in all[/dim]")


def outcome(as_of: str | None, port: int) -> None:
    """The main job: data, pipeline, server, forecasts, scores."""
    server.check_port(HOST, port)
    gameweek = training.plan(as_of)
    heading("1  The bundled history")
    history.show()
    heading("2  The pipeline train-match-outcome (Kubeflow, local runner)")
    training.run(gameweek.as_of)
    check_fit(model_kind(MODEL), Settings(), gameweek.as_of)
    heading("3  The champion, served")
    with server.running(CHAMPION, HOST, port):
        console.print(f"  {CHAMPION} is ready at http://{HOST}:{port}")
        _show_gameweek(gameweek, f"http://{HOST}:{port}")
    heading("Walk-forward scores: each match forecast by a model that had seen nothing later")
    _show_scores()


def rollout(as_of: str | None, port: int) -> None:
    """A new version beside the champion, promoted on evidence."""
    from console import demo_rollouts

    demo_rollouts.rollout(as_of, port)


def rollback(as_of: str | None, port: int) -> None:
    """Spoiled versions, taken back."""
    from console import demo_rollouts

    demo_rollouts.rollback(as_of, port)


SCENES: dict[str, Callable[[str | None, int], None]] = {"outcome": outcome, "rollout": rollout, "rollback": rollback}


def _show_gameweek(gameweek: Gameweek, url: str) -> None:
    fixtures = gameweek.fixtures.to_dict("records")
    questions = [Question(match["home"], match["away"], match["kickoff"].isoformat()) for match in fixtures]
    answer = forecasts.ask(url, questions)
    results = {row["match_id"]: row for row in Snapshot(Settings().snapshot).load(Matches).to_dict("records")}
    rows, hits = [], 0
    for match, chances in zip(fixtures, answer.probabilities, strict=True):
        played = results[match["match_id"]]
        gap = played["home_goals"] - played["away_goals"]
        happened = OUTCOMES[0 if gap > 0 else 1 if gap == 0 else 2]
        favourite = OUTCOMES[max(range(3), key=chances.__getitem__)]
        hits += favourite == happened
        rows.append(
            (
                f"{match['home']} - {match['away']}",
                f"{match['kickoff']:%d %b %H:%M}",
                match.get(favourite, "draw"),
                *(f"{chance:.1%}" for chance in chances),
                f"{played['home_goals']}-{played['away_goals']}",
                "hit" if favourite == happened else "",
            )
        )
    console.print(
        f"  Gameweek {gameweek.number} of 20{gameweek.season[:2]}/{gameweek.season[2:]}, "
        f"forecast at {gameweek.as_of:%Y-%m-%d %H:%M} UTC by model version {answer.parameters.get('model_version')}"
    )
    table(("match", "kick-off", "favourite", *OUTCOMES, "result", ""), rows, text_columns=3)
    console.print(f"  {hits} of {len(rows)} favourites came in")


def _show_scores() -> None:
    registry = Registry(Settings().tracking_uri)
    champion = registry.resolve(CHAMPION)
    board = evaluation_of(model_kind(MODEL), registry, champion).scoreboard()
    rows = [
        (
            row["forecaster"],
            *(f"{row[score]:.4f}" for score in ("rps", "log_loss", "brier")),
            *(f"{row[score]:.3f}" for score in ("accuracy", "calibration_error")),
            f"{row['matches']:,}",
        )
        for row in board.to_dict("records")
    ]
    table(("forecaster", "RPS", "log loss", "Brier", "accuracy", "calib. error", "matches"), rows)


def _show_next(gameweek: Gameweek, port: int) -> None:
    first = gameweek.fixtures.iloc[0]
    tensors = ", ".join(
        f'{{"name": "{name}", "datatype": "BYTES", "shape": [1], "data": ["{value}"]}}'
        for name, value in (
            ("home", first["home"]),
            ("away", first["away"]),
            ("kickoff", first["kickoff"].isoformat()),
        )
    )
    chosen = "" if port == DEFAULT_PORT else f" PORT={port}"
    console.print(f"  keep it serving   make serve{chosen}")
    console.print("  then ask it       ", end="")
    print(
        f"curl -s http://{HOST}:{port}/v2/models/match-outcome/infer "
        f"-H 'Content-Type: application/json' -d '{{\"inputs\": [{tensors}]}}'"
    )
    console.print("  runs and models   make ui")
    console.print(f"  traces and logs   {Settings().home / 'telemetry'}")
    console.print("  another date      make demo AS_OF=2026-03-01")
