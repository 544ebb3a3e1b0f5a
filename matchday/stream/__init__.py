"""Events of results and player statistics: made from tables of the lake, and from what a live source newly says."""
