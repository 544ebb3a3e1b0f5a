"""Stage about streamed features: gameweeks through Kafka, a killed processor, and the batch path's own values after.

The release's lake knows the whole season. So that something is left to stream, the online store is taken back to the
eve of a gameweek, and what the lake says of later matches is kept from the processor. These are replayed; afterwards
the online store has to hold what the batch path makes of the whole lake.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np

from tests.cluster import command, forecasts, policies
from tests.cluster.command import Command
from tests.cluster.context import StageContext
from tests.cluster.release import NAME
from tests.cluster.shell import Failure

SEASON = "2526"
SPREAD, LAST = 37, 38
"""The last two gameweeks of that season: one of five days, and one of a single kick-off."""

SPEED = 6000
"""Times as fast as it was: the five days take a minute."""

EVE = "2026-05-15"
"""The day on which the first of the two began, in the evening."""

AFTER = "2026-05-26"
"""When all of the two is known: ratings become known at the end of a day. The season that follows opens in June."""

PROCESSOR = ("deployment", f"{NAME}-stream")
JOB = ("job", f"{NAME}-apply-features")
PODS = "app.kubernetes.io/component=stream,pod-template-hash"
"""Selects the processor's pods, and not those of commands beside it."""

ON = (
    "kafka.enabled=true",
    "stream.enabled=true",
    f"stream.environment.MATCHDAY_STREAM_AS_OF={EVE}",
    # Of the servers nothing changes, so that they go on as they are.
    "modelDefaults.predictions=false",
)
OFF = ("kafka.enabled=false", "stream.enabled=false", "stream.environment=null", "modelDefaults.predictions=true")

CHANGED = 1e-3
TOLERANCE = 1e-6
START_SECONDS = 240
REPLAY_SECONDS = 300
CHANGE_SECONDS = 120
"""For the server to see new features: it keeps those of a moment ago."""


def follow(context: StageContext) -> list[str]:
    """Two gameweeks stream in; the forecast follows them, over a killed processor, to that of the whole history."""
    kube = context.kube
    filled = _return_to_eve(context)
    kube.until("the forecast of the eve", lambda: _gap(context, context.wanted) > CHANGED, CHANGE_SECONDS)
    eve = _ask(context)
    with _streaming(context):
        reached = policies.reach_broker(context)
        replay = _replay(context, SPREAD)
        moved = _wait_for_move(context, eve, replay)
        killed = _kill_processor(context)
        wanted = _forecast_here(context)
        replay.complete(REPLAY_SECONDS)
        _replay(context, LAST).complete(REPLAY_SECONDS)
        kube.until("the forecast of the whole history", lambda: _gap(context, wanted) <= TOLERANCE, CHANGE_SECONDS)
        after, verified = _ask(context), _verify(context)
    match = f"{forecasts.MATCHES[0][0]} - {forecasts.MATCHES[0][1]}"
    return [
        filled,
        reached,
        moved,
        killed,
        f"{match}: {eve[0].round(4).tolist()} before, {after[0].round(4).tolist()} after",
        f"the forecast is that of this machine, of the whole history (difference {np.abs(after - wanted).max():.0e})",
        f"streamed features beside those of the batch path: {verified}",
    ]


def _return_to_eve(context: StageContext) -> str:
    """Fill the online store as of the eve. Returns what the pipeline says of it."""
    begun = command.begin(context.kube, JOB, "eve", "pipeline", "run", "materialise", "--as-of", EVE)
    lines = begun.complete(REPLAY_SECONDS)
    return next((" ".join(line.split()) for line in lines if "the online store holds" in line), "as of the eve")


@contextmanager
def _streaming(context: StageContext) -> Iterator[None]:
    """The release with Kafka and a processor that is ready, for the time of the block."""
    context.release.set(*ON)
    try:
        context.kube.until("the processor ready", lambda: context.kube.ready(PODS), START_SECONDS)
        yield
    except Failure as error:
        raise Failure(f"{error}; the processor says: {_last_words(context)}") from None
    finally:
        context.release.set(*OFF)


def _last_words(context: StageContext) -> str:
    """The last lines of the processor's log, which is gone with it."""
    try:
        lines = context.kube("logs", "--selector", PODS, "--container", "processor", "--tail", "4").splitlines()
    except Failure as error:
        return str(error)
    return " | ".join(lines) or "nothing"


def _replay(context: StageContext, gameweek: int) -> Command:
    """Begin to replay a gameweek."""
    what = ("--season", SEASON, "--gameweek", str(gameweek), "--speed", str(SPEED))
    return command.begin(context.kube, PROCESSOR, f"replay-{gameweek}", "stream", "replay", *what)


def _wait_for_move(context: StageContext, eve: np.ndarray[Any, Any], replay: Command) -> str:
    """Until the forecast has changed, which is before the gameweek ends. Raises Failure where it is not."""
    begun = time.monotonic()
    context.kube.until(
        "a forecast that follows the stream", lambda: replay.ended() or _gap(context, eve) > TOLERANCE, CHANGE_SECONDS
    )
    seconds = time.monotonic() - begun
    if ended := replay.ended():
        raise Failure(f"the replay of gameweek {SPREAD} had ended ({ended}) before a processor could be killed in it")
    return f"the forecast moved {seconds:.0f} s after gameweek {SPREAD} began to stream"


def _kill_processor(context: StageContext) -> str:
    """End the processor's pod without a word, and wait for another that can progress."""
    kube = context.kube
    [pod, *_] = kube.ready(PODS)
    begun = time.monotonic()
    kube("delete", "pod", pod, "--grace-period=0", "--force", seconds=60)
    kube.until("another processor", lambda: [name for name in kube.ready(PODS) if name != pod], START_SECONDS)
    return f"the processor was killed meanwhile, and another was ready after {time.monotonic() - begun:.0f} s"


def _verify(context: StageContext) -> str:
    """Compare streamed rows with the batch path's. Returns the last lines. Raises Failure where a value differs."""
    verify = command.begin(context.kube, PROCESSOR, "verify", "stream", "verify", "--season", SEASON)
    return "; ".join(" ".join(line.split()) for line in verify.complete(REPLAY_SECONDS)[-2:])


def _forecast_here(context: StageContext) -> np.ndarray[Any, Any]:
    """The forecast of this machine by the batch path, of the two gameweeks too."""
    context.local.refresh(AFTER)
    return context.local.forecast()


def _gap(context: StageContext, other: np.ndarray[Any, Any]) -> float:
    return float(np.abs(_ask(context) - other).max())


def _ask(context: StageContext) -> np.ndarray[Any, Any]:
    """Probabilities (n, 3) through the gateway."""
    with httpx.Client(base_url=context.gateway, timeout=20) as client:
        return forecasts.of_v2(context.ask(client))
