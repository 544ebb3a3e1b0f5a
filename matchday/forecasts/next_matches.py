"""Forecasts of the matches of the next gameweeks, by one bundle, from what was known at a moment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matchday.bundle import Bundle
from matchday.errors import MatchdayError
from matchday.features.expiry import view_ttls
from matchday.features.services import SERVICES
from matchday.forecasts.batch import ForecastBatch, round_probabilities
from matchday.forecasts.coming import ComingMatches, find_coming
from matchday.forecasts.data_age import DataAge, read_data_age
from matchday.forecasts.knowledge import Knowledge
from matchday.forecasts.reading import read_knowledge
from matchday.forecasts.scheduled import OutcomeForecast, ScheduledMatch
from matchday.forecasts.team_rows import TeamRows, expired_teams, make_vectors
from matchday.models.kind import ModelKind
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.settings import Settings
from matchday.signature import RAW_INPUT, Signature


class NoForecastError(MatchdayError):
    """A model that must not forecast at a moment."""


@dataclass(frozen=True)
class NextForecasts:
    """The coming matches and the batch of their forecasts, and the age of the data that they are made from.

    notes: for people: matches that are not forecast and why, teams with two matches or none.
    """

    coming: ComingMatches
    batch: ForecastBatch
    data: DataAge
    notes: tuple[str, ...]

    @property
    def as_of(self) -> datetime:
        """The moment of the forecasts."""
        return self.coming.as_of

    @property
    def sentence(self) -> str:
        """What is forecast, for people."""
        made = len(self.batch.forecasts)
        return describe_coming(self.coming, f"{made} {'match' if made == 1 else 'matches'}")


def forecast_next(
    settings: Settings, bundle: Bundle, as_of: datetime | None, weeks: int, now: datetime
) -> NextForecasts:
    """Forecast the matches of the next gameweeks that have not begun at a moment, by default now.

    Raises NoForecastError for a bundle that has learnt from later, or reads features that this code does not make;
    CalendarError for a moment or number of weeks that cannot be forecast; LakeError.
    """
    moment = as_of or now
    check_bundle(bundle.signature, moment)
    known = read_knowledge(settings, as_of, now)
    coming = find_coming(known.fixtures, moment, weeks)
    played = [match for match in coming.matches if _has_features(match, known)]
    of_season = [one for one in known.fixtures if one.season == coming.season]
    vectors = make_vectors(bundle.signature.features, played, of_season, known.rows)
    forecasts = [
        OutcomeForecast(match, round_probabilities((row[0], row[1], row[2])))
        for match, row in zip(played, run_graph(bundle, vectors), strict=True)
    ]
    version = bundle.signature.version or "0"
    batch = ForecastBatch(bundle.signature.model, version, bundle.digest, moment, tuple(forecasts))
    notes = (*coming.notes, *_notes(coming, known), *_note_expired(played, known.rows, view_ttls(bundle.signature)))
    return NextForecasts(coming, batch, read_data_age(settings.collected, moment, known.played), notes)


def describe_coming(coming: ComingMatches, what: str) -> str:
    """The coming gameweeks and what is forecast of them, for people; what to do where none is known."""
    if not coming.matches:
        return (
            f"no coming gameweek is known at {coming.as_of:%Y-%m-%d %H:%M} UTC: "
            "'matchday data update' fetches the schedule of a new season"
        )
    numbers = ", ".join(map(str, coming.gameweeks)) or "without a number"
    several = "s" * (len(coming.gameweeks) > 1)
    return f"gameweek{several} {numbers} of 20{coming.season[:2]}/{coming.season[2:]}: {what}"


def check_bundle(signature: Signature, moment: datetime, kind: ModelKind = MATCH_OUTCOME) -> None:
    """Raises NoForecastError unless a bundle of this kind may forecast at a moment from the features of this code."""
    if datetime.fromisoformat(signature.trained_until) > moment:
        raise NoForecastError(
            f"{signature.model} version {signature.version} has learnt from after {moment:%Y-%m-%d %H:%M} UTC "
            f"(until {signature.trained_until[:10]}): choose a later moment, or train as of that day"
        )
    service = SERVICES.get(signature.feature_service)
    if signature.model != kind.name or not service or not set(signature.features) <= set(service.features):
        raise NoForecastError(
            f"{signature.model} version {signature.version} reads other features than this release makes: train it anew"
        )


def run_graph(bundle: Bundle, vectors: NDArray[np.float32]) -> Sequence[Sequence[float]]:
    """The numbers of each row of vectors (n, k)."""
    if not len(vectors):
        return []
    output = bundle.signature.output
    rows: list[list[float]] = run_outputs(bundle, [output], vectors)[output].astype(float).tolist()
    return rows


def run_outputs(bundle: Bundle, names: Sequence[str], vectors: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Outputs of a bundle's graph for vectors (n, k), by name."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(bundle.onnx, options, providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(names, {RAW_INPUT: vectors}), strict=True))


def _has_features(match: ScheduledMatch, known: Knowledge) -> bool:
    return all(team in rows for rows in known.rows.values() for team in match.teams)


def _notes(coming: ComingMatches, known: Knowledge) -> list[str]:
    """Matches of the season that are not forecast, and why."""
    without = [match for match in coming.matches if not _has_features(match, known)]
    states = [(match, state) for match, state in known.unscheduled if match[:4] == coming.season]
    return [
        *(f"{one.home} - {one.away} is not forecast: no features of its teams were known" for one in without),
        *(_describe(match, state) for match, state in states),
    ]


def _note_expired(matches: Iterable[ScheduledMatch], rows: TeamRows, ttls: Mapping[str, float]) -> Iterator[str]:
    """Matches that are forecast from rows that will be out of date by then."""
    for match in matches:
        if teams := expired_teams(match, rows, ttls):
            yield (
                f"{match.home} - {match.away} is forecast from features that are out of date at its kick-off: "
                f"those of {' and '.join(teams)}"
            )


def _describe(match_id: str, state: str) -> str:
    _, home, away = match_id.split("-")
    return f"{home} - {away} is not forecast: it is {state} and has no kick-off"
