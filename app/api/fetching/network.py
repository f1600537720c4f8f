"""Connections to addresses that were checked: what is connected to is the very address that passed."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import httpcore
from httpcore._backends.base import SOCKET_OPTION  # only a type, which it does not export

from app.api.fetching.addresses import Network, may_connect
from app.core.errors import UrlNotAllowedError

CONNECT_SECONDS = 4.0
"""Longest wait for one of a host's addresses, so that there is time for the next one."""
MOST_ADDRESSES = 4
"""Of a host that are tried."""

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host, in the order to try them."""


class Resolver:
    """Asks the system for addresses, in threads of its own: one that hangs keeps nobody else waiting."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="resolver")

    async def __call__(self, host: str, port: int) -> list[str]:
        """The addresses of a host.

        Raises:
            OSError: it has none.
        """
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _addresses, host, port)
        return list(dict.fromkeys(found))


def _addresses(host: str, port: int) -> list[str]:
    try:
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError("no name of a host") from error


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections for HTTP; TLS above them is for the name, not for the address.

    Args:
        allowed: networks that may be reached although they are not public.
        resolve: finds the addresses of a host.
        network: opens the connections.
    """

    def __init__(
        self, allowed: tuple[Network, ...], resolve: Resolve, network: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend() if network is None else network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to one of a host's addresses, all of which must be allowed.

        Raises:
            UrlNotAllowedError: one of them is not.
            httpcore.ConnectError, httpcore.ConnectTimeout: it has none, or none answers.
        """
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError("no address") from error
        if not all(may_connect(address, self._allowed) for address in addresses):
            raise UrlNotAllowedError(f"{host} has an address that is not public, or not of url_networks")
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                return await self._network.connect_tcp(address, port, CONNECT_SECONDS, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure
