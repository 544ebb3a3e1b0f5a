"""Rollouts kept in a folder: `NAME/spec.json`, `state.json` and `requests.json`."""

import re
from pathlib import Path

from pydantic import ValidationError

from matchday.errors import MatchdayError
from matchday.files import lock_file
from rollout.embedded import files
from rollout.repository import UnknownRollout
from rollout.spec import Spec, SpecError
from rollout.state import Commands, Phase, State, StateError
from rollout.store import Conflict

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""Names that Kubernetes takes too."""


class NameRefused(MatchdayError):
    """A rollout that cannot be called so, or is called so already."""


class FolderRepository:
    """All rollouts of this machine."""

    def __init__(self, root: Path) -> None:
        """root: the folder; made when the first rollout is."""
        self.root = root

    def names(self) -> list[str]:
        """Their names, oldest first."""
        specs = [file for file in self.root.glob("*/spec.json") if NAME.fullmatch(file.parent.name)]
        return [file.parent.name for file in sorted(specs, key=lambda file: file.stat().st_mtime_ns)]

    def create(self, name: str, spec: Spec) -> None:
        """Keep what is asked for. Raises NameRefused."""
        if not NAME.fullmatch(name):
            raise NameRefused(f"{name!r} is no name for a rollout: use small letters, digits and -")
        if (self.root / name / "spec.json").exists():
            raise NameRefused(f"there is a rollout {name} already: choose another name")
        files.write(self.root / name / "spec.json", spec.to_dict())

    def spec(self, name: str) -> Spec:
        """What was asked for. Raises SpecError."""
        file = self._folder(name) / "spec.json"
        try:
            return Spec.parse(files.read(file))
        except SpecError as error:
            raise SpecError(f"rollout {name}: {error}; mend {file}, or delete {file.parent} to give it up") from None

    def state(self, name: str) -> State:
        """What is the case."""
        return self.store(name).load()

    def requests(self, name: str) -> Commands:
        """What people ask of it."""
        return self.store(name).requests()

    def ask(self, name: str, requests: Commands) -> None:
        """Ask that of it."""
        files.write(self._folder(name) / "requests.json", requests.model_dump(mode="json"))

    def store(self, name: str) -> "FolderStore":
        """The state of one rollout."""
        return FolderStore(self, self._folder(name))

    def begun(self, service: str) -> list[str]:
        """Names of the rollouts of a service that have begun and not ended."""
        ours = [name for name in self.names() if self.spec(name).inference_service == service]
        return [name for name in ours if not ((state := self.state(name)).ended or state.phase is Phase.PENDING)]

    def _folder(self, name: str) -> Path:
        if name not in self.names():
            known = ", ".join(self.names()) or "none yet"
            raise UnknownRollout(f"there is no rollout {name}; there are: {known}")
        return self.root / name


class FolderStore:
    """The state of one rollout in its folder, with a number that each save adds one to."""

    def __init__(self, rollouts: FolderRepository, folder: Path) -> None:
        self._rollouts = rollouts
        self._folder = folder
        self._revision = 0

    def load(self) -> State:
        """The state as last saved."""
        self._revision, state = self._read()
        return state

    def save(self, state: State) -> None:
        """Keep a state. Raises Conflict when another was saved since the one that was loaded here."""
        with lock_file(self._folder / "state.lock"):
            revision, _ = self._read()
            if revision != self._revision:
                raise Conflict(f"rollout {self._folder.name} was carried on by another process meanwhile")
            files.write(self._folder / "state.json", {"revision": revision + 1, "state": state.to_dict()})
        self._revision += 1

    def requests(self) -> Commands:
        """What people ask. Raises StateError."""
        file = self._folder / "requests.json"
        try:
            return Commands.model_validate(files.read(file))
        except ValidationError:
            raise StateError(f"{file} was not written by this release: delete it and ask again") from None

    def rival(self) -> str:
        """Another rollout of the same service that is under way."""
        own = self._folder.name
        begun = self._rollouts.begun(self._rollouts.spec(own).inference_service)
        return next((name for name in begun if name != own), "")

    def _read(self) -> tuple[int, State]:
        kept = files.read(self._folder / "state.json")
        if not kept:
            return 0, State()
        try:
            return int(kept["revision"]), State.parse(kept["state"])
        except (StateError, KeyError, ValueError, TypeError) as error:
            said = str(error) if isinstance(error, StateError) else "another release wrote this state"
            raise StateError(f"rollout {self._folder.name}: {said}. {self._way_out()}") from None

    def _way_out(self) -> str:
        """What a person does about a state that cannot be read."""
        return (
            "Carry it to its end with the release that began it, or give it up: 'matchday rollout stop' for its "
            f"service, then delete {self._folder}"
        )
