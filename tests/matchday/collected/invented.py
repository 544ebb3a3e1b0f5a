"""Invented sources in place of the configured ones."""

from types import SimpleNamespace

import pytest

from matchday.collected import readers
from matchday.collected.configured import SourceSettings


class InventedSources:
    """given: by name what each source gives, a `Collected` or the error that it raises; in the order of asking."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, given: dict[str, object] | None = None) -> None:
        self.given: dict[str, object] = given or {}
        monkeypatch.setattr(SourceSettings, "upstreams", lambda *_: self._upstreams())
        monkeypatch.setattr(
            readers, "make_readers", lambda asked, *_: {name: lambda name=name: self.give(name) for name in asked}
        )

    def give(self, name: str) -> object:
        """What a source gives, by one request."""
        given = self.given[name]
        if isinstance(given, Exception):
            raise given
        return given

    def _upstreams(self) -> dict[str, "InventedUpstream"]:
        return {name: InventedUpstream(self, name) for name in self.given}


class InventedUpstream:
    """One of them: its one request has another answer when it gives something else."""

    def __init__(self, sources: InventedSources, name: str) -> None:
        self._sources, self._name = sources, name

    @property
    def received(self) -> dict[object, object]:
        return {("/", ()): self.receive("/")}

    def receive(self, path: str, query: object = None) -> object:
        return SimpleNamespace(origin=SimpleNamespace(sha256=str(id(self._sources.give(self._name)))))
