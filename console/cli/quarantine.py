"""`matchday data quarantine ...`: rows of live sources that were refused."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from console.cli import screen

app = typer.Typer(no_args_is_help=True, help="Rows of live sources that were refused, and what becomes of them.")

Named = Annotated[str, typer.Argument(metavar="ID", help="Id of a row, or what rows are about, as 2627-ARS-LIV.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def show_list(
    everything: Annotated[bool, typer.Option("--all", help="Also rows that were released or dropped.")] = False,
    as_json: Json = False,
) -> None:
    """List the rows that wait for a decision, oldest first."""
    from console.operations import quarantine

    rows = quarantine.list_rows(None if everything else "kept")
    if as_json:
        screen.say(json.dumps([asdict(row) for row in rows], indent=1))
        return
    if not rows:
        screen.say("nothing is in quarantine")
        return
    shown = [(row.id, row.state, row.known_at[:16], row.source, row.table, row.key, row.reason) for row in rows]
    screen.table(("id", "state", "since", "source", "table", "about", "reason: it"), shown, text_columns=7)


@app.command()
def show(named: Named) -> None:
    """Show rows whole, as JSON: reason, content, and the sum of the raw answer."""
    from console.operations import quarantine

    screen.say(json.dumps([asdict(row) for row in quarantine.show(named)], indent=1))


@app.command()
def release(named: Named) -> None:
    """Let rows in at the next update, although they break a rule; those that no table could hold stay."""
    from console.operations import quarantine

    for row in quarantine.release(named):
        screen.say(f"{row.id} ({row.table}, {row.key}) is released: the next update takes it in")


@app.command()
def drop(named: Named) -> None:
    """Speak of rows no longer."""
    from console.operations import quarantine

    for row in quarantine.drop(named):
        screen.say(f"{row.id} ({row.table}, {row.key}) is dropped")
