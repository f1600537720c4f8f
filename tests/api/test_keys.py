import pytest
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import SecretStr

from app.api.keys import require_key
from app.core.errors import UnauthorizedError

KEY = "0123456789abcdef"


@pytest.mark.anyio
@pytest.mark.parametrize("given", [None, "", KEY[:-1], KEY + "0", "clé"])
async def test_only_the_key_opens(given: str | None) -> None:
    check = require_key(SecretStr(KEY))
    await check(HTTPAuthorizationCredentials(scheme="Bearer", credentials=KEY))
    with pytest.raises(UnauthorizedError):
        await check(None if given is None else HTTPAuthorizationCredentials(scheme="Bearer", credentials=given))
