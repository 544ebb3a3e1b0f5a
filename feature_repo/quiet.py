"""Suppresses what Feast prints and warns of: progress on standard output, its dependencies' deprecations."""

import contextlib
import io
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def silence_feast() -> Iterator[None]:
    """Suppress output and warnings of the block; exceptions pass."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
