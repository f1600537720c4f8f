"""The harness itself: what every client here finds."""

import httpx

from tests.compat.served import Served


def test_a_picture_is_answered(served: Served, jpeg: bytes) -> None:
    answer = httpx.post(f"{served.url}/segment", content=jpeg)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["segserve-model"].startswith("pets/3; ")


def test_the_other_server_asks_for_its_key(locked: Served, jpeg: bytes) -> None:
    assert httpx.post(f"{locked.url}/segment", content=jpeg).status_code == 401
    assert httpx.post(f"{locked.url}/segment", content=jpeg, headers=locked.headers).status_code == 200
