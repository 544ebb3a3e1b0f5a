"""`matchday features ...`: what models read, its versions, how it stands online, and whether it was served truly."""

import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import screen

if TYPE_CHECKING:
    from console.operations.feature_stats import FeatureStats
    from console.operations.features import Described
    from feature_repo.served import VerifiedPredictions
    from matchday.features.difference import Difference

app = typer.Typer(no_args_is_help=True, help="Features: versions, stores, and whether what was served is the batch's.")

LARGE = 1e6
"""Numbers from here on are whole: Unix seconds."""

DIFFERS = 1
"""Exit code of `verify` when a value was served that the offline store does not have."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Moment, as 2026-03-01 or 2026-03-01T12:00. Default: now.")]
Service = Annotated[str, typer.Argument(metavar="SERVICE", help="Feature service, as match_outcome_v1.")]


@app.command("list")
def show_list(as_json: Json = False) -> None:
    """List feature services and views with their versions, entities, numbers of features and ages."""
    from datetime import UTC, datetime

    from console.operations import features
    from console.operations.feature_views import days
    from matchday.forecasts.data_age import describe_age

    found = features.list_features()
    if as_json:
        screen.say(json.dumps(features.describe_list(found), indent=1))
        return
    services = [
        (
            one.name,
            ", ".join(f"{name} ({key})" for name, key in one.entities.items()),
            ", ".join(one.views),
            ", ".join(one.models) or "-",
            f"{one.version}",
            f"{one.features}",
        )
        for one in found[0]
    ]
    screen.table(("service", "entities", "views", "trained with it", "version", "features"), services, text_columns=4)
    screen.say("")
    now = datetime.now(UTC)
    views = [
        (
            one.name,
            one.entity,
            days(one.ttl_seconds),
            describe_age(age) if (age := one.age(now)) is not None else "-",
            f"{one.version}",
            f"{one.features}",
            f"{one.rows:,}",
        )
        for one in found[1]
    ]
    headings = ("view", "entity", "expires after", "age of its newest row", "version", "features", "rows")
    screen.table(headings, views, text_columns=4)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Feature service or view.")], as_json: Json = False
) -> None:
    """Show a service or view: its definition, and table, data, commit and moment that it was applied of."""
    from dataclasses import asdict

    from console.operations import features

    found = features.describe(name)
    if as_json:
        screen.say(json.dumps(asdict(found), indent=1))
    else:
        _print_described(found)


@app.command("diff")
def show_difference(before: Service, after: Service, as_json: Json = False) -> None:
    """Show what differs between two versions of a service: features, their types, views and values."""
    from console.operations import features

    found = features.diff(before, after)
    if as_json:
        screen.say(json.dumps(features.describe_difference(before, after, found), indent=1))
    else:
        _print_difference(before, after, found)


@app.command()
def publish(service: Service) -> None:
    """Pin the definition of a new version in the repository; from then on it does not change."""
    from console.operations import features

    if features.publish(service):
        screen.say(f"{service} is published: commit matchday/features/published.json with it")
    else:
        screen.say(f"{service} is published already, as it is")


@app.command("stats")
def show_stats(
    server: Annotated[
        str | None, typer.Option(help="A model server, as http://127.0.0.1:8080, whose hit rates are shown too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what the online store holds: rows, ages, expired rows, gaps, memory; and hit rates of a server."""
    from console.operations import feature_stats

    stats = feature_stats.collect(server)
    if as_json:
        screen.say(json.dumps(feature_stats.describe_stats(stats), indent=1))
    else:
        _print_stats(stats)


