"""Pipeline steps: one Kubeflow component in each file, a few lines around one function of the rooms below."""
