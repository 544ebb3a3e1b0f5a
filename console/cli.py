"""The command line `matchday`. Commands import what they need when they run, so that help is quick."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from console import rollout_commands
from matchday import __version__
from matchday.errors import MatchdayError

CHAMPION = "mlflow://match-outcome@champion"

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
data = typer.Typer(no_args_is_help=True, help="The bundled history.")
pipeline = typer.Typer(no_args_is_help=True, help="Kubeflow pipelines.")
model = typer.Typer(no_args_is_help=True, help="Registered models.")
cluster = typer.Typer(no_args_is_help=True, help="What a release on Kubernetes needs done; the chart's Jobs call it.")
app.add_typer(data, name="data")
app.add_typer(pipeline, name="pipeline")
app.add_typer(model, name="model")
app.add_typer(rollout_commands.app, name="rollout")
app.add_typer(cluster, name="cluster")

AsOf = Annotated[str | None, typer.Option(help="Date to stand on, as 2026-03-01. Default: before the last gameweek.")]
Host = Annotated[str, typer.Option(help="Address of the server.")]
Wait = Annotated[float, typer.Option("--wait-seconds", min=0, help="How long to wait for what this needs.")]
Image = Annotated[
    str | None,
    typer.Option(
        envvar="MATCHDAY_PIPELINE_IMAGE", help="Image of the steps, with a tag or digest. Default: this commit's."
    ),
]
Environment = Annotated[
    str,
    typer.Option(
        envvar="MATCHDAY_KFP_ENVIRONMENT",
        help="Release whose ConfigMap NAME-environment and Secret NAME-credentials the steps get.",
    ),
]
Namespace = Annotated[str, typer.Option(envvar="MATCHDAY_KFP_NAMESPACE", help="Where Kubeflow's runs have their pods.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of the server.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback(help="Premier League forecasts, run for real.")
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options of every command."""
    del version


@app.command()
def demo(
    as_of: AsOf = None,
    scene: Annotated[str | None, typer.Option(help="Play one scene alone.")] = None,
    port: Port = 8080,
) -> None:
    """From the bundled history to a served forecast, on this machine."""
    from console import demo as demonstration

    demonstration.play(as_of, scene, port)


@app.command()
def serve(
    model_uri: Annotated[
        str, typer.Argument(help="mlflow://NAME@ALIAS, mlflow://NAME/VERSION or a folder.")
    ] = CHAMPION,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
) -> None:
    """Serve a model over the Open Inference Protocol until stopped."""
    from serving import server

    server.serve(model_uri, host, port, workers)


@app.command()
def forecast(
    home: Annotated[str, typer.Argument(help="Home team, as ARS.")],
    away: Annotated[str, typer.Argument(help="Away team, as LIV.")],
    kickoff: Annotated[str | None, typer.Option(help="Kick-off, ISO 8601. Default: now.")] = None,
    url: Annotated[str, typer.Option(help="The server to ask.")] = "http://127.0.0.1:8080",
) -> None:
    """Ask a running server for one match."""
    from console import forecasts

    forecasts.show_one(url, home, away, kickoff)


@data.command("show")
def data_show() -> None:
    """Check the bundled history and show what it holds."""
    from console import history

    history.show()


@data.command("verify")
def data_verify() -> None:
    """Check the bundled history: checksums, schemas, and what every true history keeps."""
    from console import history

    history.verify()


@data.command("build")
def data_build(
    wheel: Annotated[Path | None, typer.Option(help="The source wheel; fetched by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write. Default: the bundled history.")] = None,
) -> None:
    """Rebuild the bundled history from its source, bit for bit."""
    from console import history

    history.build(wheel, out)


@pipeline.command("run")
def pipeline_run(
    as_of: Annotated[
        str | None, typer.Option(help="Date to stand on, as 2026-03-01. Default: after the last match.")
    ] = None,
) -> None:
    """Run `train-match-outcome` on this machine with KFP's local runner."""
    from console import training

    training.run(training.moment(as_of))


