"""A closed-loop client in a process of its own: so many connections, each with one request at a time.

Arguments: port, file with the body, its content type, connections, seconds. Prints JSON.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import click


async def _client(port: int, request: bytes, until: float, times: list[float], statuses: dict[str, int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        times.append(time.perf_counter() - started)
        status = head.split(b" ", 2)[1].decode()
        statuses[status] = statuses.get(status, 0) + 1
    writer.close()


async def main(port: int, data: bytes, content_type: str, connections: int, seconds: float) -> None:
    """Sends requests until the time is up, and waits for their answers."""
    request = (
        f"POST /segment HTTP/1.1\r\nHost: bench\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n\r\n"
    ).encode() + data
    times: list[float] = []
    statuses: dict[str, int] = {}
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_client(port, request, started + seconds, times, statuses))
    click.echo(json.dumps({"seconds": time.perf_counter() - started, "statuses": statuses, "times": times}))


if __name__ == "__main__":
    asyncio.run(
        main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes(), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
    )
