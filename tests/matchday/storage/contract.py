"""What every storage must keep, whichever it is."""

import pytest

from matchday.storage import PreconditionFailed, Storage


def check_one_of_two_writers_succeeds(storage: Storage, foreign_tag: str) -> str:
    """Writers with a tag that is not the current one fail. Leaves `a` as b"3"; returns a tag that is no longer its.

    foreign_tag: of the form that this storage gives, and never given.
    """
    storage.replace_if("a", b"1", None)
    for tag in (None, foreign_tag):
        with pytest.raises(PreconditionFailed, match="written by another process"):
            storage.replace_if("a", b"2", tag)
    content, tag = storage.read_tagged("a")
    assert content == b"1"
    storage.replace_if("a", b"3", tag)
    with pytest.raises(PreconditionFailed):
        storage.replace_if("a", b"4", tag)
    assert storage.read("a") == b"3"
    return tag
