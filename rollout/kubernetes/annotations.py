"""Annotations of a ModelRollout: commands of people, and what is wrong with those that say nothing."""

import re
from collections.abc import Mapping
from typing import Any

from rollout.kubernetes.client import Object
from rollout.state import Commands, Phase, State

PREFIX = "rollout.matchday.io/"
COMMANDS = tuple(f"{PREFIX}{name}" for name in ("paused", "aborted", "approved", "retry", "undo"))
PAUSED, ABORTED, APPROVED, RETRY, UNDO = COMMANDS
"""Annotations for commands; the specification is never changed for that."""

SWITCHES = {"true": True, "false": False, "": False}
GATE = re.compile(r"[1-9][0-9]*/(shadow|promotion|bake|[1-9][0-9]?)")
NUMBER = re.compile(r"[1-9][0-9]{0,8}")


def commands_of(thing: Object) -> Commands:
    """Its commands; what is not understood commands nothing. Deleting it aborts it first, but in its bake."""
    notes = thing["metadata"].get("annotations") or {}
    under_way = (thing.get("status") or {}).get("phase") != Phase.BAKING
    return Commands(
        paused=SWITCHES.get(notes.get(PAUSED, ""), False),
        aborted=SWITCHES.get(notes.get(ABORTED, ""), False) or (is_deleted(thing) and under_way),
        approved=notes.get(APPROVED, ""),
        retry=_number(notes.get(RETRY, "")) or 1,
        undo=_number(notes.get(UNDO, "")),
    )


def annotations_of(change: Mapping[str, Any]) -> dict[str, str | None]:
    """The annotations for these fields of Commands, and no others; None removes one."""
    return {f"{PREFIX}{name}": _text(name, value) for name, value in change.items()}


def is_deleted(thing: Object) -> bool:
    """Whether it is to be deleted once its finalizers are gone."""
    return "deletionTimestamp" in thing["metadata"]


def find_misunderstood(thing: Object, state: State) -> list[str]:
    """What its annotations say that commands nothing, each with what to write instead."""
    notes = thing["metadata"].get("annotations") or {}
    ours = {name: text for name, text in sorted(notes.items()) if name.startswith(PREFIX)}
    return [wrong for name, text in ours.items() if (wrong := _wrong(name, text, state))]


def _wrong(name: str, text: str, state: State) -> str:
    """What is wrong with one annotation, and what to write instead; empty when it is understood."""
    said = f'{name}: "{text[:60]}"'
    if name in (PAUSED, ABORTED):
        return "" if text in SWITCHES else f'{said} is neither "true" nor "false": write "true", or remove it'
    if name == APPROVED:
        gate = state.gate or f"{state.attempt}/promotion"
        known = not text or GATE.fullmatch(text) is not None
        return "" if known else f"{said} names no gate: write ATTEMPT/GATE, such as {gate}"
    if name == RETRY:
        return _wrong_retry(said, text, state)
    if name == UNDO:
        known = not text or 0 < _number(text) <= state.attempt
        return "" if known else f'{said} is no attempt that was made: write "{state.attempt}"'
    return f"{name} is not known: there are {', '.join(COMMANDS)}"


def _wrong_retry(said: str, text: str, state: State) -> str:
    following = f'write "{state.attempt + 1}"'
    if text and not NUMBER.fullmatch(text):
        return f"{said} is no attempt: {following}"
    if state.ended and 1 < _number(text) <= state.attempt and _number(text) != state.retried:
        return f"{said} asks for nothing, as attempt {state.attempt} has ended: {following} to try again"
    return ""


def _text(name: str, value: Any) -> str | None:
    if name in ("paused", "aborted"):
        return "true" if value else None
    return str(value) if value else None


def _number(text: str) -> int:
    return int(text) if NUMBER.fullmatch(text) else 0
