"""Rollouts on Kubernetes: the operator that reconciles ModelRollouts, and splitters for both KServe modes."""
