"""Splitters for both KServe modes: Standard (an HTTPRoute) and Knative (revisions)."""
