"""Pipeline steps: one Kubeflow component a file, a few lines around one function of the rooms below."""
