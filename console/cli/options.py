"""Arguments and options that several commands share."""

from typing import Annotated

import typer

DEFAULT_MODEL = "match-outcome"
"""The first model of `matchday.models.catalogue`, which is not imported for the sake of quick help."""

Model = Annotated[str, typer.Argument(metavar="MODEL", help="Registered model.")]
Wait = Annotated[float, typer.Option("--wait-seconds", min=0, help="How long to wait for what the command needs.")]
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
RunNamespace = Annotated[
    str, typer.Option("--namespace", envvar="MATCHDAY_KFP_NAMESPACE", help="Namespace of the pods of Kubeflow's runs.")
]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of the server.")]
RunAsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="Date, as 2026-03-01. Default: after the last match for training, else now."),
]
Pipeline = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Pipeline, as ingest, materialise, forecast; or a model, which is trained."),
]
