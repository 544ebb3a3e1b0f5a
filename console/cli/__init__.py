"""The command line `matchday`: Typer commands and what they print, one file a noun."""

from console.cli.app import main

__all__ = ["main"]
