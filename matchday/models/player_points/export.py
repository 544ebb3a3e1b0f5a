"""`player-points` as one ONNX graph: `features` (n, k) to `points` (n,), `quantiles` (n, 3) and `minutes` (n, 3).

Trees are float32 and their sums exact (`matchday.models.player_points.boosting`); all that follows is float64, as in
Python, so that a quantile, which jumps from one whole number to the next, is the same number in both.
"""

import numpy as np
from onnx import TensorProto

from matchday.models.graph import FEATURES, GraphWriter
from matchday.models.player_points.distribution import AT_LEAST_NOTHING, LEAST, LOWEST_MEAN, NODES, STEPS_A_POINT
from matchday.models.player_points.flags import LARGEST_CHANCE, fading_ratios
from matchday.models.player_points.inputs import COLUMN, NAMES, SEEN, USUAL_MATCHES, USUAL_REST, WEEK, WEEKS
from matchday.models.player_points.kind import LEVELS, PLAYER_POINTS
from matchday.models.player_points.model import DIRECT_SHARE, PointsModel
from matchday.models.trees import write_trees

TABLE_OF_A_POSITION = 2 * NODES
"""Rows of the flattened table of tilts that a position has."""


def export(model: PointsModel) -> bytes:
    """The ONNX graph of a model, serialised."""
    graph = _Graph(GraphWriter())
    weeks = graph.weeks_ahead()
    graph.tree_inputs(weeks)
    plays, lasts = graph.chance_to_play(model, weeks), graph.logistic(graph.margin(model, "lasts"), "lasts")
    defending = graph.double(graph.column("defensive_points"), "defending")
    short = graph.node("Sub", [graph.number("one", 1.0), lasts], "short_of_full")
    some = graph.margin(model, "some_points")
    full = graph.node("Add", [graph.margin(model, "full_points"), defending], "full_points_and_defending")
    defended = graph.node("Mul", [lasts, defending], "defended")
    by_minutes = graph.sum_of_products("by_minutes", (short, some), (lasts, full))
    direct = graph.node("Add", [graph.margin(model, "direct"), defended], "direct_and_defending")
    beyond = graph.node("Sub", [direct, by_minutes], "beyond")
    moved = graph.node("Mul", [graph.number("direct_share", DIRECT_SHARE), beyond], "moved")
    given = graph.node("Add", [by_minutes, moved], "given")
    means = [graph.node("Add", [mean, moved], f"{mean}_moved") for mean in (some, full)]
    minutes = [
        graph.node("Sub", ["one", plays], "none"),
        graph.node("Mul", [plays, short], "some"),
        graph.node("Mul", [plays, lasts], "full"),
    ]
    graph.write_outputs(graph.node("Mul", [plays, given], "mean_points"), minutes)
    graph.write_quantiles(model, minutes, means)
    return graph.writer.serialise(PLAYER_POINTS, len(NAMES))


