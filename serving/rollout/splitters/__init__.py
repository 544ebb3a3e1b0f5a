"""Where two versions run side by side, and who gets which share of the requests."""

from serving.rollout.splitters.splitter import Endpoints, Readiness, SplitError, Splitter, Unsplittable

__all__ = ["Endpoints", "Readiness", "SplitError", "Splitter", "Unsplittable"]
