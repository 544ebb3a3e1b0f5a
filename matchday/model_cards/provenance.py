"""What kept scores come from: a fingerprint of the code that computes them, and of the bundled data."""

import ast
import hashlib
from pathlib import Path

from matchday.settings import REPOSITORY

COMPUTES = ("features", "models", "ratings", "scores", "tables", "scoring", "backtest")
"""Rooms and files of `matchday` whose code can change a score; the others carry data about."""


def fingerprint(module: str, repository: Path = REPOSITORY) -> str:
    """Of a module of `matchday`, of all that it imports of `COMPUTES`, and of the checksums of the bundled data.

    Comments, docstrings and layout do not count. 16 hexadecimal digits.
    """
    digest = hashlib.sha256((repository / "data" / "SHA256SUMS").read_bytes())
    for path, tree in sorted(_reached(module, repository).items()):
        digest.update(f"{path.relative_to(repository)}\0{ast.dump(_without_docstrings(tree))}".encode())
    return digest.hexdigest()[:16]


def _reached(module: str, repository: Path) -> dict[Path, ast.Module]:
    """The syntax tree of a module and of those that it imports, at once or by others, by file."""
    found: dict[Path, ast.Module] = {}
    waiting = [module]
    while waiting:
        path = _file(waiting.pop(), repository)
        if path is None or path in found:
            continue
        found[path] = ast.parse(path.read_text(encoding="utf-8"))
        waiting += [name for node in ast.walk(found[path]) for name in _imported(node) if _computes(name)]
    return found


def _file(module: str, repository: Path) -> Path | None:
    place = repository.joinpath(*module.split("."))
    return next((one for one in (place.with_suffix(".py"), place / "__init__.py") if one.is_file()), None)


def _imported(node: ast.AST) -> list[str]:
    """Names that may be modules: `from a import b` gives a and a.b."""
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
    return []


def _computes(module: str) -> bool:
    first, *rest = module.split(".")
    return first == "matchday" and bool(rest) and rest[0] in COMPUTES


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [one for one in body if not _is_text(one)]
            node.body = kept or [ast.Pass()]  # type: ignore[attr-defined]
    return tree


def _is_text(node: ast.AST) -> bool:
    """A docstring, of a module, class, function or of the name before it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
