"""A month of traffic in an hour: mixed pictures, options, mistakes and hang-ups, while versions change.

Counts what came of each kind, fails on an answer that is none of those that may be, and looks at the idle process.
"""

import collections
import itertools
import platform
import random
import shutil
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx

from app.api.key_entries import KeyEntry, digest, entry_text, new_key
from app.inference.outputs import OUTPUTS
from app.store.repository import ModelStore
from app.training.machine import processor
from benchmarks.request import photograph
from benchmarks.server import Server, serving

SIZES = ((160, 120), (500, 375), (375, 500), (1024, 768), (2000, 1500), (33, 700))
KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF")
CLIENTS = 4
SETTLE_SECONDS = 0.5
PATIENCE_SECONDS = 120
"""Until clients that do not come to rest, or never go on, end the soak."""
SWITCH_SECONDS = 4.0
KEY = new_key()
HEADERS = {"Authorization": f"Bearer {KEY}"}
ALLOWED = {
    "picture": {200, 503},
    "options": {200, 503},
    "many": {200, 503},
    "protocol": {200, 503},
    "mistake": {400, 406, 413, 415, 422, 503},
    "deadline": {200, 503, 504},
    "page": {200},
    "switch": {200},
    "broken": {409},
}
"""Statuses by kind of request."""


class Tally:
    """What came, by kind and status; what should not have come is kept."""

    def __init__(self) -> None:
        self.counts: collections.Counter[tuple[str, str]] = collections.Counter()
        self.wrong: list[str] = []
        self.reached = threading.Condition()

    @property
    def total(self) -> int:
        """How many came."""
        return sum(self.counts.values())

    def note(self, kind: str, response: httpx.Response) -> None:
        """Counts an answer."""
        self.note_other(kind, str(response.status_code))
        with self.reached:
            if response.status_code not in ALLOWED[kind]:
                self.wrong.append(f"{kind}: {response.status_code} {response.text[:200]}")

    def note_other(self, kind: str, what: str) -> None:
        """Counts what has no answer."""
        with self.reached:
            self.counts[kind, what] += 1
            self.reached.notify()

    def blame(self, what: str) -> None:
        """Keeps what should not have come."""
        with self.reached:
            self.wrong.append(what)

    def wait(self, total: int) -> None:
        """Waits until so many came."""
        with self.reached:
            while self.total < total:
                if not self.reached.wait(PATIENCE_SECONDS):
                    raise click.ClickException(f"nothing comes any more: {self.wrong[:5]}")


