"""The rollout's judge, on thousands of simulated rollouts: how often it is wrong, how much it needs to be right."""