class _Graph:
    """The graph as far as it is written. Values of a row are columns (n, 1)."""

    def __init__(self, writer: GraphWriter) -> None:
        self.writer = writer
        self.node = writer.node
        self.number = writer.doubles

    def column(self, name: str) -> str:
        """A feature, (n, 1)."""
        place = self.writer.integers(f"place_of_{name}", [COLUMN[name]])
        return self.node("Gather", [FEATURES, place], f"feature_{name}", axis=1)

    def double(self, value: str, name: str) -> str:
        """The value in float64."""
        return self.node("Cast", [value], name, to=TensorProto.DOUBLE)

    def weeks_ahead(self) -> str:
        """Whole weeks from the deadline to the match, (n, 1) float32; `inputs.weeks_ahead` in ONNX."""
        days = [self.column("days_ahead"), self.writer.constant("days_of_a_week", WEEK)]
        whole = self.node("Floor", [self.node("Div", days, "exact_weeks")], "whole_weeks")
        bounds = [self.writer.constant("no_week", 0.0), self.writer.constant("last_week", WEEKS - 1)]
        return self.node("Clip", [whole, *bounds], "weeks")

    def tree_inputs(self, weeks: str) -> None:
        """Add what the trees see, `inputs`; `inputs.tree_inputs` in ONNX."""
        seen = self.writer.integers("places_seen", [COLUMN[name] for name in SEEN])
        later = self.node("Greater", [weeks, "no_week"], "later")
        usual = {"gameweek_matches": USUAL_MATCHES, "team_rest_days": USUAL_REST}
        following = [
            self._log_goals("for", self.column("home"), "team_attack", "opponent_defence"),
            self._log_goals("against", self._away(), "opponent_attack", "team_defence"),
            self.node("Add", [self.column("gameweek"), weeks], "gameweek_then"),
            *(
                self.node(
                    "Where", [later, self.writer.constant(f"usual_{name}", one), self.column(name)], f"{name}_then"
                )
                for name, one in usual.items()
            ),
        ]
        self.node("Concat", [self.node("Gather", [FEATURES, seen], "seen", axis=1), *following], "inputs", axis=1)

    def _away(self) -> str:
        return self.node("Sub", [self.writer.constant("certain", 1.0), "feature_home"], "away")

    def _log_goals(self, which: str, at_home: str, attack: str, defence: str) -> str:
        if which == "for":
            self.column("league_home_edge")
            self.column("league_level")
        edge = self.node("Mul", ["feature_league_home_edge", at_home], f"edge_{which}")
        level = self.node("Add", ["feature_league_level", edge], f"level_{which}")
        attacked = self.node("Add", [level, self.column(attack)], f"attack_{which}")
        return self.node("Sub", [attacked, self.column(defence)], f"log_goals_{which}")

    def margin(self, model: PointsModel, name: str) -> str:
        """Log odds or mean of a booster."""
        return self.double(write_trees(self.writer, getattr(model, name), "inputs", f"{name}_sum"), f"{name}_margin")

    def logistic(self, odds: str, name: str) -> str:
        """The probability of log odds."""
        inverse = self.node("Exp", [self.node("Neg", [odds], f"{name}_against")], f"{name}_odds_against")
        one = self.number(f"one_of_{name}", 1.0)
        return self.node("Div", [one, self.node("Add", [one, inverse], f"{name}_whole")], f"{name}_chance")

    def chance_to_play(self, model: PointsModel, weeks: str) -> str:
        """Probability of playing, aged by the weeks ahead and multiplied by the flag's ratio."""
        week = self.node("Cast", [weeks], "week", to=TensorProto.INT64)
        flag = self.node("Cast", [self.column("flag")], "flag", to=TensorProto.INT64)
        flags = self.writer.integers("flags", [len(LARGEST_CHANCE)])
        place = self.node("Add", [self.node("Mul", [week, flags], "first_flag"), flag], "week_and_flag")
        slope = self.node("Gather", [self.number("slopes", model.ageing.slopes), week], "slope")
        shift = self.node("Gather", [self.number("shifts", model.ageing.shifts), week], "shift")
        ratios = self.number("ratios", fading_ratios(model.ratios).ravel())
        steep = self.node("Mul", [self.margin(model, "plays"), slope], "flattened")
        chance = self.logistic(self.node("Add", [steep, shift], "aged"), "plays")
        flagged = self.node("Mul", [chance, self.node("Gather", [ratios, place], "ratio")], "flagged")
        largest = self.node("Gather", [self.number("largest_chances", LARGEST_CHANCE), flag], "largest_chance")
        return self.node("Min", [flagged, largest], "plays")

    def sum_of_products(self, name: str, *pairs: tuple[str, str]) -> str:
        """The sum of two products."""
        products = [self.node("Mul", list(pair), f"{name}_{place}") for place, pair in enumerate(pairs)]
        return self.node("Add", products, name)

    def write_outputs(self, points: str, minutes: list[str]) -> None:
        """Add the mean points and the probabilities of minutes, in float32."""
        flat = self.node("Squeeze", [points, self.writer.integers("of_a_row", [1])], "flat_points")
        self.node("Cast", [flat], PLAYER_POINTS.output.name, to=TensorProto.FLOAT)
        chances = self.node("Concat", minutes, "chances_of_minutes", axis=1)
        self.node("Cast", [chances], "minutes", to=TensorProto.FLOAT)

    def write_quantiles(self, model: PointsModel, minutes: list[str], means: list[str]) -> None:
        """Add the quantiles; `TiltTable.mix` and `count_below` in ONNX."""
        tilts = model.tilts.cumulative
        self.writer.constant("tilts", tilts.reshape(-1, tilts.shape[-1]))
        position = self.node("Cast", [self.column("position_number")], "position", to=TensorProto.INT64)
        size = self.writer.integers("table_of_a_position", [TABLE_OF_A_POSITION])
        first = self.node("Mul", [position, size], "first_of_position")
        parts = [self._spread(minutes[0], self.number("at_least_nothing", AT_LEAST_NOTHING), "without")]
        for place, mean in enumerate(means):
            reached = self._reached(mean, first, place)
            parts.append(self._spread(minutes[place + 1], reached, f"with_{place}"))
        reached = self.node("Add", [self.node("Add", parts[:2], "not_full"), parts[2]], "reached")
        below_last = self._all_but_last(reached, tilts.shape[-1])
        below = self.node("Less", [below_last, self.number("levels", np.array(LEVELS)[:, None])], "below")
        counted = self.node("Cast", [below], "counted", to=TensorProto.INT64)
        count = self.node("ReduceSum", [counted, self.writer.integers("over_points", [2])], "count", keepdims=0)
        whole = self.node("Add", [count, self.writer.integers("least_points", [LEAST])], "whole_quantiles")
        self.node("Cast", [whole], "quantiles", to=TensorProto.FLOAT)

    def _all_but_last(self, reached: str, width: int) -> str:
        bounds = [self.writer.integers(f"slice_{name}", [at]) for name, at in (("start", 0), ("end", width - 1))]
        return self.node("Slice", [reached, *bounds, self.writer.integers("axis_of_points", [2])], "below_last")

    def _spread(self, chance: str, reached: str, name: str) -> str:
        """Probabilities (n, 1) times cumulative chances (k,) or (n, 1, k): (n, 1, k)."""
        axis = self.writer.integers(f"axis_of_{name}", [2])
        return self.node("Mul", [self.node("Unsqueeze", [chance, axis], f"chance_{name}"), reached], name)

    def _reached(self, mean: str, first: str, minutes: int) -> str:
        """Cumulative chances (n, 1, k) of the tilt that has the mean; `TiltTable.reached` in ONNX."""
        tag = ("some", "full")[minutes]
        above = self.node("Sub", [mean, self.number(f"lowest_{tag}", LOWEST_MEAN)], f"above_{tag}")
        steps = self.node("Mul", [above, self.number(f"steps_{tag}", float(STEPS_A_POINT))], f"steps_above_{tag}")
        bounds = [self.number(f"first_node_{tag}", 0.0), self.number(f"last_node_{tag}", NODES - 1.0)]
        at = self.node("Clip", [steps, *bounds], f"at_{tag}")
        floor = self.node("Floor", [at], f"floor_{tag}")
        node = self.node("Min", [floor, self.number(f"last_start_{tag}", NODES - 2.0)], f"node_{tag}")
        share = self.node("Sub", [at, node], f"share_{tag}")
        offset = self.writer.integers(f"offset_{tag}", [minutes * NODES])
        start = self.node("Add", [first, offset], f"first_of_{tag}")
        whole = self.node("Cast", [node], f"whole_{tag}", to=TensorProto.INT64)
        low_row = self.node("Add", [start, whole], f"low_row_{tag}")
        high_row = self.node("Add", [low_row, self.writer.integers(f"next_{tag}", [1])], f"high_row_{tag}")
        low, high = (
            self.double(self.node("Gather", ["tilts", row], f"{row}_single"), f"{row}_tilt")
            for row in (low_row, high_row)
        )
        axis = self.writer.integers(f"axis_of_share_{tag}", [2])
        gap = self.node("Sub", [high, low], f"gap_{tag}")
        part = self.node("Mul", [self.node("Unsqueeze", [share, axis], f"spread_{tag}"), gap], f"part_{tag}")
        return self.node("Add", [low, part], f"reached_{tag}")
