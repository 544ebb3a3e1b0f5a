"""`matchday model ...`: registered models."""

from typing import Annotated

import typer

from console.cli import screen
from console.cli.options import DEFAULT_MODEL, Model

app = typer.Typer(no_args_is_help=True, help="Registered models.")


@app.command("list")
def show_versions(name: Model = DEFAULT_MODEL) -> None:
    """List the versions of a model, newest first."""
    from console.operations import models

    model = models.summarise(name)
    rows = [
        (one.version, ", ".join(one.aliases) or "-", one.trained_until or "-", f"{one.score:.4f}")
        for one in model.versions
    ]
    screen.table(("version", "aliases", "trained until", model.score), rows, text_columns=3)


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="Version to promote.")],
    name: Annotated[str, typer.Option(help="Registered model.")] = DEFAULT_MODEL,
    alias: Annotated[str, typer.Option(help="Alias to move.")] = "champion",
) -> None:
    """Point an alias at a version, by hand."""
    from console.operations import models

    models.promote(name, version, alias)
    screen.say(f"{name}@{alias} is version {version}")
