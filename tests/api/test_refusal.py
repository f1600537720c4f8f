import pytest
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from app.api.access import AccessRecord
from app.api.admission import Admission
from app.api.refusal import RefusalMiddleware

pytestmark = pytest.mark.anyio


async def handled(scope: Scope, full: bool) -> list[Message] | None:
    """What is sent for a request; None where it reaches the application."""
    sent: list[Message] = []
    reached = False

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal reached
        reached = True

    async def receive() -> Message:
        raise AssertionError("nothing of a request that is refused is read")

    async def send(message: Message) -> None:
        sent.append(message)

    admission = Admission(1)
    route = Route("/segment", application, methods=["POST"])
    middleware = RefusalMiddleware(application, admission, [Route("/other", application), route])
    if full:
        with admission.slot():
            await middleware(scope, receive, send)
        assert reached or scope["route"] is route
    else:
        await middleware(scope, receive, send)
    return None if reached else sent


def request(method: str = "POST", path: str = "/segment", root_path: str = "") -> Scope:
    state = {"record": AccessRecord("id", method)}
    return {"type": "http", "method": method, "path": path, "root_path": root_path, "headers": [], "state": state}


@pytest.mark.parametrize("scope", [request(), request(path="/pets/segment", root_path="/pets")])
async def test_refused_while_full(scope: Scope) -> None:
    sent = await handled(scope, full=True)
    assert sent is not None
    start, body = sent
    assert start["status"] == 503
    assert (b"retry-after", b"1") in start["headers"]
    assert b'"code":"overloaded"' in body["body"]


@pytest.mark.parametrize(
    ("scope", "full"),
    [
        (request(), False),
        (request(method="GET"), True),
        (request(path="/health/live"), True),
        ({"type": "lifespan"}, True),
    ],
)
async def test_everything_else_goes_on(scope: Scope, full: bool) -> None:
    assert await handled(scope, full) is None
