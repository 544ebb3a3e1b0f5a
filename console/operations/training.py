"""Pipelines on this machine, and the dates that they take."""

from collections.abc import Callable
from datetime import datetime

from console.operations.events import LocalEvent, LocalRunFinished
from console.operations.transcript import Transcript
from matchday import calendar, telemetry
from matchday.errors import MatchdayError
from matchday.features.team import FULL_TIME
from matchday.models.catalogue import model_kind
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot
from matchday.tables import Fixtures, Matches
from pipelines import local
from pipelines.compilation import PIPELINES, TRAINING

TRAIN = "train-"
"""What the name of a pipeline that trains a model begins with."""

LINES_SHOWN = 40
"""Last lines of a run that go with a failure which no step foresaw."""


def plan_gameweek(as_of: str | None) -> calendar.Gameweek:
    """The gameweek to forecast as of a date; None means the day before the last one.

    Raises CalendarError for a date that cannot be forecast, SettingsError where local state cannot be written.
    """
    settings = Settings()
    settings.make_home()
    fixtures = Snapshot(settings.snapshot).load(Fixtures)
    moment = calendar.parse(as_of) if as_of else calendar.last_gameweek_day(fixtures)
    return calendar.next_gameweek(fixtures, moment)


def training_moment(as_of: str | None) -> datetime:
    """The moment to train as of; None means after the last match. Raises as `plan_gameweek` does."""
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


def run_pipeline(name: str, as_of: str | None, on_event: Callable[[LocalEvent], None]) -> LocalRunFinished:
    """Run a pipeline by its name, or the one that trains a model by the model's name, on this machine.

    as_of: None means after the last match for pipelines that train, and now for the others. Raises UnknownModelError
    for a name that is neither's, and as `train`.
    """
    if name not in PIPELINES or name in TRAINING:
        model = name.removeprefix(TRAIN) if name in TRAINING else name
        return train(model_kind(model).name, training_moment(as_of), on_event)
    Settings().make_home()
    return _run(name, calendar.parse(as_of).isoformat() if as_of else "", on_event)


def train(model: str, as_of: datetime, on_event: Callable[[LocalEvent], None]) -> LocalRunFinished:
    """Run the training pipeline of a model as of a moment on this machine.

    Raises UnknownModelError; MatchdayError with the failing step's own words, or with the last lines of the run as a
    note.
    """
    return _run(model_kind(model).pipeline, as_of.isoformat(), on_event)


def _run(pipeline: str, as_of: str, on_event: Callable[[LocalEvent], None]) -> LocalRunFinished:
    transcript = Transcript(on_event)
    with telemetry.span(pipeline, as_of=as_of):
        try:
            local.run(PIPELINES[pipeline], transcript.read, as_of=as_of)
        except local.RunError as error:
            if transcript.failure:
                raise MatchdayError(transcript.failure) from error
            error.add_note("\n".join(transcript.lines[-LINES_SHOWN:]))
            raise
    return transcript.summary
