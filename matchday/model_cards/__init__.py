"""Model cards of `docs/models/`: what a backtest showed, in Markdown. Plots are drawn here."""
