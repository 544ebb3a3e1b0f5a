"""The bundled history as it was published, and the reading of each of its families of files."""
