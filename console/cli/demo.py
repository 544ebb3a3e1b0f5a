"""`matchday demo`: from the bundled history to a served forecast, in scenes."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import screen
from console.cli.data import print_summary
from console.cli.options import DEFAULT_MODEL, Port
from console.cli.serve import CHAMPION

if TYPE_CHECKING:
    from console.demo.gameweek import ForecastMatch, GameweekForecast
    from matchday.calendar import Gameweek

HOST, DEFAULT_PORT = "127.0.0.1", 8080
SCENES = ("outcome", "rollout", "rollback", "stream", "season")
"""`season` is played when it is named alone."""


def demo(
    as_of: Annotated[
        str | None, typer.Option(help="Date to forecast from, as 2026-03-01. Default: before the last gameweek.")
    ] = None,
    scene: Annotated[str | None, typer.Option(help="Play one scene alone.")] = None,
    port: Port = DEFAULT_PORT,
) -> None:
    """From the bundled history to a served forecast, on this machine."""
    from console.cli import demo_rollouts
    from console.operations import training
    from matchday import telemetry
    from matchday.errors import MatchdayError
    from matchday.settings import Settings

    if scene is not None and scene not in SCENES:
        raise MatchdayError(f"no scene {scene!r}; there are: {', '.join(SCENES)}")
    started = time.monotonic()
    Settings().make_home()
    telemetry.start("matchday-console")
    with telemetry.span("demo"):
        if scene in (None, "outcome"):
            play_outcome(as_of, port)
        if scene in (None, "rollout"):
            demo_rollouts.play_rollout(training.plan_gameweek(as_of), port)
        if scene in (None, "rollback"):
            demo_rollouts.play_rollback(training.plan_gameweek(as_of), port)
        if scene in (None, "stream"):
            from console.cli import demo_stream

            demo_stream.play_stream(training.plan_gameweek(as_of), port)
        if scene == "season":
            from console.cli import demo_season

            demo_season.play_season()
        if scene in (None, "outcome"):
            screen.heading(f"{7 if scene is None else 4}  Where to look next")
            print_next(training.plan_gameweek(as_of), port)
    screen.say("")
    screen.say("", f"{time.monotonic() - started:.0f} s in all")


def play_outcome(as_of: str | None, port: int) -> None:
    """The main job: data, pipeline, server, forecasts, scores. Raises MatchdayError."""
    from console.cli.progress import RunProgress
    from console.demo.gameweek import forecast_gameweek
    from console.operations import history, training
    from matchday.models.catalogue import model_kind
    from matchday.models.champion import check_fit
    from matchday.settings import Settings
    from serving import server

    server.check_port(HOST, port)
    gameweek = training.plan_gameweek(as_of)
    screen.heading("1  The bundled history")
    print_summary(history.summarise())
    screen.heading("2  The pipeline train-match-outcome (Kubeflow, local runner)")
    with RunProgress() as progress:
        finished = training.train(DEFAULT_MODEL, gameweek.as_of, progress.show)
    progress.show(finished)
    check_fit(model_kind(DEFAULT_MODEL), Settings(), gameweek.as_of)
    screen.heading("3  The champion, served")
    with server.running(CHAMPION, HOST, port):
        screen.say(f"  {CHAMPION} is ready at http://{HOST}:{port}")
        print_gameweek(gameweek, forecast_gameweek(gameweek, f"http://{HOST}:{port}"))
    screen.heading("Walk-forward scores: each match forecast by a model that had seen nothing later")
    print_scores()


def print_gameweek(gameweek: "Gameweek", forecast: "GameweekForecast") -> None:
    """The matches of a gameweek with probabilities, results, and which favourites came in."""
    screen.say(
        f"  Gameweek {gameweek.number} of 20{gameweek.season[:2]}/{gameweek.season[2:]}, "
        f"forecast at {gameweek.as_of:%Y-%m-%d %H:%M} UTC by model version {forecast.model_version}"
    )
    columns = ("match", "kick-off", "favourite", *forecast.outcomes, "result", "")
    screen.table(columns, [match_row(match) for match in forecast.matches], text_columns=3)
    hits = sum(match.hit for match in forecast.matches)
    screen.say(f"  {hits} of {len(forecast.matches)} favourites came in")


def match_row(match: "ForecastMatch") -> tuple[str, ...]:
    """A match as a row of the table."""
    return (
        f"{match.home} - {match.away}",
        f"{match.kickoff:%d %b %H:%M}",
        (match.home, "draw", match.away)[match.favourite],
        *(f"{chance:.1%}" for chance in match.probabilities),
        f"{match.home_goals}-{match.away_goals}",
        "hit" if match.hit else "",
    )


def print_scores() -> None:
    """The champion's walk-forward scores beside those of its baselines."""
    from matchday.models.catalogue import model_kind
    from matchday.models.registration import evaluation_of
    from matchday.registry import Registry
    from matchday.settings import Settings

    registry = Registry(Settings().tracking_uri)
    board = evaluation_of(model_kind(DEFAULT_MODEL), registry, registry.resolve(CHAMPION)).scoreboard()
    rows = [
        (
            row["forecaster"],
            *(f"{row[score]:.4f}" for score in ("rps", "log_loss", "brier")),
            *(f"{row[score]:.3f}" for score in ("accuracy", "calibration_error")),
            f"{row['matches']:,}",
        )
        for row in board.to_dict("records")
    ]
    screen.table(("forecaster", "RPS", "log loss", "Brier", "accuracy", "calib. error", "matches"), rows)


def print_next(gameweek: "Gameweek", port: int) -> None:
    """Commands for what a person may want to do next."""
    import json

    from console.demo.gameweek import questions_of
    from console.operations.forecasts import request_body
    from matchday.settings import Settings

    body = json.dumps(request_body(questions_of(gameweek)[:1]))
    lines = (
        ("keep it serving", "make serve" if port == DEFAULT_PORT else f"make serve PORT={port}"),
        (
            "then ask it",
            f"curl -s http://{HOST}:{port}/v2/models/match-outcome/infer "
            f"-H 'Content-Type: application/json' -d '{body}'",
        ),
        ("runs and models", "make ui"),
        ("traces and logs", str(Settings().home / "telemetry")),
        ("another date", "make demo AS_OF=2026-03-01"),
    )
    for title, text in lines:
        screen.say(f"  {title:<17} {text}")
