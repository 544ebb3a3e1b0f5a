"""Model cards of `docs/models/`: what a backtest showed, in Markdown, with plots drawn here. The same numbers, bytes."""
