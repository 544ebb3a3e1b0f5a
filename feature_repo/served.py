"""Compares what was served with the offline store: a sample of the prediction log, recomputed value by value.

A prediction names the rows that it was made of, each with its event time. The same rows are read from the offline store
and made into a vector by the code that trains. Every value must be the one that was served.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feature_repo.offline_rows import Place, exact_rows
from feature_repo.store import working_store
from matchday.events import PREDICTIONS, CloudEvent, EventsAddress
from matchday.events.connect import open_consumer
from matchday.features import services
from matchday.features.services import FeatureService
from matchday.features.vectors import assemble, stored_name
from matchday.lake import Lake
from matchday.models.catalogue import KINDS
from matchday.settings import Settings
from matchday.signature import FeatureRef

SAMPLE = 1000
MOST_READ = 50_000
"""Predictions that the sample is taken of: the newest."""
SHOWN = 20
"""Differences that are kept."""
LOGGED = timedelta(milliseconds=1)
"""A logged moment is cut to this: the moment itself lies in the millisecond that begins there."""

FIRST_YEAR, LAST_YEAR = 1888, 2100
"""Of moments that a server answers for."""

DEGRADED, GIVEN, UNSTATED, UNKNOWN, MALFORMED = "degraded", "given", "unstated", "unknown_service", "malformed"
REASONS: Mapping[str, str] = {
    DEGRADED: "declared degraded: made of the last known rows while the store could not be read",
    GIVEN: "their features were given with the request",
    UNSTATED: "logged by an earlier release, without the event times of their rows",
    UNKNOWN: "of a feature service, or with columns, that this code does not have",
    MALFORMED: "not as the schema of predictions says",
}
"""Why a prediction cannot be compared -> the same for people."""


class NotComparable(Exception):
    """A prediction that says too little. reason: one of `REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason


@dataclass(frozen=True)
class ServedVector:
    """What a prediction says of its features. places: source, `home.team_form` -> entity and event time of its row.

    A source without a row has no place. refs: of its columns, in order. served: their values by column, NaN missing.
    """

    request_id: str
    time: str
    model: str
    version: str
    kickoff: datetime
    refs: tuple[FeatureRef, ...]
    served: Mapping[str, float]
    places: Mapping[str, Place]


@dataclass(frozen=True)
class ServedDifference:
    """A value that was served, and the one that the offline store has in its place; None is missing."""

    request_id: str
    time: str
    model: str
    version: str
    feature: str
    served: float | None
    batch: float | None


@dataclass(frozen=True)
class VerifiedPredictions:
    """What a sample shows. not_comparable: how many, by reason. differences: the first, one or more a prediction."""

    sampled: int
    equal: int
    differing: int
    not_comparable: Mapping[str, int] = field(default_factory=dict)
    differences: tuple[ServedDifference, ...] = ()

    @property
    def share(self) -> float:
        """Share of the compared predictions that differ; NaN when none could be compared."""
        compared = self.equal + self.differing
        return self.differing / compared if compared else nan


def verify_served(
    settings: Settings,
    lake: Lake,
    log: EventsAddress,
    sample: int = SAMPLE,
    since: datetime | None = None,
    seed: int | None = None,
) -> VerifiedPredictions:
    """Compare a random sample of the newest predictions of a log with the offline store.

    since: leaves out what was answered before. Raises EventsError when the log cannot be read, LakeError when the lake
    has no feature tables.
    """
    events, _ = open_consumer(log, PREDICTIONS).since(None, MOST_READ)
    once = list({str(event.id): event for event in events if since is None or _after(event, since)}.values())
    chosen = random.Random(seed).sample(once, min(sample, len(once)))
    return compare(settings, lake, sorted(chosen, key=lambda event: str(event.time)))


def compare(settings: Settings, lake: Lake, events: Sequence[CloudEvent]) -> VerifiedPredictions:
    """Compare these predictions with the offline store. Raises LakeError when the lake has no feature tables."""
    vectors: list[ServedVector] = []
    reasons: Counter[str] = Counter()
    for event in events:
        try:
            vectors.append(read_vector(event.data))
        except NotComparable as why:
            reasons[why.reason] += 1
    differences = _differences(vectors, _read_rows(settings, lake, vectors)) if vectors else []
    differing = {number for number, _ in differences}
    return VerifiedPredictions(
        sampled=len(events),
        equal=len(vectors) - len(differing),
        differing=len(differing),
        not_comparable=dict(reasons),
        differences=tuple(each for _, each in sorted(differences, key=lambda pair: pair[0])[:SHOWN]),
    )


def read_vector(data: Any) -> ServedVector:
    """The features of a prediction, the data of its event. Raises NotComparable."""
    try:
        if data["degraded"]:
            raise NotComparable(DEGRADED)
        if not data["entities"]:
            raise NotComparable(GIVEN)
        if "feature_times" not in data:
            raise NotComparable(UNSTATED)
        service = services.SERVICES.get(data["feature_service"])
        known = {ref.name: ref for ref in service.features} if service else {}
        stored = {name: value for name, value in data["features"].items() if name not in _numbers(data["model"])}
        if service is None or not known.keys() >= stored.keys():
            raise NotComparable(UNKNOWN)
        refs = tuple(known[name] for name in stored)
        return ServedVector(
            request_id=str(data["request_id"]),
            time=str(data["time"]),
            model=str(data["model"]),
            version=str(data["version"]),
            kickoff=_parse_moment(data["kickoff"]),
            refs=refs,
            served={name: nan if value is None else float(value) for name, value in stored.items()},
            places=_read_places(service, refs, data),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise NotComparable(MALFORMED) from None


def _numbers(model: Any) -> set[str]:
    """Columns that requests give themselves: no store has them."""
    return {each.name for each in KINDS[model].numbers} if model in KINDS else set()


def _read_places(service: FeatureService, refs: Sequence[FeatureRef], data: Any) -> dict[str, Place]:
    """The place of each source that had a row. Raises ValueError for a key of another type than the entity's."""
    keys = {each.name: str if each.datatype == "BYTES" else int for each in service.inputs}
    if not refs or any(type(data["entities"][ref.input]) is not keys[ref.input] for ref in refs):
        raise ValueError(data["entities"])
    times = {_source(ref): (data["entities"][ref.input], data["feature_times"][_source(ref)]) for ref in refs}
    return {source: (key, _parse_moment(time)) for source, (key, time) in times.items() if time is not None}


def _parse_moment(text: str) -> datetime:
    """Raises ValueError for a moment that the server would have refused."""
    moment = datetime.fromisoformat(text).astimezone(UTC)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(text)
    return moment


def _after(event: CloudEvent, since: datetime) -> bool:
    try:
        return datetime.fromisoformat(event.time) >= since
    except (TypeError, ValueError):
        return True


def _source(ref: FeatureRef) -> str:
    return f"{ref.input}.{ref.view}"


Rows = Mapping[tuple[str, Place], Mapping[str, Any]]
"""Feature view and place -> the values of a row of the offline store."""


def _read_rows(settings: Settings, lake: Lake, vectors: Iterable[ServedVector]) -> Rows:
    """Every row of the offline store that a vector was made of, one query for each view."""
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    places: defaultdict[str, set[Place]] = defaultdict(set)
    for vector in vectors:
        for ref in vector.refs:
            if (place := vector.places.get(_source(ref))) is not None:
                wanted[ref.view].add(ref.feature)
                places[ref.view].add(place)
    with working_store(settings, lake) as store:
        return {
            (view, place): row
            for view, features in wanted.items()
            for place, row in exact_rows(store, view, features, places[view]).items()
        }


def _differences(vectors: Sequence[ServedVector], rows: Rows) -> list[tuple[int, ServedDifference]]:
    """Each value that differs, with the number of its vector."""
    groups: defaultdict[tuple[FeatureRef, ...], list[int]] = defaultdict(list)
    for number, vector in enumerate(vectors):
        groups[vector.refs].append(number)
    return [
        found
        for refs, numbers in groups.items()
        for found in _group_differences(refs, numbers, [vectors[number] for number in numbers], rows)
    ]


def _group_differences(
    refs: tuple[FeatureRef, ...], numbers: Sequence[int], vectors: Sequence[ServedVector], rows: Rows
) -> Iterable[tuple[int, ServedDifference]]:
    """Differences of vectors with the same columns.

    The kick-off is logged to the millisecond, so a derived feature lies between its values at both ends of it.
    """
    stored = pd.DataFrame({stored_name(ref): [_stored(vector, ref, rows) for vector in vectors] for ref in refs})
    kickoff = pd.Series(pd.to_datetime([vector.kickoff for vector in vectors], utc=True))
    batch = _singles(assemble(refs, stored, kickoff))
    later = _singles(assemble(refs, stored, kickoff + LOGGED))
    served = _singles(pd.DataFrame([vector.served for vector in vectors], columns=[ref.name for ref in refs]))
    least, most = np.fmin(batch, later), np.fmax(batch, later)
    equal = ((least <= served) & (served <= most)) | (np.isnan(served) & np.isnan(batch))
    for row, column in np.argwhere(~equal).tolist():
        vector = vectors[row]
        values = _plain(served[row, column]), _plain(batch[row, column])
        who = vector.request_id, vector.time, vector.model, vector.version
        yield numbers[row], ServedDifference(*who, refs[column].name, *values)


def _stored(vector: ServedVector, ref: FeatureRef, rows: Rows) -> float:
    source = _source(ref)
    if source not in vector.places:
        return nan
    value = rows[ref.view, vector.places[source]][ref.feature]
    return nan if value is None else float(value)


def _singles(frame: pd.DataFrame) -> NDArray[np.float32]:
    """FP32 as the server makes it: what is beyond its range is missing."""
    with np.errstate(over="ignore"):
        values = frame.to_numpy(float).astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    return values


def _plain(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(str(value))
