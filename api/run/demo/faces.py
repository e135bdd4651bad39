"""Who comes to the demo: invented people on invented devices, at addresses that are nobody's."""

from random import Random
from typing import Any

import msgspec

GIVEN = (
    "Ada", "Aisha", "Amara", "Anouk", "Arjun", "Astrid", "Bastian", "Camille", "Chiara", "Dalia", "Darius",
    "Elif", "Emeka", "Esther", "Farid", "Freya", "Gwen", "Hana", "Hugo", "Ines", "Ivo", "Jamal", "Joana", "Kaito",
    "Kalina", "Lars", "Leila", "Linh", "Lotte", "Luca", "Maeve", "Malik", "Marisol", "Mateo", "Mina", "Nadia",
    "Niall", "Noor", "Olek", "Oona", "Pavel", "Priya", "Quinn", "Rafael", "Rosa", "Samir", "Saskia", "Soren",
    "Tala", "Tomasz", "Uma", "Veda", "Wanjiru", "Xenia", "Yara", "Yusuf", "Zofia",
)  # fmt: skip
FAMILY = (
    "Abara", "Almeida", "Andersson", "Banerjee", "Bakker", "Castillo", "Chowdhury", "Dimitrov", "Doyle",
    "Eriksen", "Fontaine", "Ferrante", "Grewal", "Hakimi", "Haugen", "Ibarra", "Ito", "Jansen", "Kamau",
    "Kowalczyk", "Kruger", "Lefebvre", "Lindgren", "Maduro", "Mbeki", "Mensah", "Moreau", "Nakagawa", "Novak",
    "Okonkwo", "Osei", "Petrov", "Quispe", "Rasmussen", "Rinaldi", "Sato", "Silva", "Sorensen", "Takeda", "Tran",
    "Ueda", "Vargas", "Vermeer", "Walsh", "Weber", "Yilmaz", "Zeman",
)  # fmt: skip
POST = ("example.com", "example.net", "example.org", "post.example", "mail.example")
DEVICES = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 "
    "Edg/140.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Safari/605.1.15",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
    "Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile "
    "Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 "
    "Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0",
)
PLACES = (
    ("Lisbon", "Lisbon", "PT"), ("Porto", "Porto", "PT"), ("Ghent", "East Flanders", "BE"), ("Lyon", "Rhone", "FR"),
    ("Leipzig", "Saxony", "DE"), ("Hamburg", "Hamburg", "DE"), ("Utrecht", "Utrecht", "NL"), ("Brno", "Moravia", "CZ"),
    ("Gdansk", "Pomerania", "PL"), ("Turku", "Southwest Finland", "FI"), ("Bergen", "Vestland", "NO"),
    ("Galway", "Connacht", "IE"), ("Leeds", "England", "GB"), ("Glasgow", "Scotland", "GB"), ("Seville", "Andalusia",
    "ES"), ("Bologna", "Emilia-Romagna", "IT"), ("Izmir", "Izmir", "TR"), ("Accra", "Greater Accra", "GH"),
    ("Nairobi", "Nairobi", "KE"), ("Pune", "Maharashtra", "IN"), ("Sendai", "Miyagi", "JP"), ("Da Nang", "", "VN"),
    ("Hobart", "Tasmania", "AU"), ("Montreal", "Quebec", "CA"), ("Portland", "Oregon", "US"), ("Austin", "Texas", "US"),
    ("Valdivia", "Los Rios", "CL"), ("Merida", "Yucatan", "MX"),
)  # fmt: skip
PAGES = ("", "#shop", "#delivery", "#workshop")
REFERRERS = ("https://search.example/find", "https://tea-circle.example/forum", "https://news.example/crafts", "")
CAMPAIGNS = ("spring-glazes", "two-cups-a-day", "workshop-news")


class Face(msgspec.Struct, frozen=True):
    """A visitor: what their browser and the edge send along, the page they are on, what they say of themselves."""

    headers: dict[str, str]
    page: dict[str, str]
    identity: dict[str, Any] | None


def face(chance: Random, shop: str) -> Face:
    """Somebody, drawn by ``chance``, who looks at a page of the shop."""
    headers = {"x-forwarded-for": _address(chance), "user-agent": chance.choice(DEVICES)}
    if chance.random() < 0.8:
        city, region, country = chance.choice(PLACES)
        headers |= {"cf-ipcity": city, "cf-ipcountry": country} | ({"cf-region": region} if region else {})
    page = {"url": shop + chance.choice(PAGES)}
    if referrer := chance.choice(REFERRERS):
        page["referrer"] = referrer
    if chance.random() < 0.2:
        page |= {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": chance.choice(CAMPAIGNS)}
    return Face(headers, page, _identity(chance))


def _address(chance: Random) -> str:
    """From networks that are kept for benchmarks (RFC 2544) and for documentation (RFC 3849)."""
    if chance.random() < 0.4:
        return f"2001:db8:{chance.randrange(1 << 16):x}:{chance.randrange(1 << 16):x}::{chance.randrange(1, 1 << 16):x}"
    return f"198.{chance.choice((18, 19))}.{chance.randrange(256)}.{chance.randrange(1, 255)}"


def _identity(chance: Random) -> dict[str, Any] | None:
    """Not everybody introduces themselves."""
    if chance.random() > 0.6:
        return None
    given, family = chance.choice(GIVEN), chance.choice(FAMILY)
    said: dict[str, Any] = {"name": f"{given} {family}" if chance.random() < 0.8 else given}
    if chance.random() < 0.8:
        said["email"] = f"{given}.{family}@{chance.choice(POST)}".lower()
    if chance.random() < 0.15:
        said["phone"] = f"+1 555 01{chance.randrange(100):02}"
    return said
