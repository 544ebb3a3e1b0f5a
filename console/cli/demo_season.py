"""A scene of the demonstration: two gameweeks of a season, as they come."""

from console.cli import screen
from console.cli.forecast import print_coming, print_scored
from console.cli.progress import RunProgress
from console.demo.season import GAMEWEEKS, SeasonStage, open_season
from matchday.collected.report import describe_outcome
from matchday.errors import MatchdayError
from matchday.forecasts.scores import mean_rps

CHANGES = 5
"""Changes of an update that are printed one by one."""


def play_season() -> None:
    """Update, forecast, results, update, scores, twice. Raises MatchdayError when a forecast was changed afterwards."""
    screen.heading(f"Gameweeks {GAMEWEEKS[0]} and {GAMEWEEKS[1]} of 2025/26, from a stand-in of the live sources")
    with RunProgress() as progress, open_season(progress.show) as stage:
        for gameweek in GAMEWEEKS:
            live_gameweek(stage, gameweek)
        if wrong := stage.check_record():
            raise MatchdayError("; ".join(wrong))
        screen.say("  every recorded forecast is the one that its batch held before the kick-off")


def live_gameweek(stage: SeasonStage, gameweek: int) -> None:
    """A gameweek from the hours before its deadline to its results."""
    stage.go_to(stage.deadline(gameweek))
    screen.heading(f"{stage.now:%A %d %B %Y, %H:%M} UTC: before gameweek {gameweek}")
    print_update(stage)
    stage.make_features()
    print_coming(stage.forecast())
    stage.go_to(stage.end(gameweek))
    screen.heading(f"{stage.now:%A %d %B %Y, %H:%M} UTC: after gameweek {gameweek}")
    print_update(stage)
    scored = stage.scores(gameweek)
    print_scored(scored, mean_rps(scored))


def print_update(stage: SeasonStage) -> None:
    """What an update brought."""
    report = stage.update()
    for outcome in report.sources:
        screen.say(f"  {describe_outcome(outcome)}")
    for change in report.changes[:CHANGES]:
        screen.say(f"  {change}")
    if len(report.changes) > CHANGES:
        screen.say(f"  and {len(report.changes) - CHANGES:,} more changes")
