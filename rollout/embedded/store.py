"""State of one rollout in a folder: `state.json` with a revision, and `requests.json` with commands."""

from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from matchday.files import lock_file
from rollout.embedded.json_file import read_json, write_json
from rollout.repository import ChooseCommand
from rollout.state import Commands, State, StateError
from rollout.store import Conflict


class FolderStore:
    """A state store in a folder. Each save increases the revision by one."""

    def __init__(self, folder: Path, find_rival: Callable[[], str]) -> None:
        """folder: of the rollout; its name is the rollout's. find_rival: answers `rival`."""
        self._folder = folder
        self._find_rival = find_rival
        self._revision = 0

    def load(self) -> State:
        """The state as last saved. Raises StateError for one that this release cannot read."""
        self._revision, state = self._read()
        return state

    def save(self, state: State) -> None:
        """Save a state. Raises Conflict when another was saved since the last load."""
        with lock_file(self._folder / "state.lock"):
            revision, _ = self._read()
            if revision != self._revision:
                raise Conflict(f"another process has carried on rollout {self._folder.name} meanwhile")
            write_json(self._folder / "state.json", {"revision": revision + 1, "state": state.to_dict()})
        self._revision += 1

    def commands(self) -> Commands:
        """The commands given by people. Raises StateError for a file that this release cannot read."""
        file = self._folder / "requests.json"
        try:
            return Commands.model_validate(read_json(file))
        except ValidationError:
            raise StateError(f"{file} was not written by this release: delete it and ask again") from None

    def command(self, choose: ChooseCommand) -> Commands:
        """Change the commands that `choose` names, and no others: two people never undo each other's."""
        with lock_file(self._folder / "requests.lock"):
            _, state = self._read()
            commands = self.commands().model_copy(update=dict(choose(state)))
            write_json(self._folder / "requests.json", commands.model_dump(mode="json"))
        return commands

    def rival(self) -> str:
        """Name of another active rollout of the same service; empty when there is none."""
        return self._find_rival()

    def _read(self) -> tuple[int, State]:
        saved = read_json(self._folder / "state.json")
        if not saved:
            return 0, State()
        try:
            return int(saved["revision"]), State.parse(saved["state"])
        except (StateError, KeyError, ValueError, TypeError) as error:
            reason = str(error) if isinstance(error, StateError) else "another release wrote this state"
            raise StateError(
                f"rollout {self._folder.name}: {reason}. Carry it to its end with the release that began it, or give "
                f"it up: 'matchday rollout stop' for its service, then delete {self._folder}"
            ) from None
