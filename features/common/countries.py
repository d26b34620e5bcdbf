"""Countries by their codes and names, so that "Germany", "Deutschland", "DEU" and "de" are known to be one.

Codes and English names are those of the time zone database (`iso3166.tab`, public domain), which is there wherever pandas is;
to them come the names of countries in their own languages and three letters of those that most leads come from.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources

_FURTHER = {
    "AT": "Österreich|Oesterreich|AUT", "AU": "Australien|AUS", "BE": "Belgien|Belgique|België|BEL",
    "BR": "Brasil|Brasilien|BRA",
    "CA": "Kanada|CAN", "CH": "Schweiz|Suisse|Svizzera|CHE", "CN": "China|CHN", "CZ": "Czechia|Tschechien|Česko|CZE",
    "DE": "Deutschland|Allemagne|Alemania|Germania|Duitsland|Niemcy|DEU|GER|BRD", "DK": "Danmark|Dänemark|DNK",
    "ES": "España|Espana|Spanien|Espagne|ESP", "FI": "Suomi|Finnland|FIN", "FR": "Frankreich|Francia|Frankrijk|FRA",
    "GB": "United Kingdom|UK|Great Britain|Britain|England|Großbritannien|Vereinigtes Königreich|GBR",
    "IE": "Irland|Éire|IRL", "IN": "Indien|IND", "IT": "Italia|Italien|Italie|ITA", "JP": "Japan|JPN", "LU": "Luxemburg|LUX",
    "MX": "México|Mexiko|MEX", "NL": "The Netherlands|Holland|Nederland|Niederlande|NLD", "NO": "Norge|Norwegen|NOR",
    "PL": "Polska|Polen|POL", "PT": "Portugal|PRT", "RO": "România|Rumänien|ROU", "SE": "Sverige|Schweden|SWE",
    "TR": "Türkiye|Türkei|TUR", "UA": "Ukraine|UKR",
    "US": "USA|U.S.|U.S.A.|United States of America|America|Vereinigte Staaten",
    "ZA": "Südafrika|ZAF",
}  # fmt: skip


@cache
def _codes() -> dict[str, str]:
    """Every spelling, without case → the code of two letters."""
    try:
        text = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    except ModuleNotFoundError:
        text = ""
    pairs = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    codes = {name.casefold(): code for code, name in pairs} | {code.casefold(): code for code, _ in pairs}
    for code, names in _FURTHER.items():
        codes |= {name.casefold(): code for name in (*names.split("|"), code)}
    return codes


def country_code(name: str) -> str | None:
    """The code of a country that is written in any way; None for what is no country.

    >>> country_code("Germany"), country_code("deu"), country_code("Software")
    ('DE', 'DE', None)
    """
    return _codes().get(name.strip().casefold())


def same_country(name: str, known_names: Iterable[str]) -> str | None:
    """Which of the known names is the same country, written in another way."""
    code = country_code(name)
    return next((known_name for known_name in known_names if code and country_code(known_name) == code), None)
