"""The training pipeline, run here and told to a person."""

import sys
from datetime import datetime

from console.narrator import Narrator
from console.screen import console
from matchday import calendar, telemetry
from matchday.errors import MatchdayError
from matchday.features.team import FULL_TIME
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot
from matchday.tables import Fixtures, Matches
from pipelines import local
from pipelines.training import train_match_outcome


def plan(as_of: str | None) -> calendar.Gameweek:
    """The gameweek to forecast as of a date (default: before the last one), once this machine can be worked on.

    Raises CalendarError for a date that cannot be forecast, SettingsError where local state cannot be written.
    """
    settings = Settings()
    settings.make_home()
    fixtures = Snapshot(settings.snapshot).load(Fixtures)
    moment = calendar.parse(as_of) if as_of else calendar.last_gameweek_day(fixtures)
    return calendar.next_gameweek(fixtures, moment)


def moment(as_of: str | None) -> datetime:
    """The moment to train as of (default: after the last match). Raises as `plan` does."""
    settings = Settings()
    settings.make_home()
    if as_of is None:
        last: datetime = Snapshot(settings.snapshot).load(Matches)["kickoff"].max().to_pydatetime()
        return last + FULL_TIME
    asked = calendar.parse(as_of)
    if asked < calendar.EARLIEST:
        raise calendar.CalendarError(
            f"too little to learn from on {asked:%Y-%m-%d}: choose {calendar.EARLIEST:%Y-%m-%d} or later"
        )
    return asked


def run(as_of: datetime) -> None:
    """Run `train-match-outcome` as of a moment. Raises the failing step's own words."""
    telemetry.start("matchday-console")
    with telemetry.span("train-match-outcome", as_of=as_of.isoformat()), Narrator() as narrator:
        try:
            local.run(train_match_outcome, narrator.hear, as_of=as_of.isoformat())
        except local.RunError as error:
            _explain(narrator, error)
    reused = f", {narrator.reused} taken from the cache" if narrator.reused else ""
    console.print(f"  {narrator.steps} steps ran{reused}")


def _explain(narrator: Narrator, error: local.RunError) -> None:
    """Raise what the failing step said; what it did not foresee is shown whole."""
    if narrator.failure:
        raise MatchdayError(narrator.failure) from error
    print("\n".join(narrator.transcript[-40:]), file=sys.stderr)
    raise error
