"""The fingerprint of what scores come from: it changes with what computes, and with nothing else."""

from pathlib import Path

import pytest

from matchday.model_cards.provenance import fingerprint

FIT = '''"""How it is fitted."""
from matchday.features.known import known
from matchday.lake import Lake

STEPS = 3


def fit() -> int:
    """So many."""
    return STEPS + known()
'''
KNOWN = "def known():\n    return 1\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    files = {
        "data/SHA256SUMS": "0  matches.parquet\n",
        "matchday/models/fit.py": FIT,
        "matchday/features/known.py": KNOWN,
        "matchday/features/other.py": KNOWN,
        "matchday/lake/__init__.py": "Lake = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def after_edit(repository: Path, file: str, before: str, after: str) -> str:
    """The fingerprint once a file says something else."""
    path = repository / file
    path.write_text(path.read_text().replace(before, after))
    return fingerprint("matchday.models.fit", repository)


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("matchday/models/fit.py", "STEPS = 3", "STEPS = 4"),
        ("matchday/models/fit.py", "STEPS + known()", "known() + STEPS"),
        ("matchday/features/known.py", "return 1", "return 2"),
        ("data/SHA256SUMS", "0 ", "1 "),
    ],
)
def test_code_that_computes_and_data_change_it(repository: Path, file: str, before: str, after: str) -> None:
    first = fingerprint("matchday.models.fit", repository)
    assert after_edit(repository, file, before, after) != first


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("matchday/models/fit.py", "How it is fitted.", "How."),
        ("matchday/models/fit.py", "    return", "    # a remark\n\n    return"),
        ("matchday/features/other.py", "return 1", "return 2"),
        ("matchday/lake/__init__.py", "Lake = 1", "Lake = 2"),
    ],
)
def test_words_and_code_that_does_not_compute_leave_it(repository: Path, file: str, before: str, after: str) -> None:
    first = fingerprint("matchday.models.fit", repository)
    assert after_edit(repository, file, before, after) == first
