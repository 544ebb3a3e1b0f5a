"""Lines of KFP's local runner become typed events."""

from console.operations.events import (
    LocalRunFinished,
    StepFinished,
    StepMessage,
    StepProgress,
    StepReused,
    StepStarted,
)
from console.operations.transcript import Transcript

LINES = """
02:10:11.123 - INFO - Executing task 'ingest'
» history abc taken into the lake
Task ingest finished with status SUCCESS
Task validate cache hit
Executing task '\x1b[96mwalk-forward\x1b[0m'
a line of some library 3/4
… matches 120/1140
… matches 1140/1140
✗ the lake is gone
"""


def test_lines_become_events_and_are_kept() -> None:
    events: list[object] = []
    transcript = Transcript(events.append)
    for line in LINES.splitlines():
        transcript.read(line)
    started, said, *rest = events
    assert started == StepStarted("ingest")
    assert isinstance(said, StepMessage)
    assert (said.step, said.text) == ("ingest", "history abc taken into the lake")
    assert said.seconds is not None and said.seconds >= 0
    assert rest == [
        StepFinished("ingest"),
        StepReused("validate"),
        StepStarted("walk-forward"),
        StepProgress("walk-forward", "matches", 120, 1140),
        StepProgress("walk-forward", "matches", 1140, 1140),
    ]
    assert transcript.summary == LocalRunFinished(steps=2, reused=1)
    assert transcript.failure == "the lake is gone"
    assert transcript.lines[-1] == "✗ the lake is gone"
