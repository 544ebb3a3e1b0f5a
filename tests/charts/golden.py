"""The renderings that are kept: `make golden` writes them anew, and the tests compare.

`default.yaml` is whole. Of each other switch the objects that differ from it are kept, and the names of those that it
takes away, so that a golden file shows what the switch does. Overlays are whole.
"""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.charts.rendering import OVERLAYS, ROOT, SWITCHES, documents, inflate, kind_and_name, masked, render

FOLDER = Path(__file__).parent / "golden"


def golden(name: str) -> Path:
    """Where a rendering is kept: of a switch by its name, of an overlay by `overlay-NAME`."""
    return FOLDER / f"{name}.yaml"


def of_switch(switch: str, major: int = 4) -> str:
    """What is kept of a switch."""
    text, default = masked(render(switch, major)), masked(render("default", major))
    if switch == "default":
        return text
    usual = set(objects(default))
    absent = sorted({*map(kind_and_name, documents(default))} - {*map(kind_and_name, documents(text))})
    return "".join(f"# without {each}\n" for each in absent) + "".join(o for o in objects(text) if o not in usual)


def of_overlay(overlay: str) -> str:
    """What is kept of an overlay."""
    with tempfile.TemporaryDirectory() as folder:
        return masked(inflate(overlay, Path(folder)))


def objects(text: str) -> list[str]:
    """The text of each object, with the line that separates it."""
    return re.findall(r"^---\n(?:(?!---$).*\n)+", text, re.MULTILINE)


def rendered() -> Iterator[tuple[str, str]]:
    """Every rendering by its name."""
    yield from ((switch, of_switch(switch)) for switch in SWITCHES)
    yield from ((f"overlay-{overlay}", of_overlay(overlay)) for overlay in OVERLAYS)


def main() -> None:
    """Write all of them, and delete what is no more."""
    FOLDER.mkdir(exist_ok=True)
    kept = dict(rendered())
    for old in set(FOLDER.glob("*.yaml")) - {golden(name) for name in kept}:
        old.unlink()
    for name, text in kept.items():
        golden(name).write_text(text)
    print(f"{len(kept)} renderings in {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
