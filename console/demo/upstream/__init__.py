"""Stand-in server of the live sources: a past season of the bundled history at any instant, with faults on demand."""
