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

from benchmarks.load import post_request, read_answer

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

SEED = 0
PATIENCE_SECONDS = 60


async def _ask(port: int, request: bytes, idle: deque[Connection], started: float, answers: list[object]) -> None:
    """One request, over a connection that is free or a new one."""
    begun = time.perf_counter()
    reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    status, stays = await read_answer(reader)
    ended = time.perf_counter()
    answers.append((status, ended - begun, ended - started))
    if stays:
        idle.append((reader, writer))
    else:
        writer.close()


async def main(port: int, data: bytes, content_type: str, rate: float, seconds: float) -> None:
    """Sends requests at times of a Poisson process, then waits for the answers that are still to come."""
    request, times, idle = post_request(data, content_type), random.Random(SEED), deque[Connection]()
    answers: list[object] = []
    before = time.process_time()
    started = due = time.perf_counter()
    async with asyncio.timeout(seconds + PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        while (due := due + times.expovariate(rate)) < started + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_ask(port, request, idle, started, answers))
    found = {"seconds": time.perf_counter() - started, "processor_seconds": time.process_time() - before}
    click.echo(json.dumps({**found, "answers": answers}))


if __name__ == "__main__":
    asyncio.run(
        main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes(), sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))
    )
