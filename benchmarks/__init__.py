"""Measurements: each prints a table and keeps its figures under `results/`."""
