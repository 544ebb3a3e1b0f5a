"""`matchday model ...`: registered models."""

from typing import Annotated

import typer

from console.cli import screen

app = typer.Typer(no_args_is_help=True, help="Registered models.")


@app.command("list")
def show_versions(name: Annotated[str, typer.Argument(help="Registered model.")] = "match-outcome") -> None:
    """List the versions of a model, newest first."""
    from console.operations import models

    rows = [
        (one.version, ", ".join(one.aliases) or "-", one.trained_until or "-", f"{one.score:.4f}")
        for one in models.list_versions(name)
    ]
    screen.table(("version", "aliases", "trained until", "RPS"), rows, text_columns=3)


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="Version to promote.")],
    name: Annotated[str, typer.Option(help="Registered model.")] = "match-outcome",
    alias: Annotated[str, typer.Option(help="Alias to move.")] = "champion",
) -> None:
    """Point an alias at a version, by hand."""
    from console.operations import models

    models.promote(name, version, alias)
    screen.say(f"{name}@{alias} is version {version}")