class Traffic:
    """Clients that send what they draw, until they are told to stop; they pause at a gate.

    Args:
        server: the service.
        expected: mask of the first picture by version.
        tally: where to count.
    """

    def __init__(self, server: Server, expected: dict[str, bytes], tally: Tally) -> None:
        self._url, self._expected, self._tally = str(server.client.base_url), expected, tally
        self._pictures = [photograph(*size, kind) for size in SIZES for kind in KINDS]
        self._open, self._stop = threading.Event(), threading.Event()
        self._gate = threading.Barrier(CLIENTS + 1, timeout=PATIENCE_SECONDS)
        self._threads = [threading.Thread(target=self._client, args=(number,)) for number in range(CLIENTS)]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Runs while its block runs."""
        self._open.set()
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._open.set()
            for thread in self._threads:
                thread.join()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No request is under way in its block."""
        self._open.clear()
        self._gate.wait()
        try:
            yield
        finally:
            self._open.set()
            self._gate.wait()

    def _client(self, number: int) -> None:
        draw = random.Random(number)
        kinds: list[tuple[Callable[[httpx.Client, random.Random], None], int]] = [
            *((self._picture, 60), (self._options, 5), (self._many, 1), (self._protocol, 2), (self._mistake, 12)),
            *((self._deadline, 4), (self._hang_up, 8), (self._page, 8)),
        ]
        actions, weights = zip(*kinds, strict=True)
        with httpx.Client(base_url=self._url, headers=HEADERS, timeout=60) as client:
            while not self._stop.is_set():
                if not self._open.is_set():
                    self._gate.wait()
                    self._gate.wait()
                    continue
                try:
                    draw.choices(actions, weights)[0](client, draw)
                except (httpx.HTTPError, OSError) as error:
                    self._tally.blame(f"no answer: {error!r}")

    def _picture(self, client: httpx.Client, draw: random.Random) -> None:
        response = client.post("/segment", content=self._pictures[0])
        self._tally.note("picture", response)
        version = response.headers.get("segserve-model", "").partition(";")[0]
        if response.status_code == httpx.codes.OK and response.content != self._expected.get(version):
            self._tally.blame(f"a mask that is not that of {version}")

    def _options(self, client: httpx.Client, draw: random.Random) -> None:
        query = {
            "output": draw.choice([*OUTPUTS, "mask,polygons"]),
            **draw.choice([{}, {}, {"flip": "true"}, {"tile": "512"}]),
        }
        self._tally.note("options", client.post("/segment", params=query, content=draw.choice(self._pictures)))

    def _many(self, client: httpx.Client, draw: random.Random) -> None:
        files = [
            ("file", (f"{n}.jpg", draw.choice([*self._pictures[:21], b"none"]))) for n in range(draw.randint(2, 6))
        ]
        self._tally.note("many", client.post("/segment", params={"many": draw.choice(["ndjson", "zip"])}, files=files))

    def _protocol(self, client: httpx.Client, draw: random.Random) -> None:
        head = {"Inference-Header-Content-Length": "0"}
        self._tally.note(
            "protocol", client.post("/v2/models/pets/infer", headers=head, content=draw.choice(self._pictures))
        )

    def _mistake(self, client: httpx.Client, draw: random.Random) -> None:
        picture = draw.choice(self._pictures)
        query, body = draw.choice(
            [({}, b""), ({}, b"\0" * 99), ({}, picture[:300]), ({"output": "x"}, picture), ({"tile": "7"}, picture)]
        )
        self._tally.note("mistake", client.post("/segment", params=query, content=body))

    def _deadline(self, client: httpx.Client, draw: random.Random) -> None:
        timeout = draw.choice([0.001, 0.02, 0.1])
        self._tally.note("deadline", client.post("/segment", params={"timeout": timeout}, content=self._pictures[-1]))

    def _hang_up(self, client: httpx.Client, draw: random.Random) -> None:
        body = draw.choice(self._pictures)
        key = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
        head = f"POST /segment HTTP/1.1\r\nHost: soak\r\n{key}Content-Length: {len(body)}\r\n\r\n".encode()
        whole = draw.random() < 0.5
        with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as connection:
            connection.sendall(head + (body if whole else body[: len(body) // 2]))
        self._tally.note_other("hang-up", "whole" if whole else "half-way")

    def _page(self, client: httpx.Client, draw: random.Random) -> None:
        pages = ("/", "/model", "/models", "/model/architecture", "/metrics", "/health/live", "/openapi.json")
        self._tally.note("page", client.get(draw.choice(pages)))


class Releases(threading.Thread):
    """Switches the alias between two versions, and asks for one that is damaged, again and again.

    Args:
        server: the service.
        versions: the two.
        damaged: the third.
        tally: where to count.
    """

    def __init__(self, server: Server, versions: tuple[int, int], damaged: int, tally: Tally) -> None:
        super().__init__()
        self._url, self._versions, self._damaged, self._tally = server.client.base_url, versions, damaged, tally
        self.stop, self._busy = threading.Event(), threading.Lock()

    def run(self) -> None:
        """Until it is told to stop."""
        with httpx.Client(base_url=self._url, headers=HEADERS, timeout=60) as admin:
            for turn in itertools.count():
                if self.stop.wait(SWITCH_SECONDS):
                    return
                with self._busy:
                    self._release(admin, turn)

    def _release(self, admin: httpx.Client, turn: int) -> None:
        version = self._versions[turn % 2]
        self._tally.note("switch", admin.post(f"/models/pets/{version}/activate"))
        if turn % 5 == 0:
            self._tally.note("broken", admin.post(f"/models/pets/{self._damaged}/load"))
        if turn % 3 == 0:
            admin.post(f"/models/pets/{self._versions[1 - turn % 2]}/unload")

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Nothing changes in its block; the default version alone is in memory."""
        with self._busy:
            for version in self._versions:
                # not checked: one is the default, the other may not be there
                httpx.post(self._url.join(f"/models/pets/{version}/unload"), headers=HEADERS)
            yield


@click.command()
@click.option("--requests", default=100_000, show_default=True)
@click.option("--looks", default=40, show_default=True, help="How often to look at the idle process.")
@click.option("--plot", type=click.Path(path_type=Path), help="PNG of memory, open files and threads.")
def main(requests: int, looks: int, plot: Path | None) -> None:
    """Print what came of it; exit code 1 where something came that should not have."""
    tally = Tally()
    seen: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as temporary:
        store, good, damaged = _store(Path(temporary, "store"))
        entry = KeyEntry(sha256=digest(KEY.encode()), scopes=("segment", "admin", "metrics"))
        with serving(store.root, "pets:production", {"SEGSERVE_API_KEYS": entry_text("soak", entry)}) as server:
            server.client.headers.update(HEADERS)
            expected = _masks(server, good, photograph(*SIZES[0], KINDS[0]))
            traffic, releases = Traffic(server, expected, tally), Releases(server, good, damaged, tally)
            begun = time.monotonic()
            with traffic.running():
                releases.start()
                try:
                    for look in range(1, looks + 1):
                        tally.wait(look * requests // looks)
                        with traffic.paused(), releases.resting():
                            time.sleep(SETTLE_SECONDS)
                            if server.process.poll() is not None:
                                raise click.ClickException(f"the service ended: {tally.wrong[:5]}")
                            seen.append({"minute": (time.monotonic() - begun) / 60, **server.resources})
                finally:
                    releases.stop.set()
                    releases.join()
    click.echo(
        f"{processor()}, Python {platform.python_version()}; {seen[-1]['minute']:.0f} minutes, {CLIENTS} clients\n"
    )
    click.echo(_table(tally))
    click.echo(_idle(seen))
    if plot:
        _draw(seen, plot)
    if tally.wrong:
        raise click.ClickException(f"{len(tally.wrong)} things that should not have come: {tally.wrong[:5]}")


def _store(root: Path) -> tuple[ModelStore, tuple[int, int], int]:
    """A copy of the store, its newest two versions, and the number of a damaged copy."""
    shutil.copytree("model_store", root)
    store = ModelStore(root)
    first, second = store.versions("pets")[-2:]
    broken = store.folder("pets") / str(second + 1)
    shutil.copytree(store.folder("pets") / str(second), broken)
    manifest = broken / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text(
        manifest.read_text("utf-8").replace(f'"version": {second}', f'"version": {second + 1}'), "utf-8"
    )
    weights = broken / "openvino" / "model.bin"
    weights.chmod(0o644)
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    return store, (first, second), second + 1


def _masks(server: Server, versions: tuple[int, int], picture: bytes) -> dict[str, bytes]:
    masks = {}
    for version in versions:
        server.client.post(f"/models/pets/{version}/load").raise_for_status()
        answer = server.client.post("/segment", params={"model": f"pets:{version}"}, content=picture)
        masks[f"pets/{version}"] = answer.raise_for_status().content
    return masks


def _table(tally: Tally) -> str:
    kinds = sorted({kind for kind, _ in tally.counts})
    outcomes = sorted({outcome for _, outcome in tally.counts})
    lines = [f"| | {' | '.join(outcomes)} |", f"|{'---|' * (len(outcomes) + 1)}"]
    for kind in kinds:
        lines.append(f"| {kind} | {' | '.join(str(tally.counts[kind, o] or '') for o in outcomes)} |")
    return "\n".join([*lines, f"\n{tally.total:,} requests, {len(tally.wrong)} that should not have come\n"])


def _idle(seen: list[dict[str, float]]) -> str:
    """The idle process by quarter of the time."""
    quarter = len(seen) // 4
    lines = ["| idle | 1st quarter | 2nd | 3rd | 4th | 4th against 3rd | most |", "|---|---|---|---|---|---|---|"]
    for name in [name for name in seen[0] if name != "minute"]:
        values = [each[name] for each in seen]
        medians = [statistics.median(values[i * quarter : (i + 1) * quarter]) for i in range(4)]
        cells = [*(f"{median:.0f}" for median in medians), f"{medians[3] / medians[2] - 1:+.1%}", f"{max(values):.0f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _draw(seen: list[dict[str, Any]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    memory, counts = figure.subplots(2, sharex=True, height_ratios=(2, 1))
    minutes = [each["minute"] for each in seen]
    memory.plot(minutes, [each["memory, MB"] for each in seen], ".-", color="#1b6ca8")
    memory.set(ylabel="idle memory, MB", ylim=(0, None))
    for name, colour in (("open files", "#c8553d"), ("threads", "#3a7d44")):
        counts.plot(minutes, [each[name] for each in seen], ".-", color=colour, label=name)
    counts.set(xlabel="minute", ylabel="idle", ylim=(0, None))
    counts.legend(loc="lower right")
    for axes in (memory, counts):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
