"""A scene of the demonstration: results stream in, and the forecasts of the next gameweek move."""

from console.cli import screen
from console.demo.gameweek import questions_of
from console.demo.streamed_round import NewForecast, NoRound, RoundStage, StreamedMatch, open_round
from console.operations.forecasts import MatchForecasts
from matchday.calendar import Gameweek
from matchday.errors import MatchdayError
from matchday.settings import Settings


def play_stream(gameweek: Gameweek, port: int) -> None:
    """Forecasts, a round streamed in, forecasts again. Raises MatchdayError when a feature is not the batch path's."""
    screen.heading(f"6  Results stream in: the forecasts of gameweek {gameweek.number} before and after")
    try:
        with open_round(gameweek, port) as stage:
            live_round(stage)
    except NoRound as nothing:
        screen.say(f"  {nothing}")


def live_round(stage: RoundStage) -> None:
    """The scene on its stage."""
    screen.say(
        f"  features as of {stage.since:%Y-%m-%d %H:%M} UTC, before {stage.rounds}, and a server that reads them"
    )
    screen.say("", f"  on a copy in {stage.settings.home}: your lake and your online store stay as they are")
    before = stage.ask()
    for news in stage.stream():
        for line in describe(news):
            screen.say(f"  {line}")
    print_movement(stage, before, stage.ask())
    compared = stage.verify()
    if compared.differing:
        raise MatchdayError(f"{len(compared.differing)} streamed values differ: {'; '.join(compared.differing[:3])}")
    screen.say(
        f"  {compared.online:,} online and {compared.appended:,} appended values of the season compared:"
        " all are those of the batch path"
    )


def describe(news: StreamedMatch | NewForecast) -> list[str]:
    """Lines about a streamed match, or about the forecast that the last one changed."""
    if isinstance(news, StreamedMatch):
        score = f"{news.home} {news.goals[0]}-{news.goals[1]} {news.away}"
        return [f"{news.kickoff:%d %b %H:%M}  {score}  {news.events} events, features {_ms(news.seconds)} later"]
    match = f"{news.question.home} - {news.question.away}"
    lines = [f"{_ms(news.seconds)} after its first event the server answers otherwise, as of {match}"]
    if news.trace:
        file = Settings().home / "telemetry" / "traces.jsonl"
        lines.append(f"trace {news.trace}: events, processing, feature write, request and answer, in {file}")
    return lines


def print_movement(stage: RoundStage, before: MatchForecasts, after: MatchForecasts) -> None:
    """The gameweek's probabilities before and after, and how far each match's moved."""
    rows = [
        (
            f"{question.home} - {question.away}",
            *(f"{old:.1%} -> {new:.1%}" for old, new in zip(was, now, strict=True)),
            f"{movement(was, now):.1%}",
        )
        for question, was, now in zip(questions_of(stage.gameweek), before.rows, after.rows, strict=True)
    ]
    screen.table(("match", *before.columns, "moved"), rows)


def movement(before: tuple[float, ...], after: tuple[float, ...]) -> float:
    """How much probability went from some outcomes to others, 0 to 1."""
    return sum(max(new - old, 0.0) for old, new in zip(before, after, strict=True))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"
