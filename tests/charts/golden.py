"""The golden files: `make golden` writes them, and tests compare renderings with them.

`default.yaml` has every object. The file of another example has the objects that differ from the default, and the names
of those that are gone, so that it shows what the example changes. Overlays have every object.
"""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.charts.rendering import EXAMPLES, OVERLAYS, ROOT, documents, inflate, kind_and_name, masked, render

FOLDER = Path(__file__).parent / "golden"


def golden(name: str) -> Path:
    """Path of a golden file: of an example by its name, of an overlay by `overlay-NAME`."""
    return FOLDER / f"{name}.yaml"


def of_example(example: str, major: int = 4) -> str:
    """The golden text of an example in `ci/`."""
    text, default = masked(render(example, major)), masked(render("default", major))
    if example == "default":
        return text
    usual = set(objects(default))
    absent = sorted({*map(kind_and_name, documents(default))} - {*map(kind_and_name, documents(text))})
    return "".join(f"# without {each}\n" for each in absent) + "".join(o for o in objects(text) if o not in usual)


def of_overlay(overlay: str) -> str:
    """The golden text of an overlay."""
    with tempfile.TemporaryDirectory() as folder:
        return masked(inflate(overlay, Path(folder)))


def objects(text: str) -> list[str]:
    """The text of each object, with the line that separates it."""
    return re.findall(r"^---\n(?:(?!---$).*\n)+", text, re.MULTILINE)


def rendered() -> Iterator[tuple[str, str]]:
    """Every golden text by its name."""
    yield from ((example, of_example(example)) for example in EXAMPLES)
    yield from ((f"overlay-{overlay}", of_overlay(overlay)) for overlay in OVERLAYS)


def main() -> None:
    """Write all golden files, and delete those that nothing renders any more."""
    FOLDER.mkdir(exist_ok=True)
    kept = dict(rendered())
    for old in set(FOLDER.glob("*.yaml")) - {golden(name) for name in kept}:
        old.unlink()
    for name, text in kept.items():
        golden(name).write_text(text)
    print(f"{len(kept)} renderings in {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
