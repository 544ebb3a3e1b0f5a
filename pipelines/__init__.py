"""Kubeflow pipelines, each a page; compiled, submitted, or run here."""
