"""An open-loop client in a process of its own: requests come when they come, whether earlier ones are answered or not.

Arguments: port, file with the body, its content type, requests a second, seconds. Prints JSON.
"""

import asyncio
import json
import random
import sys
import time
from collections import deque
from pathlib import Path

import click

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

SEED = 0
PATIENCE_SECONDS = 60


async def _ask(port: int, request: bytes, idle: deque[Connection], started: float, answers: list[object]) -> None:
    """One request, over a connection that is free or a new one."""
    begun = time.perf_counter()
    reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    ended = time.perf_counter()
    answers.append((head.split(b" ", 2)[1].decode(), ended - begun, ended - started))
    if b"connection: close" in head:
        writer.close()
    else:
        idle.append((reader, writer))


async def main(port: int, data: bytes, content_type: str, rate: float, seconds: float) -> None:
    """Sends requests at times of a Poisson process, then waits for the answers that are still to come."""
    head = (
        f"POST /segment HTTP/1.1\r\nHost: bench\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    request, times, idle = head.encode() + data, random.Random(SEED), deque[Connection]()
    answers: list[object] = []
    started = due = time.perf_counter()
    async with asyncio.timeout(seconds + PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        while (due := due + times.expovariate(rate)) < started + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_ask(port, request, idle, started, answers))
    click.echo(json.dumps({"seconds": seconds, "answers": answers}))


if __name__ == "__main__":
    asyncio.run(
        main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes(), sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))
    )
