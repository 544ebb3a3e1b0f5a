"""The identity of a lake, and the check that its store can hold one at all."""

import json
import uuid
from contextlib import suppress

from matchday.lake.errors import LakeError
from matchday.storage import PreconditionFailed, Storage

PATH = "lake.json"


def identity(storage: Storage) -> str:
    """A random name made with the lake: caches of its content die with it. Raises LakeError when it is damaged."""
    try:
        return str(json.loads(storage.read(PATH))["identity"])
    except FileNotFoundError:
        with suppress(PreconditionFailed):  # another process made it
            storage.replace_if(PATH, json.dumps({"identity": uuid.uuid4().hex}).encode(), None)
        return identity(storage)
    except (KeyError, TypeError, ValueError):
        raise LakeError(f"{storage.address(PATH)}: is damaged; delete it") from None


def check_conditional_writes(storage: Storage) -> None:
    """Raises LakeError for a store that carries out a conditional write whose condition does not hold."""
    identity(storage)
    try:
        storage.replace_if(PATH, storage.read(PATH), None)
    except PreconditionFailed:
        return
    raise LakeError(
        f"{storage.url}: the store ignores If-None-Match, so writers would overwrite each other's tables;"
        " use one with conditional writes"
    )
