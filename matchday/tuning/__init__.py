"""Search of settings on seasons before the reported ones: a study that survives kills and that processes share."""