@pipeline.command("compile")
def pipeline_compile(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail when a file is stale.")] = False,
) -> None:
    """Write the IR YAML of every pipeline."""
    from pipelines import compilation

    if check:
        compilation.check_compiled()
        return
    for file in compilation.compile_all():
        typer.echo(f"wrote {file.name}")


@pipeline.command("submit")
def pipeline_submit(
    name: Annotated[str, typer.Argument(help="Pipeline, as train-match-outcome.")],
    as_of: Annotated[
        str | None, typer.Option(help="Date to stand on, as 2026-03-01. Default: after the last match.")
    ] = None,
    image: Image = None,
    environment: Environment = "matchday",
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run to its end.")] = False,
    namespace: Namespace = "kubeflow",
    seconds: Wait = 300,
) -> None:
    """Run a pipeline on the Kubeflow Pipelines of KFP_ENDPOINT."""
    from console import runs

    run_id = runs.submit(name, as_of, image, environment, seconds)
    if wait:
        runs.complete(run_id, namespace)


@pipeline.command("status")
def pipeline_status(run: RunId, namespace: Namespace = "kubeflow") -> None:
    """Follow a run on the cluster to its end: states of its steps, metrics, the registered version."""
    from console import runs

    runs.status(run, namespace)


@pipeline.command("logs")
def pipeline_logs(
    run: RunId,
    namespace: Namespace = "kubeflow",
    everything: Annotated[bool, typer.Option("--all", help="Kubeflow's own lines too.")] = False,
) -> None:
    """Follow a run on the cluster to its end: what its steps say, metrics, the registered version."""
    from console import runs

    runs.logs(run, namespace, everything)


@pipeline.command("upload")
def pipeline_upload(image: Image = None, environment: Environment = "matchday", seconds: Wait = 300) -> None:
    """Keep every pipeline as a version, named by version and commit, in the Kubeflow Pipelines of KFP_ENDPOINT."""
    from console import runs

    runs.upload(image, environment, seconds)


@cluster.command("database")
def cluster_database(seconds: Wait = 300) -> None:
    """Wait for the database in MLFLOW_BACKEND_STORE_URI and bring it to MLflow's schema."""
    from console import cluster as release

    release.database(seconds)


@cluster.command("bucket")
def cluster_bucket(seconds: Wait = 300) -> None:
    """Wait for the object store and make the bucket of the lake."""
    from console import cluster as release

    release.make_bucket(seconds)


@cluster.command("features")
def cluster_features(seconds: Wait = 300) -> None:
    """Apply the feature definitions over the lake's current tables."""
    from console import cluster as release

    release.features(seconds)


@cluster.command("champion")
def cluster_champion(
    image: Image = None, environment: Environment = "matchday", namespace: Namespace = "kubeflow", seconds: Wait = 300
) -> None:
    """Train and promote a champion where the registry has none."""
    from console import cluster as release

    release.champion(seconds, image, environment, namespace)


@model.command("list")
def model_list(name: Annotated[str, typer.Argument(help="Registered model.")] = "match-outcome") -> None:
    """List the versions of a model, newest first."""
    from console import models

    models.show(name)


@model.command("promote")
def model_promote(
    version: Annotated[str, typer.Argument(help="Version to promote.")],
    name: Annotated[str, typer.Option(help="Registered model.")] = "match-outcome",
    alias: Annotated[str, typer.Option(help="Alias to move.")] = "champion",
) -> None:
    """Point an alias at a version, by hand."""
    from console import models

    models.promote(name, version, alias)


def main() -> NoReturn:
    """Run the command line; a known failure is one line on standard error and exit code 2."""
    try:
        app()
    except MatchdayError as error:
        print(f"matchday: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("matchday: stopped", file=sys.stderr)
        sys.exit(130)
    sys.exit(0)
