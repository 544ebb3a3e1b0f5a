"""Team strength from results: incremental states that each take one more match."""
