"""Decides whether a record can be processed: the fact that it says, or why it is poison."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from feature_repo.stream.facts import Fact, make_fact
from matchday.events import STREAMED, CloudEvent
from matchday.events.received import Received
from matchday.events.validation import complaint, is_valid

MOST_BYTES = 512 * 1024
"""Largest value of a record that is read at all; an event has about half a KiB."""

CLOCKS_APART = 300.0
"""Seconds that an event may lie ahead of this machine's clock."""

TOPICS = {topic.name: topic for topic in STREAMED}

Teams = Callable[[str], Sequence[str]]
"""Season -> its teams; none of a season that is not known."""


class Poison(NamedTuple):
    """Why a record cannot be processed. reason: kind of fault, for counting. error: for a person."""

    reason: str
    error: str


class Screened(NamedTuple):
    """What a record says, and the trace that it belongs to. time: of the event, Unix seconds."""

    fact: Fact
    time: float
    traceparent: str | None


def screen(record: Received, teams: Teams, now: float) -> Screened | Poison:
    """The fact of a record. now: Unix seconds."""
    topic = TOPICS.get(record.topic)
    if topic is None:
        return Poison("unknown-topic", f"{record.topic} is none of {', '.join(TOPICS)}")
    if record.value is None or len(record.value) > MOST_BYTES:
        size = 0 if record.value is None else len(record.value)
        return Poison("size", f"the value has {size:,} bytes; an event has 1 to {MOST_BYTES:,}")
    if not record.key:
        return Poison("no-key", "the record has no key; its key is the match, which keeps events of a match in order")
    try:
        event = CloudEvent.from_record(record.key, record.headers, record.value)
        time = _seconds(event.time)
    except (ValueError, OverflowError) as why:
        return Poison("no-event", f"the record is no CloudEvent: {why}")
    if event.type != topic.type:
        return Poison("wrong-type", f"the event is a {event.type!r}; this topic has {topic.type!r}")
    if not is_valid(topic, event.data):
        return Poison("schema", complaint(topic, event.data))
    if fault := _fault_of_result(event.data):
        return Poison("schema", fault)
    return _about_league(event, time, teams, now)


def _about_league(event: CloudEvent, time: float, teams: Teams, now: float) -> Screened | Poison:
    """The fact of an event whose data are valid by themselves."""
    data = event.data
    season, home, away = data["match"].split("-")
    if event.key != data["match"]:
        return Poison("wrong-key", f"the key is {event.key!r}, the match {data['match']!r}")
    if not (known := teams(season)):
        return Poison("unknown-season", f"nothing is known of season {season}; take it in with 'matchday data update'")
    if strange := [team for team in dict.fromkeys((home, away)) if team not in known]:
        return Poison("unknown-team", f"{', '.join(strange)} plays no match in season {season}")
    if home == away or data.get("team", home) not in (home, away):
        return Poison("unknown-team", f"the team {data.get('team', home)} is none of the two of {data['match']}")
    played = data.get("home_goals") is not None
    latest = max(time, _seconds(data["kickoff"])) if played else time  # a withdrawn match is often put off
    if latest > now + CLOCKS_APART:
        what = "the event" if time == latest else "the kick-off"
        return Poison("future", f"{what} lies {latest - now:,.0f} s ahead of this machine's clock")
    try:
        return Screened(make_fact(data, time), time, event.traceparent)
    except ValueError as why:
        return Poison("schema", str(why))


def _fault_of_result(data: Mapping[str, Any]) -> str:
    """What the schema cannot say of a result; empty for none, and for player statistics."""
    if "kickoff" not in data:
        return ""
    if (data["home_goals"] is None) != (data["away_goals"] is None):
        return "home_goals and away_goals are null together"
    try:
        kickoff = datetime.fromisoformat(data["kickoff"])
    except ValueError as why:
        return f"kickoff: {why}"
    months = (kickoff.year - 2000 - int(data["match"][:2])) * 12 + kickoff.month - 7
    return "" if 0 <= months <= 12 else f"kickoff: {data['kickoff']} does not lie in season {data['match'][:4]}"


def _seconds(text: str) -> float:
    """Unix seconds of ISO 8601. Raises ValueError for text without a time zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()
