"""Who may use the admin API."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from app.core.errors import UnauthorizedError

Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, scheme_name="admin", description="The setting `admin_key`.")),
]


def require_key(key: SecretStr) -> Callable[[Bearer], Awaitable[None]]:
    """A dependency that lets requests with that key pass.

    The dependency raises UnauthorizedError for others.
    """
    expected = key.get_secret_value().encode()

    async def check(given: Bearer) -> None:
        if given is None or not hmac.compare_digest(given.credentials.encode(), expected):
            raise UnauthorizedError("send `Authorization: Bearer KEY` with the key of the admin API")

    return check
