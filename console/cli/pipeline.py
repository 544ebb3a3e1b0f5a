"""`matchday pipeline ...`: runs on this machine and on a cluster."""

from typing import Annotated

import typer

from console.cli import screen
from console.cli.options import DEFAULT_MODEL, Environment, Image, Pipeline, RunAsOf, RunNamespace, Wait

app = typer.Typer(no_args_is_help=True, help="Kubeflow pipelines.")

RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run is over.")]


@app.command()
def run(name: Pipeline = DEFAULT_MODEL, as_of: RunAsOf = None) -> None:
    """Run a pipeline on this machine with KFP's local runner: ingest, materialise, forecast, or a model's training."""
    from console.cli.progress import RunProgress
    from console.operations import training
    from matchday import telemetry
    from matchday.settings import Settings

    Settings().make_home()
    telemetry.start("matchday-console")
    with RunProgress() as progress:
        finished = training.run_pipeline(name, as_of, progress.show)
    progress.show(finished)


@app.command("compile")
def compile_pipelines(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail when a file is stale.")] = False,
) -> None:
    """Write the IR YAML of every pipeline."""
    from pipelines import compilation

    if check:
        compilation.check_compiled()
        return
    for file in compilation.compile_all():
        screen.say(f"wrote {file.name}")


@app.command()
def submit(
    name: Annotated[str, typer.Argument(help="Pipeline, as train-match-outcome or ingest.")],
    as_of: RunAsOf = None,
    image: Image = None,
    environment: Environment = "matchday",
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run to its end.")] = False,
    namespace: RunNamespace = "kubeflow",
    seconds: Wait = 300,
) -> None:
    """Run a pipeline on the Kubeflow Pipelines of KFP_ENDPOINT."""
    from console.cli.progress import RunProgress
    from console.operations import runs
    from matchday import telemetry

    telemetry.start("matchday-console")
    submitted = runs.submit(name, as_of, image, environment, seconds)
    with RunProgress() as progress:
        progress.show(submitted)
        if not wait:
            return
        try:
            progress.show(runs.complete(submitted.id, namespace, progress.show))
        except KeyboardInterrupt:
            typer.echo(
                f"matchday: stopped; the run goes on: 'matchday pipeline cancel {submitted.id}' ends it", err=True
            )
            raise typer.Exit(130) from None


@app.command()
def status(run: RunId, namespace: RunNamespace = "kubeflow", follow: Follow = False) -> None:
    """Show how a run on the cluster stands: states of its steps, and its result once it is over."""
    from console.cli.progress import RunProgress
    from console.operations import runs

    with RunProgress() as progress:
        progress.show((runs.follow if follow else runs.standing)(run, namespace, progress.show))


@app.command()
def logs(
    run: RunId,
    namespace: RunNamespace = "kubeflow",
    everything: Annotated[bool, typer.Option("--all", help="Kubeflow's own lines too.")] = False,
    follow: Follow = False,
) -> None:
    """Show what the steps of a run on the cluster have said so far; once it is over, its result as `status` does."""
    from console.cli.progress import RunProgress
    from console.operations import runs

    with RunProgress() as progress:
        progress.show((runs.follow_logs if follow else runs.logs)(run, namespace, everything, progress.show))


@app.command()
def cancel(run: RunId) -> None:
    """End a run on the cluster. What its steps have done stays; a step that runs is stopped."""
    from console.operations import runs

    before = runs.cancel(run)
    screen.say(f"run {run} was {before.lower()} and is being canceled")


@app.command()
def upload(image: Image = None, environment: Environment = "matchday", seconds: Wait = 300) -> None:
    """Upload every pipeline, as a version named by version and commit, to the Kubeflow Pipelines of KFP_ENDPOINT."""
    from console.operations import runs

    for pipeline in runs.upload(image, environment, seconds):
        screen.say(f"{pipeline.name} {pipeline.version} {'uploaded' if pipeline.new else 'is there already'}")
