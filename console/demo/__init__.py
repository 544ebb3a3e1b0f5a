"""Parts of the demonstration: a gameweek with its results, a load generator, model variants, a playground for rollouts."""
