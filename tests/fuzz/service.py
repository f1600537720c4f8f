"""A real server that gets everything that a client can send, and what it made of it."""

import base64
import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.api.errors import PROBLEM_TYPE
from tests.e2e.process import ServerProcess
from tests.fuzz.memory import forget_peak, peak_mb
from tests.fuzz.requests import Sent, drawn_request
from tests.fuzz.subject import MAX_PIXELS, SECONDS, Result
from tests.fuzz.verdict import wrong_size

BY_DESIGN = {503, 504}
"""Statuses of the server's own that may come: too much at a time, or a deadline that the request set."""


@contextmanager
def serving(store: Path) -> Iterator[ServerProcess]:
    """A server of a store with a tiny `pets`, ready."""
    environment = {"SEGSERVE_MAX_PIXELS": str(MAX_PIXELS), "SEGSERVE_DRAIN_SECONDS": "0"}
    with ServerProcess("--model-store", str(store), environment=environment) as server:
        server.wait_for("ready")
        yield server


class Service:
    """Sends the requests of a campaign to a server of its own.

    Args:
        server: it; ready.
        seed: of the campaign.
    """

    def __init__(self, server: ServerProcess, seed: int) -> None:
        self._server, self._seed = server, seed
        self._client = httpx.Client(base_url=server.url, timeout=SECONDS)
        for number in range(20):  # warm
            self._send(drawn_request(seed, number))
        self._warm_mb = peak_mb(server.process.pid)

    def run(self, number: int) -> Result:
        """Sends a request."""
        sent = drawn_request(self._seed, number)
        forget_peak(self._server.process.pid)
        begun = time.monotonic()
        try:
            answer = self._send(sent)
        except httpx.HTTPError as error:
            return Result("no answer", time.monotonic() - begun, 0.0, repr(error))
        seconds, grown = time.monotonic() - begun, peak_mb(self._server.process.pid) - self._warm_mb
        try:
            outcome, wrong = _outcome(sent, answer)
        except Exception as error:
            outcome, wrong = str(answer.status_code), f"an answer that cannot be read: {error!r}"
        return Result(outcome, seconds, grown, wrong)

    def close(self) -> None:
        """Lets go of its connections."""
        self._client.close()

    def _send(self, sent: Sent) -> httpx.Response:
        content = [sent.body[:100], sent.body[100:]] if sent.chunked else sent.body
        return self._client.post("/segment", params=sent.query, headers=sent.headers, content=content)


def _outcome(sent: Sent, answer: httpx.Response) -> tuple[str, str | None]:
    """The outcome, and what is wrong with it."""
    status, media_type = answer.status_code, answer.headers["content-type"]
    if status != httpx.codes.OK:
        problem = answer.json()
        proper = media_type == PROBLEM_TYPE and status == problem["status"]
        allowed = status < 500 or status in BY_DESIGN
        return f"{status} {problem['code']}", None if proper and allowed else answer.text[:300]
    if media_type == "application/x-ndjson":
        return "200 many", _wrong_line(sent, [json.loads(line) for line in answer.content.splitlines()])
    if media_type == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            names = archive.namelist()
        return "200 many", next((f"a name {name!r}" for name in names if "/" in name or "\\" in name), None)
    of_the_models_size = media_type == "application/x-npy" and ("size", "original") not in sent.query
    if of_the_models_size or not sent.pictures:
        return "200", None
    return "200", wrong_size(sent.pictures[0], answer.content, media_type)


def _wrong_line(sent: Sent, lines: list[dict[str, object]]) -> str | None:
    for line in lines:
        status = line["status"]
        assert isinstance(status, int)
        if status >= 500 and status not in BY_DESIGN:
            return str(line)[:300]
        media_type = line.get("media_type")
        if media_type == "image/png" and sent.pictures:
            content = base64.b64decode(str(line["content"]))
            if wrong := wrong_size(sent.pictures[int(str(line["index"]))], content, "image/png"):
                return wrong
    return None