@app.command("get")
def get_team(
    team: Annotated[str, typer.Argument(metavar="TEAM", help="Team, as ARS or Arsenal.")],
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Show the online rows of a team beside the newest of the offline store as of a moment."""
    from console.operations import online_rows
    from matchday.forecasts.data_age import describe_age

    found = online_rows.get_team(team, as_of)
    if as_json:
        screen.say(json.dumps(online_rows.describe_team(found), indent=1))
        return
    screen.say(f"{found.team}, {found.name}; offline as of {found.as_of:%Y-%m-%d %H:%M} UTC")
    for row in found.rows:
        known = "no online row" if row.event_time is None else f"online row of {row.event_time:%Y-%m-%d %H:%M} UTC"
        age = "" if row.event_time is None else f", {describe_age(found.as_of - row.event_time)} old"
        screen.heading(f"{row.view}: {known}{age}{', expired' if row.expired else ''}")
        lines = [
            (pair.feature, _number(pair.online), _number(pair.offline), "" if pair.equal else "differs")
            for pair in row.features
        ]
        screen.table(("feature", "online", "offline", ""), lines)
    if not found.equal:
        screen.say("", "the stores differ: 'matchday features refresh' fills the online one from the lake")


@app.command()
def refresh(as_of: AsOf = None, as_json: Json = False) -> None:
    """Make the features again of the lake's history, and swap the online rows; readers meet no gap."""
    from console.operations import feature_refresh
    from matchday import telemetry
    from matchday.settings import Settings

    Settings().make_home()
    telemetry.start("matchday-console")
    found = feature_refresh.refresh(as_of)
    if as_json:
        screen.say(json.dumps(feature_refresh.describe_refresh(found), indent=1))
        return
    tables = "are those of the history already" if found.unchanged else "were made again"
    screen.say(f"features {found.features} {tables}")
    screen.say(
        f"the online store holds {found.rows} rows as known at {found.as_of:%Y-%m-%d %H:%M} UTC:"
        f" {found.changed} are new or changed"
    )


@app.command()
def verify(
    sample: Annotated[int, typer.Option(min=1, help="Predictions to compare.")] = 1000,
    log: Annotated[str | None, typer.Option(help="file:PATH or kafka://HOST:PORT. Default: the server's.")] = None,
    since: Annotated[str | None, typer.Option(help="Leave out what was answered before this moment.")] = None,
    metrics: Annotated[Path | None, typer.Option(help="File to write in Prometheus' text format.")] = None,
    every: Annotated[
        float | None, typer.Option(min=1, help="Go on, with a new sample after so many seconds, until stopped.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare a sample of the prediction log with the offline store, value by value.

    Exit code 0: no value differs; 1: one does.
    """
    from console.operations import served_features
    from matchday import telemetry
    from matchday.settings import Settings

    Settings().make_home()
    telemetry.start("matchday-console")
    while True:
        found = served_features.verify(log, sample, since)
        if metrics is not None:
            served_features.write_metrics(found, metrics)
        if as_json:
            screen.say(json.dumps(served_features.describe_verified(found), indent=1))
        else:
            _print_verified(found)
        if every is None:
            break
        time.sleep(every)
    if found.differing:
        raise typer.Exit(DIFFERS)


def _print_described(found: "Described") -> None:
    from console.operations.feature_views import days

    screen.say(f"{found.name}: {found.kind}, version {found.version}. {found.about}")
    for view, told in found.views.items():
        screen.say(f"rows of {view} expire after {days(told['ttl_seconds'])}")
    for name, key in found.entities.items():
        screen.say(f"{name}: entity {key}")
    screen.say("")
    if "view" in found.columns[0]:
        rows = [
            (
                each["name"],
                f"{each['view']}.{each['feature']} of {each['input']}",
                each["dtype"],
                f"days since, at most {each['derived']['at_most']:g}" if each["derived"] else "-",
                found.values.get(each["name"], "-"),
            )
            for each in found.columns
        ]
        screen.table(("feature", "read from", "type", "derived", "values"), rows, text_columns=5)
    else:
        typed = [(each["name"], each["dtype"]) for each in found.columns]
        screen.table(("feature", "type"), typed, text_columns=2)
    screen.say("")
    lineage = found.lineage
    if not lineage.applied:
        screen.say("not applied yet: 'matchday features refresh' does")
        return
    screen.say(f"applied {lineage.applied} by commit {lineage.commit}")
    if lineage.table:
        now = "which it still has" if lineage.current == lineage.data else f"now {lineage.current}"
        screen.say(f"table {lineage.table}, content {lineage.data}, {now}")
    else:
        screen.say(f"definition {lineage.fingerprint or found.fingerprint}")


def _print_difference(before: str, after: str, found: "Difference") -> None:
    if found.empty:
        screen.say(f"{after} is the same as {before}")
    rows = [
        *(("added", name, "") for name in found.added),
        *(("removed", name, "") for name in found.removed),
        *(("changed", each.of, str(each).removeprefix(f"{each.of}: ")) for each in found.changed),
        *(("other values", name, "") for name in found.values),
    ]
    if rows:
        screen.table(("", "feature", "what"), rows, text_columns=3)
    if found.unknown_values:
        screen.say(f"values not compared, as they are not known of both: {', '.join(found.unknown_values)}")


def _print_stats(stats: "FeatureStats") -> None:
    from matchday.forecasts.data_age import describe_age

    rows = []
    for one in stats.views:
        told = [describe_age(stats.at - each) for each in (one.newest, one.oldest) if each] or ["-", "-"]
        counts = (one.rows, one.expired, one.missing, one.values, one.offline_rows)
        rows.append((one.view, *told, *(f"{count:,}" for count in counts)))
    headings = ("view", "newest row", "oldest row", "online rows", "expired", "missing", "of values", "offline rows")
    screen.table(headings, rows, text_columns=3)
    memory = stats.memory
    used = "" if memory.server_bytes is None else f" of {memory.server_bytes:,} that Redis uses"
    screen.say(f"the online store {memory.address} takes {memory.bytes:,} bytes{used}")
    if stats.hits:
        lines = [
            (
                f"{one.model} {one.version}",
                one.variant,
                f"{one.answers:,}",
                f"{one.forecasts:,}",
                *map(_percent, (one.found, one.complete, one.degraded)),
            )
            for one in stats.hits
        ]
        titles = ("version", "variant", "answers", "forecasts", "features found", "complete", "degraded")
        screen.table(titles, lines, text_columns=2)
    elif stats.hits is not None:
        screen.say(stats.silence or "the server has answered nothing yet")


def _print_verified(found: "VerifiedPredictions") -> None:
    from feature_repo.served import REASONS

    if not found.sampled:
        screen.say("the log holds no prediction to compare")
        return
    compared = found.equal + found.differing
    share = "nothing could be compared" if math.isnan(found.share) else f"{found.share:.2%} differ"
    screen.say(f"{found.sampled:,} predictions sampled, {compared:,} compared: {found.equal:,} are equal, {share}")
    for reason, count in found.not_comparable.items():
        screen.say(f"{count:,} not compared: {REASONS[reason]}")
    if found.differences:
        rows = [
            (
                each.request_id,
                each.time,
                f"{each.model} {each.version}",
                each.feature,
                *map(_number, (each.served, each.batch)),
            )
            for each in found.differences
        ]
        screen.table(("request", "answered", "version", "feature", "served", "offline store"), rows, text_columns=4)


def _number(value: float | None) -> str:
    if value is None:
        return "missing"
    return f"{value:.6g}" if abs(value) < LARGE else f"{value:.0f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
