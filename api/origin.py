"""Where a request comes from: address, device, place. Proxies are believed only if they are configured."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from ua_parser import parse

Connection = ASGIConnection[Any, Any, Any, Any]
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
LONGEST = 2048


@lru_cache(maxsize=64)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)


def _is_trusted(address: str, proxies: tuple[str, ...]) -> bool:
    try:
        return any(ip_address(address) in _network(proxy) for proxy in proxies)
    except ValueError:
        return False


def address_of(connection: Connection, proxies: tuple[str, ...]) -> str:
    """The client's address: the nearest one that is not a configured proxy."""
    address = connection.client.host if connection.client else ""
    for forwarded in reversed(connection.headers.get("x-forwarded-for", "").split(",")):
        if not _is_trusted(address, proxies):
            break
        address = forwarded.strip() or address
    return address


def network_of(connection: Connection, proxies: tuple[str, ...]) -> str:
    """What limits go by: the client's address, of version 6 the network of 2^64 of them that everybody has."""
    return _household(address_of(connection, proxies)[:64])


@lru_cache(maxsize=4096)
def _household(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    return str(found.ipv4_mapped or ip_network((found.packed, 64), strict=False))


def is_same_origin(connection: Connection) -> bool:
    """Whether a page of our own opened this; programs that are no browsers say no origin and are let through."""
    origin = connection.headers.get("origin", "")
    return not origin or origin.partition("://")[2] == connection.headers.get("host", "")


def place_of(connection: Connection, proxies: tuple[str, ...]) -> dict[str, str]:
    """City, region and country as the edge says; empty unless the edge is a configured proxy."""
    peer = connection.client.host if connection.client else ""
    if not _is_trusted(peer, proxies):
        return {}
    said = {
        "city": connection.headers.get("cf-ipcity", ""),
        "region": connection.headers.get("cf-region", ""),
        "country": connection.headers.get("cf-ipcountry", ""),
    }
    return {name: value[:120] for name, value in said.items() if value}


def warm() -> None:
    """Makes the matchers of user agents, which takes half a second, before anybody waits for them."""
    _device("")


def device_of(connection: Connection) -> dict[str, str]:
    """Browser, operating system and kind of device, from the user agent; the string itself is not kept."""
    return dict(_device(connection.headers.get("user-agent", "")[:512]))


@lru_cache(maxsize=4096)
def _device(agent: str) -> tuple[tuple[str, str], ...]:
    parsed = parse(agent)
    browser, system = parsed.user_agent, parsed.os
    found = {
        "browser": f"{browser.family} {browser.major or ''}".strip() if browser else "",
        "os": f"{system.family} {system.major or ''}".strip() if system else "",
        "type": _kind(agent.lower()),
    }
    return tuple((name, value) for name, value in found.items() if value)


def _kind(agent: str) -> str:
    if "ipad" in agent or "tablet" in agent or ("android" in agent and "mobile" not in agent):
        return "tablet"
    return "phone" if "mobi" in agent or "iphone" in agent else "desktop"


def page_of(url: str, referrer: str, utm: dict[str, str]) -> dict[str, str]:
    """The page a visitor is on, the domain they came from (never its path), and the campaign."""
    page = {"url": url[:LONGEST], "referrer": _domain(referrer)}
    page |= {name: utm[name][:120] for name in UTM if utm.get(name)}
    return {name: value for name, value in page.items() if value}


def _domain(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "")[:253]
    except ValueError:
        return ""
