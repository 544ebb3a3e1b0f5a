"""Feast without its chatter: it prints to standard output and warns of its own dependencies."""

import contextlib
import io
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def feast() -> Iterator[None]:
    """Silence for a call into Feast; exceptions pass."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
