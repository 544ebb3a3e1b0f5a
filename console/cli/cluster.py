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
    """Wait for the object store and make the buckets of the lake and of observations."""
    from console.operations import cluster

    for name, new in cluster.make_buckets(seconds).items():
        screen.say(f"bucket {name} {'made' if new else 'is there already'}")


@app.command()
def pipelines(image: Image = None, environment: Environment = "matchday", seconds: Wait = 300) -> None:
    """Upload every pipeline, and make the release's recurring runs those of MATCHDAY_RECURRING, a JSON of crons."""
    from console.operations import recurring, runs

    wanted, versions = recurring.crons(), {}
    for uploaded in runs.upload(image, environment, seconds):
        versions[uploaded.name] = uploaded.version
        screen.say(f"{uploaded.name} {uploaded.version} {'uploaded' if uploaded.new else 'is there already'}")
    for change in recurring.schedule(environment, wanted, versions):
        screen.say(f"recurring run {change.name} ({change.cron}) {change.done}")


@app.command()
def unschedule(environment: Environment = "matchday", seconds: Wait = 30) -> None:
    """Delete the release's recurring runs. Where Kubeflow refuses or does not answer they stay, which is no failure."""
    from console.operations import recurring
    from matchday.errors import MatchdayError

    try:
        for change in recurring.schedule(environment, {}, {}, seconds):
            screen.say(f"recurring run {change.name} ({change.cron}) {change.done}")
    except MatchdayError as error:
        screen.say(f"recurring runs of {environment} stay: {error}")


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
