"""Reading a file in the middle of a write."""

from pathlib import Path

from tests.lines import whole_lines


def test_a_line_counts_once_it_has_its_end(tmp_path: Path) -> None:
    file, written = tmp_path / "spans.jsonl", '{"a": "é"}\n{"b": 2}\n'.encode()
    assert whole_lines(file) == []
    for size in range(len(written) + 1):
        file.write_bytes(written[:size])
        assert whole_lines(file) == ['{"a": "é"}', '{"b": 2}'][: written[:size].count(b"\n")]
