"""`matchday stream ...`: results and player statistics become features as they arrive."""

import json
import re
import signal
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import screen
from console.cli.quarantine import Json

if TYPE_CHECKING:
    from console.operations.streaming import Sent

app = typer.Typer(no_args_is_help=True, help="Features from a stream of results and player statistics.")

DIFFERENT = 1
"""Exit code of `verify` when a value differs."""

SHOWN = 10
"""Values that differ which are printed."""


@app.command()
def process(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of /live, /ready and /metrics; 0: a free one.")] = 0,
) -> None:
    """Read Kafka's topics and write features, until SIGTERM or Ctrl-C; then commit and leave the group."""
    from console.operations import streaming

    stop = _stop_event()
    streaming.process(port, stop.is_set, lambda opened: screen.say(f"probes and metrics: port {opened}"))


@app.command()
def topics(
    partitions: Annotated[int, typer.Option(min=1, max=1000, help="Partitions of each topic.")] = 6,
    replication: Annotated[int, typer.Option(min=1, max=10, help="Copies of each partition.")] = 1,
) -> None:
    """Create the topics that are not there, with their settings."""
    from console.operations import streaming

    created = streaming.create_topics(partitions, replication)
    screen.say(f"created {', '.join(created)}" if created else "all topics are there")


@app.command()
def replay(
    season: Annotated[str, typer.Option(help="Season, as 2526 or 2025/26.")],
    gameweek: Annotated[int | None, typer.Option(min=1, max=38, help="This gameweek alone.")] = None,
    speed: Annotated[float, typer.Option(min=0, help="How much faster than it was; 0: without pauses.")] = 0,
) -> None:
    """Play a past season again, in event time: to Kafka, or without it to the processor itself."""
    from console.operations import streaming

    sent = streaming.replay(season_name(season), gameweek, speed, lambda sent: None)
    _print_sent(sent)


@app.command()
def live(
    every: Annotated[float, typer.Option(min=5, help="Seconds between two polls.")] = 60,
    once: Annotated[bool, typer.Option("--once", help="Poll once.")] = False,
) -> None:
    """Poll the fantasy game and send what has changed, until SIGTERM or Ctrl-C."""
    from console.operations import streaming

    stop = _stop_event()
    streaming.live(every, once, stop.wait, _print_sent)


@app.command()
def redrive(as_json: Json = False) -> None:
    """Send dead letters back to their topics, after what they died of was mended."""
    from console.operations import streaming

    done = streaming.redrive()
    if as_json:
        screen.say(json.dumps({"sent": dict(done.sent), "left": dict(done.left)}, indent=1))
        return
    screen.say(f"{done.sent.total():,} sent back")
    for reason, count in done.left.items():
        screen.say(f"{count:,} left: {reason}")


@app.command()
def verify(
    season: Annotated[str | None, typer.Option(help="Season, as 2526 or 2025/26. Default: the newest.")] = None,
    as_json: Json = False,
) -> None:
    """Compare streamed features, online and appended, with those of the batch path, value by value.

    Exit code 0: all are equal; 1: a value differs.
    """
    from console.operations import streaming

    done = streaming.verify(season_name(season) if season else None)
    if as_json:
        screen.say(json.dumps(asdict(done), indent=1))
    else:
        screen.say(f"{done.online:,} online and {done.appended:,} appended values of {done.season} compared")
        for text in done.differing[:SHOWN]:
            screen.say(f"differs: {text}")
        screen.say(f"{len(done.differing):,} differ" if done.differing else "all are those of the batch path")
    if done.differing:
        raise typer.Exit(DIFFERENT)


def season_name(text: str) -> str:
    """`2526` of `2526` or `2025/26`. Raises BadParameter for any other text."""
    digits = text.replace("/", "")
    digits = digits[2:] if len(digits) == 6 and digits.startswith("20") else digits
    if not re.fullmatch("[0-9]{4}", digits):
        raise typer.BadParameter(f"{text!r} is no season: write it as 2526 or 2025/26")
    return digits


def _print_sent(sent: "Sent") -> None:
    screen.say(f"{', '.join(f'{count:,} to {topic}' for topic, count in sent.events.items())}; at {sent.moment}")


def _stop_event() -> threading.Event:
    """Set by SIGTERM and Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
