"""The domain of Matchday: data, ratings, features, models and scores of football forecasts."""

import os

__version__ = "0.1.0"

# ONNX Runtime, MLflow and Evidently report their use to their makers unless told not to before they are imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("DO_NOT_TRACK", "true")
