"""KServe's two deployment modes as splitters: Standard (HTTPRoute weights) and Knative (revision traffic)."""
