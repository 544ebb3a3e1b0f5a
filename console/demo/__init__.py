"""Parts of the demonstration: a gameweek with results, a load generator, model variants, a playground for rollouts."""
