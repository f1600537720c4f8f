"""Who may do what: routes that need a key, and the key that a request brings."""

import base64
from typing import Annotated

from fastapi import Depends, Request, params
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.datastructures import Headers

from app.api.key_entries import Scope
from app.api.keyring import Key, Keyring
from app.api.problems import problem_answers
from app.api.state import RecordDependency
from app.core.errors import ForbiddenError, TooManyRequestsError, UnauthorizedError
from app.inference.budget import Claim
from app.inference.caller import unclaimed

HEADER = "X-API-Key"
KEY_NEEDED = f"send `Authorization: Bearer KEY` or `{HEADER}: KEY` with a key of this service"

# For OpenAPI; they refuse nothing, and see one header of a name where there may be two.
SCHEMES = (
    HTTPBearer(
        auto_error=False,
        scheme_name="bearer",
        description="`Authorization: Bearer KEY`. A key is for some of: `segment` (pictures, models), `admin` (models, "
        "the admin API), `metrics`.",
    ),
    APIKeyHeader(name=HEADER, auto_error=False, scheme_name="header", description=f"The same as `{HEADER}: KEY`."),
)
REFUSALS = problem_answers(UnauthorizedError, ForbiddenError, TooManyRequestsError)
"""`responses` of routes that need a key."""


def key_needed(keyring: Keyring, *scopes: Scope, basic: bool = False) -> list[params.Depends]:
    """Dependencies of routes that a key with one of these scopes opens; `basic`: also as a password, see `given_key`.

    They come before all others of a route, so that nothing else of a refused request is looked at. They raise:
    UnauthorizedError without a key or with an unknown one, ForbiddenError with one that is for something else,
    TooManyRequestsError with one that has made too many requests.
    """

    async def check(request: Request, record: RecordDependency) -> None:
        key = keyring.find(given_key(request.headers, basic))
        if key is None:
            raise UnauthorizedError(f"there is no such key: {KEY_NEEDED}")
        record.key = key.name
        if not set(scopes) & set(key.scopes):
            raise ForbiddenError(f"this takes a key for {' or '.join(scopes)}; yours is for {', '.join(key.scopes)}")
        key.count_request()
        request.state.key = key

    return [*(Depends(scheme) for scheme in SCHEMES), Depends(check)]


def given_key(headers: Headers, basic: bool = False) -> bytes:
    """The key that a request brings, as it was sent.

    Args:
        headers: of the request.
        basic: whether it may be the password of Basic authentication (RFC 7617), for clients that know no other.

    Raises:
        UnauthorizedError: none, or several: who stands before the service might have looked at another one.
    """
    given = {value.encode("latin-1") for value in headers.getlist(HEADER)}
    for value in headers.getlist("Authorization"):
        scheme, _, credentials = value.partition(" ")
        if scheme.lower() == "bearer":
            given.add(credentials.strip().encode("latin-1"))
        elif basic and scheme.lower() == "basic":
            given.add(_password(credentials))
    if len(given) > 1:
        raise UnauthorizedError(f"the request brings different keys: {KEY_NEEDED}")
    if not given:
        raise UnauthorizedError(KEY_NEEDED)
    return given.pop()


def _password(credentials: str) -> bytes:
    """What stands behind the first colon; nothing where it is no such thing."""
    try:
        return base64.b64decode(credentials.strip(), validate=True).partition(b":")[2]
    except ValueError:
        return b""


async def _claim(request: Request) -> Claim:
    """Takes pixels from what the request's key may use; refuses a request whose key is in debt for earlier ones."""
    key = getattr(request.state, "key", None)
    if key is None:
        return unclaimed
    assert isinstance(key, Key)
    key.count_pixels(0)
    return key.count_pixels


KeyClaim = Annotated[Claim, Depends(_claim)]
