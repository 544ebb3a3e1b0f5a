"""`matchday cluster ...`: what the Jobs of the chart call."""

import typer

from console.cli import screen
from console.cli.options import DEFAULT_MODEL, Environment, Image, Model, RunNamespace, Wait

app = typer.Typer(no_args_is_help=True, help="Set up a release on Kubernetes; the chart's Jobs call these.")


@app.command()
def database(seconds: Wait = 300) -> None:
    """Wait for the database in MLFLOW_BACKEND_STORE_URI and bring it to MLflow's schema."""
    from console.operations import cluster

    migration = cluster.migrate_database(seconds)
    if migration.unchanged:
        screen.say(f"MLflow's schema is at {migration.after} already")
    else:
        screen.say(f"MLflow's schema is at {migration.after}; it was {migration.before or 'not there'}")


@app.command()
def bucket(seconds: Wait = 300) -> None:
    """Wait for the object store and make the bucket of the lake."""
    from console.operations import cluster

    for name, new in cluster.make_buckets(seconds).items():
        screen.say(f"bucket {name} {'made' if new else 'is there already'}")


@app.command()
def features(seconds: Wait = 300) -> None:
    """Apply the feature definitions over the lake's current tables."""
    from console.operations import cluster

    done = cluster.apply_features(seconds)
    if done.applied:
        screen.say(f"feature definitions applied to {done.registry}")
    else:
        screen.say(f"no feature tables in {done.lake} yet: the first training run writes and applies them")


@app.command()
def champion(
    model: Model = DEFAULT_MODEL,
    image: Image = None,
    environment: Environment = "matchday",
    namespace: RunNamespace = "kubeflow",
    seconds: Wait = 300,
) -> None:
    """Train and promote a champion of a model where the registry has none."""
    from console.cli.progress import RunProgress
    from console.operations import cluster
    from matchday import telemetry

    telemetry.start("matchday-console")
    with RunProgress() as progress:
        found = cluster.ensure_champion(model, seconds, image, environment, namespace, progress.show)
    already = "" if found.trained else " already"
    screen.say(f"{found.version.name} version {found.version.version} is champion{already}")
