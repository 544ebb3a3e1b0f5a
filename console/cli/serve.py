"""`matchday serve`: the model server in the foreground."""

from typing import Annotated

import typer

from console.cli.options import Port

CHAMPION = "mlflow://match-outcome@champion"


def serve(
    model_uri: Annotated[
        str, typer.Argument(help="mlflow://NAME@ALIAS, mlflow://NAME/VERSION or a folder.")
    ] = CHAMPION,
    host: Annotated[str, typer.Option(help="Address of the server.")] = "127.0.0.1",
    port: Port = 8080,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
) -> None:
    """Serve a model over the Open Inference Protocol until stopped."""
    from serving import server

    server.serve(model_uri, host, port, workers)
