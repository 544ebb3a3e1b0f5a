"""Calibration plot: what was said against what happened, as an SVG that is the same for the same bins."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil

from matchday.scores.bins import Bin

SIDE, LEFT, TOP, GAP, FOOT = 220, 46, 34, 40, 44
"""Pixels: of a panel, the margins, between panels, below them."""
STYLE = (
    "text{font:12px sans-serif;fill:#333}.frame{fill:none;stroke:#bbb}.right{stroke:#999;stroke-dasharray:4 3}"
    ".line{fill:none;stroke:#37003c;stroke-width:1.5}.bin{fill:#37003c}.spread{stroke:#37003c;stroke-opacity:.35}"
)


def draw_calibration(panels: Mapping[str, Sequence[Bin]], said: str, happened: str) -> str:
    """A panel for each name, from 0 to the largest number of all panels, with the diagonal where forecasts are right.

    said, happened: names of the axes. A vertical line is two standard errors of what happened, of a probability.
    """
    numbers = [value for bins in panels.values() for one in bins for value in (one.said, one.happened)]
    most = ceil(10 * max(numbers)) / 10
    width = LEFT + len(panels) * (SIDE + GAP)
    height = TOP + SIDE + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(happened)} against {escape(said)}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for place, (name, bins) in enumerate(panels.items()):
        parts += _panel(LEFT + place * (SIDE + GAP), name, bins, most)
    middle = LEFT + (width - LEFT - GAP) / 2
    parts.append(f'<text x="{middle:.1f}" y="{height - 8}" text-anchor="middle">{escape(said)}</text>')
    across = TOP + SIDE / 2
    parts.append(
        f'<text x="12" y="{across:.1f}" text-anchor="middle" transform="rotate(-90 12 {across:.1f})">'
        f"{escape(happened)}</text>"
    )
    return "\n".join([*parts, "</svg>", ""])


def _panel(left: float, name: str, bins: Sequence[Bin], most: float) -> list[str]:
    """The marks of a panel whose left edge is at `left`."""

    def point(said: float, happened: float) -> tuple[str, str]:
        return f"{left + SIDE * said / most:.1f}", f"{TOP + SIDE * (1 - happened / most):.1f}"

    parts = [
        f'<text x="{left + SIDE / 2:.1f}" y="{TOP - 12}" text-anchor="middle">{escape(name)}</text>',
        f'<rect class="frame" x="{left}" y="{TOP}" width="{SIDE}" height="{SIDE}"/>',
        f'<line class="right" x1="{left}" y1="{TOP + SIDE}" x2="{left + SIDE}" y2="{TOP}"/>',
    ]
    for value in (tick / 10 for tick in range(round(10 * most) + 1)):
        x, y = point(value, value)
        parts.append(f'<text x="{x}" y="{TOP + SIDE + 16}" text-anchor="middle" font-size="10">{value:.1f}</text>')
        parts.append(f'<text x="{left - 5}" y="{y}" text-anchor="end" dy="4" font-size="10">{value:.1f}</text>')
    path = " ".join(",".join(point(one.said, one.happened)) for one in bins)
    parts.append(f'<polyline class="line" points="{path}"/>')
    for one in bins:
        x, y = point(one.said, one.happened)
        error = 2 * (one.happened * (1 - one.happened) / one.count) ** 0.5
        low, high = (point(0, min(most, max(0.0, one.happened + sign * error)))[1] for sign in (-1, 1))
        parts.append(f'<line class="spread" x1="{x}" y1="{low}" x2="{x}" y2="{high}"/>')
        parts.append(f'<circle class="bin" cx="{x}" cy="{y}" r="3"/>')
    return parts
