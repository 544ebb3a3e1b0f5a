"""`matchday rollout ...`: commands, which import what they need when they run."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Canaries: a new version beside the champion, judged on what both do.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the rollout.")]
Namespace = Annotated[
    str | None,
    typer.Option(
        envvar="MATCHDAY_ROLLOUT_NAMESPACE",
        help="Act on the ModelRollouts of this namespace of a cluster. Default: on this machine.",
    ),
]


@app.command()
def start(
    name: Name,
    candidate: Annotated[str | None, typer.Option(help="Version or alias to try. Default: challenger.")] = None,
    spec: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML of the rollout: steps, limits, approvals.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address at which Envoy takes requests.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port at which Envoy takes requests.")] = None,
    namespace: Namespace = None,
) -> None:
    """Begin a rollout, or go on with the one of that name, and follow it to its end.

    Exit code 0: promoted; 1: rolled back; 2: refused; 3: stopped before its end.
    """
    from console import rollouts
    from rollout.embedded.settings import RolloutSettings

    chosen = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    rollouts.start(name, candidate, spec, RolloutSettings().model_copy(update=chosen), namespace)


@app.command("list")
def show_all(namespace: Namespace = None) -> None:
    """List the rollouts, oldest first."""
    from console import rollouts

    rollouts.show_all(namespace)


@app.command()
def status(name: Name, namespace: Namespace = None) -> None:
    """Where a rollout is, and why."""
    from console import rollouts

    rollouts.status(name, namespace)


@app.command()
def approve(name: Name, namespace: Namespace = None) -> None:
    """Let a rollout go on that waits for a person."""
    from console import rollouts

    rollouts.approve(name, namespace)


@app.command()
def pause(name: Name, namespace: Namespace = None) -> None:
    """Have a rollout stay at its weight; what is bad is taken back all the same."""
    from console import rollouts

    rollouts.pause(name, namespace, paused=True)


@app.command()
def resume(name: Name, namespace: Namespace = None) -> None:
    """Let a paused rollout go on."""
    from console import rollouts

    rollouts.pause(name, namespace, paused=False)


@app.command()
def abort(name: Name, namespace: Namespace = None) -> None:
    """Take the candidate back."""
    from console import rollouts

    rollouts.abort(name, namespace)


@app.command()
def retry(name: Name, namespace: Namespace = None) -> None:
    """Try a rollout that ended once more, cooldown or not."""
    from console import rollouts

    rollouts.retry(name, namespace)


@app.command()
def history(name: Name, namespace: Namespace = None) -> None:
    """Every decision, with its time and its reason."""
    from console import rollouts

    rollouts.history(name, namespace)


@app.command()
def explain(name: Name, namespace: Namespace = None) -> None:
    """What the judge found: checks with sample, estimate, interval, limit and verdict."""
    from console import rollouts

    rollouts.explain(name, namespace)


@app.command()
def stop(service: Annotated[str, typer.Argument(help="Service of this machine.")] = "match-outcome") -> None:
    """End Envoy and the servers that a rollout of this machine has left serving."""
    from console import rollouts

    rollouts.stop(service)
