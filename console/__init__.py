"""User interfaces: operations (use cases that return values), the command line, the demonstration."""
