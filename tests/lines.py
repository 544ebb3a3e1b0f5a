"""Lines of files that another process may still be writing."""

from pathlib import Path


def whole_lines(file: Path) -> list[str]:
    """The lines that have their end; a last one that is half written is left out. None of a file that is not there."""
    text = file.read_bytes() if file.exists() else b""
    return text[: text.rfind(b"\n") + 1].decode().splitlines()
