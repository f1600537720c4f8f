from collections.abc import Iterable
from typing import Any

import httpcore
import pytest

from app.api.fetching.addresses import networks_of
from app.api.fetching.network import CheckedNetwork, Resolve, Resolver
from app.core.errors import UrlNotAllowedError

pytestmark = pytest.mark.anyio


class Wires(httpcore.AsyncNetworkBackend):
    """Notes where a connection goes; some addresses do not answer."""

    def __init__(self, dead: Iterable[str] = ()) -> None:
        self.dead = set(dead)
        self.reached: list[tuple[str, int]] = []

    async def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        self.reached.append((host, port))
        if host in self.dead:
            raise httpcore.ConnectTimeout
        return httpcore.AsyncMockStream([])


def resolving(*answers: list[str]) -> Resolve:
    """Each time it is asked it gives the next answer."""
    following = iter(answers)

    async def resolve(host: str, port: int) -> list[str]:
        return next(following)

    return resolve


async def test_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    wires = Wires()
    network = CheckedNetwork((), resolving(["1.1.1.1"], ["127.0.0.1"]), wires)
    await network.connect_tcp("example.org", 80)
    assert wires.reached == [("1.1.1.1", 80)]  # no second look at a name that means something else by now
    with pytest.raises(UrlNotAllowedError, match=r"example.org"):
        await network.connect_tcp("example.org", 80)
    assert len(wires.reached) == 1


async def test_one_bad_address_among_good_ones_is_enough() -> None:
    wires = Wires()
    with pytest.raises(UrlNotAllowedError) as caught:
        await CheckedNetwork((), resolving(["1.1.1.1", "10.0.0.1"]), wires).connect_tcp("example.org", 80)
    assert "10.0.0.1" not in caught.value.detail  # nobody learns of the addresses inside
    assert wires.reached == []


async def test_networks_that_the_operator_allows() -> None:
    wires = Wires()
    network = CheckedNetwork(networks_of("10.0.0.0/8"), resolving(["10.0.0.1"], ["10.0.0.1", "127.0.0.1"]), wires)
    await network.connect_tcp("images.lan", 80)
    assert wires.reached == [("10.0.0.1", 80)]
    with pytest.raises(UrlNotAllowedError):
        await network.connect_tcp("images.lan", 80)


async def test_the_next_address_is_tried() -> None:
    wires = Wires(dead=["1.1.1.1"])
    await CheckedNetwork((), resolving(["1.1.1.1", "8.8.8.8"]), wires).connect_tcp("example.org", 443)
    assert wires.reached == [("1.1.1.1", 443), ("8.8.8.8", 443)]


async def test_none_answers() -> None:
    dead = [f"1.1.1.{number}" for number in range(9)]
    wires = Wires(dead)
    with pytest.raises(httpcore.ConnectTimeout):
        await CheckedNetwork((), resolving(dead), wires).connect_tcp("example.org", 443)
    assert len(wires.reached) == 4
    with pytest.raises(httpcore.ConnectError):
        await CheckedNetwork((), resolving([]), wires).connect_tcp("example.org", 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1"])
async def test_numbers_are_read_as_the_system_reads_them(host: str) -> None:
    wires = Wires()
    assert await Resolver()(host, 80) == ["127.0.0.1"]
    with pytest.raises(UrlNotAllowedError):
        await CheckedNetwork((), Resolver(), wires).connect_tcp(host, 80)
    assert wires.reached == []


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "a" * 64 + ".example"])
async def test_a_name_that_cannot_be_one(host: str) -> None:
    with pytest.raises(httpcore.ConnectError):
        await CheckedNetwork((), Resolver(), Wires()).connect_tcp(host, 80)
