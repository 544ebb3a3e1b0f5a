"""`total-goals` as one ONNX graph: input `features` (n, k), output `goals` (n,), both float32."""

from matchday.models.goal_rates import log_rate_matrix
from matchday.models.graph import FEATURES, GraphWriter
from matchday.models.total_goals.kind import TOTAL_GOALS
from matchday.models.total_goals.model import NAMES, GoalsCalibration


def export(model: GoalsCalibration) -> bytes:
    """The ONNX graph of a model, serialised."""
    writer = GraphWriter()
    matrix = writer.constant("ratings_to_log_rates", log_rate_matrix(NAMES))
    log_rates = writer.node("MatMul", [FEATURES, matrix], "log_rates")
    total = writer.node("ReduceLogSumExp", [log_rates, writer.integers("sides", [1])], "log_total", keepdims=0)
    scaled = writer.node("Mul", [total, writer.constant("slope", model.slope)], "scaled")
    shifted = writer.node("Add", [scaled, writer.constant("shift", model.shift)], "log_goals")
    writer.node("Exp", [shifted], TOTAL_GOALS.output.name)
    return writer.serialise(TOTAL_GOALS, len(NAMES))
