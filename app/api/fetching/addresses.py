"""Which IP addresses a picture may be fetched from: public ones, and those of networks that the operator allows."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is routed in public; what is local, or maps or translates IPv4 addresses, lies outside."""
NOT_PUBLIC: tuple[Network, ...] = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this host (RFC 1122)
            "10.0.0.0/8",  # private (RFC 1918)
            "100.64.0.0/10",  # carrier-grade NAT (RFC 6598)
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # the host below a virtual machine of Azure
            "169.254.0.0/16",  # link-local, and the metadata of most clouds
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments (RFC 6890)
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks (RFC 2544)
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
            "2001::/23",  # protocol assignments, among them Teredo, which embeds IPv4 addresses (RFC 4380)
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which embeds IPv4 addresses (RFC 3056)
            "3fff::/20",  # documentation (RFC 9637)
        ),
    )
)


def networks_of(text: str) -> tuple[Network, ...]:
    """Networks written with commas between them, `10.0.0.0/8,fd00::/8`.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(ip_network(item.strip()) for item in text.split(",") if item.strip())


def may_connect(address: str, allowed: Iterable[Network]) -> bool:
    """Whether a picture may be fetched from there.

    Args:
        address: as the resolver writes it; with a scope it is local, and never public.
        allowed: networks that may be reached although they are not public.
    """
    found = ip_address(address)
    if any(found in network for network in allowed):
        return True
    if isinstance(found, IPv6Address) and (found.scope_id is not None or found not in GLOBAL_UNICAST):
        return False
    return found.is_global and not any(found in network for network in NOT_PUBLIC)
