"""Clubs: one three-letter code and one name each, whatever a source calls them."""

from matchday.errors import MatchdayError

NAMES = {
    "ARS": "Arsenal",
    "AVL": "Aston Villa",
    "BHA": "Brighton",
    "BOU": "Bournemouth",
    "BRE": "Brentford",
    "BUR": "Burnley",
    "CAR": "Cardiff City",
    "CHE": "Chelsea",
    "COV": "Coventry City",
    "CRY": "Crystal Palace",
    "EVE": "Everton",
    "FUL": "Fulham",
    "HUD": "Huddersfield Town",
    "HUL": "Hull City",
    "IPS": "Ipswich Town",
    "LEE": "Leeds United",
    "LEI": "Leicester City",
    "LIV": "Liverpool",
    "LUT": "Luton Town",
    "MCI": "Manchester City",
    "MID": "Middlesbrough",
    "MUN": "Manchester United",
    "NEW": "Newcastle United",
    "NFO": "Nottingham Forest",
    "NOR": "Norwich City",
    "QPR": "Queens Park Rangers",
    "SHU": "Sheffield United",
    "SOU": "Southampton",
    "STK": "Stoke City",
    "SUN": "Sunderland",
    "SWA": "Swansea City",
    "TOT": "Tottenham Hotspur",
    "WAT": "Watford",
    "WBA": "West Bromwich Albion",
    "WHU": "West Ham United",
    "WOL": "Wolverhampton Wanderers",
}

OTHER_NAMES = {
    "Brighton and Hove Albion": "BHA",
    "Cardiff": "CAR",
    "Coventry": "COV",
    "Huddersfield": "HUD",
    "Hull": "HUL",
    "Ipswich": "IPS",
    "Leeds": "LEE",
    "Leicester": "LEI",
    "Luton": "LUT",
    "Man City": "MCI",
    "Man United": "MUN",
    "Man Utd": "MUN",
    "Newcastle": "NEW",
    "Norwich": "NOR",
    "Nott'm Forest": "NFO",
    "QPR": "QPR",
    "Sheffield Utd": "SHU",
    "Spurs": "TOT",
    "Stoke": "STK",
    "Swansea": "SWA",
    "Tottenham": "TOT",
    "West Brom": "WBA",
    "West Ham": "WHU",
    "Wolves": "WOL",
}

CODES = {name: code for code, name in NAMES.items()} | OTHER_NAMES


def code(name: str) -> str:
    """The three letters of a club by any name or by its code. Raises MatchdayError for an unknown one."""
    found = name if name in NAMES else CODES.get(name)
    if found is None:
        raise MatchdayError(f"no club is called '{name}'; known names are {', '.join(sorted(CODES))}")
    return found
