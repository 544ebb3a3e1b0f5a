"""Feature names as people say them."""

LEAGUE = {
    "league_level": "Goals of a mean team away",
    "league_home_edge": "Home advantage in the league",
    "league_low_score": "How often scores stay low",
}
RATINGS = {
    "elo": "Elo rating",
    "attack": "attack rating",
    "defence": "defence rating",
    "rest_days": "days of rest",
    "settled": "nothing left to play for",
}
FORM = {
    "points": "points a match",
    "goals_for": "goals scored a match",
    "goals_against": "goals conceded a match",
    "xg_for": "expected goals a match",
    "xg_against": "expected goals against a match",
}


def label(feature: str) -> str:
    """`home_xg_for_5` as "Home team: expected goals a match, last 5". Raises KeyError for an unknown feature."""
    if feature in LEAGUE:
        return LEAGUE[feature]
    side, _, rest = feature.partition("_")
    team = {"home": "Home team", "away": "Away team"}[side]
    if rest in RATINGS:
        return f"{team}: {RATINGS[rest]}"
    what, _, span = rest.rpartition("_")
    return f"{team}: {FORM[what]}, last {span}"
