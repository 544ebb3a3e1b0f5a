"""Models: from feature vectors to forecasts, and from models to ONNX."""
