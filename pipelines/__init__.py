"""Kubeflow pipelines: their pages, compilation, submission, and local runs."""
