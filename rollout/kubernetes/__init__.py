"""Rollouts on Kubernetes: ModelRollouts, where their state is kept, and the operator that carries them out."""
