import pytest
from hypothesis import given
from hypothesis.strategies import ip_addresses

from app.api.fetching.addresses import may_connect, networks_of


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "2a00:1450:4001:82a::200e"])
def test_public_addresses_pass(address: str) -> None:
    assert may_connect(address, ())


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.9.9.9"),
        *("169.254.169.254", "168.63.129.16", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.168.1.1"),
        *("192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1"),
        *("2002:7f00:1::", "2002:808:808::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "3fff::1"),
        *("fec0::1", "100::1", "5f00::1", "2606:4700::1111%eth0"),
    ],
)
def test_all_others_do_not(address: str) -> None:
    assert not may_connect(address, ())
    assert not may_connect(address, networks_of("10.9.0.0/16,fd99::/16"))


def test_networks_that_the_operator_allows() -> None:
    allowed = networks_of("10.0.0.0/8, fd00::/8,127.0.0.1")
    assert all(may_connect(address, allowed) for address in ("10.1.2.3", "fd00::1", "127.0.0.1", "1.1.1.1"))
    assert not any(may_connect(address, allowed) for address in ("127.0.0.2", "::ffff:10.0.0.1", "169.254.169.254"))
    assert networks_of("") == networks_of(" , ") == ()


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/40", "example.org", "*"])
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        networks_of(text)


@given(ip_addresses())
def test_only_global_addresses_ever_pass(address: object) -> None:
    if may_connect(str(address), ()):
        assert getattr(address, "is_global")  # noqa: B009  # of either kind
        assert not getattr(address, "is_multicast")  # noqa: B009
