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
PLAYER = {
    "home": "At home",
    "gameweek": "Gameweek",
    "gameweek_matches": "Matches in the gameweek",
    "days_ahead": "Days since the deadline",
    "position_number": "Position",
    "price": "Price",
    "price_change": "Price change this season",
    "week_price_change": "Price change since the last gameweek",
    "club_weeks": "Gameweeks with the club",
    "owned": "Squads that own him",
    "owned_change": "Change of ownership",
    "owned_growth": "Growth of ownership",
    "bought": "Squads that bought him",
    "sold": "Squads that sold him",
    "net": "Net transfers",
    "last_net": "Net transfers of the gameweek before",
    "net_ratio": "Net transfers beside ownership",
    "bought_ratio": "Purchases beside ownership",
    "sold_ratio": "Sales beside ownership",
    "balance": "Purchases among transfers",
    "price_rank": "Rank by price in his position",
    "owned_rank": "Rank by ownership in his position",
    "bought_rank": "Rank by purchases in the club",
    "club_price_rank": "Rank by price in the club",
    "club_owned_rank": "Rank by ownership in the club",
    "owned_share": "Share of ownership in his position",
    "bought_share": "Share of purchases in his position",
    "rivals_sold": "Sales in his position",
    "club_bought": "Purchases of the club's players",
    "price_gap": "Price below the dearest in his position",
    "defensive_points": "Points for defending a match",
    "flag": "Fitness flag",
    "ever_matches": "Matches registered",
    "season_matches": "Matches registered this season",
    "missed": "Matches since he last played",
    "season_minutes": "Minutes a match this season",
    "season_points": "Points a match this season",
    "last_season_minutes": "Minutes a match last season",
    "last_season_points": "Points a match last season",
    "nineties": "Matches played",
    "full_points": "Points in full matches",
    "points_90": "Points per 90 minutes",
    "goals_90": "Goals per 90 minutes",
    "assists_90": "Assists per 90 minutes",
    "bonus_90": "Bonus per 90 minutes",
    "bps_90": "Bonus point system per 90 minutes",
    "saves_90": "Saves per 90 minutes",
    "yellow_cards_90": "Yellow cards per 90 minutes",
    "threat_90": "Threat per 90 minutes",
    "creativity_90": "Creativity per 90 minutes",
    "xg_90": "Expected goals per 90 minutes",
    "xa_90": "Expected assists per 90 minutes",
    **{f"minutes_{ago}": f"Minutes {ago} matches ago" for ago in range(1, 5)},
    **{
        f"{name}_{past}": f"{text}, {past} past"
        for name, text in (
            ("played", "Share of matches played"),
            ("full", "Share of full matches"),
            ("minutes", "Minutes"),
        )
        for past in ("short", "middle", "long")
    },
}
SIDES = {"home": "Home team", "away": "Away team", "team": "His team", "opponent": "Other team"}


def label(feature: str) -> str:
    """`home_xg_for_5` as "Home team: expected goals a match, last 5". Raises KeyError for an unknown feature."""
    if feature in LEAGUE or feature in PLAYER:
        return {**LEAGUE, **PLAYER}[feature]
    side, _, rest = feature.partition("_")
    team = SIDES[side]
    if rest in RATINGS:
        return f"{team}: {RATINGS[rest]}"
    what, _, span = rest.rpartition("_")
    return f"{team}: {FORM[what]}, last {span}"
