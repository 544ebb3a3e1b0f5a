"""The model `total-goals`: mean number of goals of both teams together."""
