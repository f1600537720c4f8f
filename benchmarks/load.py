"""A closed-loop client in a process of its own: so many connections, each with one request at a time.

Arguments: port, file with the body, its content type, connections, seconds. Prints JSON.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import click


def post_request(data: bytes, content_type: str) -> bytes:
    """A request for a mask, head and body."""
    head = (
        f"POST /segment HTTP/1.1\r\nHost: bench\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def read_answer(reader: asyncio.StreamReader) -> tuple[str, bool]:
    """Reads one answer: its status, and whether the connection stays."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    return head.split(b" ", 2)[1].decode(), b"connection: close" not in head


async def _client(port: int, request: bytes, until: float, times: list[float], statuses: dict[str, int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(request)
        status, _ = await read_answer(reader)
        times.append(time.perf_counter() - started)
        statuses[status] = statuses.get(status, 0) + 1
    writer.close()


async def main(port: int, data: bytes, content_type: str, connections: int, seconds: float) -> None:
    """Sends requests until the time is up, and waits for their answers."""
    request = post_request(data, content_type)
    times: list[float] = []
    statuses: dict[str, int] = {}
    before = time.process_time()
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_client(port, request, started + seconds, times, statuses))
    found = {"seconds": time.perf_counter() - started, "processor_seconds": time.process_time() - before}
    click.echo(json.dumps({**found, "statuses": statuses, "times": times}))


if __name__ == "__main__":
    asyncio.run(
        main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes(), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
    )
