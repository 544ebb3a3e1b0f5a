"""Rollouts in a folder: `NAME/spec.json` beside the files of the state store."""

import re
from pathlib import Path

from matchday.errors import MatchdayError
from rollout.embedded.json_file import read_json, write_json
from rollout.embedded.store import FolderStore
from rollout.repository import ChooseCommand, UnknownRollout
from rollout.spec import Spec, SpecError
from rollout.state import Commands, State

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""Names that are valid in Kubernetes too."""


class NameRefused(MatchdayError):
    """A name that is not valid for a rollout, or is taken."""


class FolderRepository:
    """All rollouts of this machine."""

    def __init__(self, root: Path) -> None:
        """root: the folder; created with the first rollout."""
        self.root = root

    def names(self) -> list[str]:
        """All names, oldest first."""
        specs = [file for file in self.root.glob("*/spec.json") if NAME.fullmatch(file.parent.name)]
        return [file.parent.name for file in sorted(specs, key=lambda file: file.stat().st_mtime_ns)]

    def create(self, name: str, spec: Spec) -> None:
        """Create a rollout. Raises NameRefused."""
        if not NAME.fullmatch(name):
            raise NameRefused(f"{name!r} is no name for a rollout: use small letters, digits and -")
        if (self.root / name / "spec.json").exists():
            raise NameRefused(f"there is a rollout {name} already: choose another name")
        write_json(self.root / name / "spec.json", spec.to_dict())

    def spec(self, name: str) -> Spec:
        """The specification of a rollout. Raises SpecError for one that this release cannot carry out."""
        file = self._folder(name) / "spec.json"
        try:
            return Spec.restore(read_json(file))
        except SpecError as error:
            raise SpecError(f"rollout {name}: {error}; mend {file}, or delete {file.parent} to give it up") from None

    def state(self, name: str) -> State:
        """The current state of a rollout. Raises StateError."""
        return self.store(name).load()

    def commands(self, name: str) -> Commands:
        """The commands given to a rollout. Raises StateError."""
        return self.store(name).commands()

    def command(self, name: str, choose: ChooseCommand) -> Commands:
        """Change the commands that `choose` names, and no others. Raises StateError."""
        return self.store(name).command(choose)

    def store(self, name: str) -> FolderStore:
        """The state store of a rollout."""
        return FolderStore(self._folder(name), lambda: self._rival(name))

    def active(self, service: str) -> list[str]:
        """Names of the rollouts of a service that have begun and not ended."""
        of_service = [name for name in self.names() if self.spec(name).inference_service == service]
        return [name for name in of_service if self.state(name).active]

    def _rival(self, name: str) -> str:
        others = (other for other in self.active(self.spec(name).inference_service) if other != name)
        return next(others, "")

    def _folder(self, name: str) -> Path:
        if name not in self.names():
            known = ", ".join(self.names()) or "none yet"
            raise UnknownRollout(f"there is no rollout {name}; there are: {known}")
        return self.root / name
