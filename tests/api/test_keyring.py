import hmac
import logging
from pathlib import Path
from unittest.mock import Mock

import pytest

from app.api.keyring import Key, Keyring, open_keyring
from app.core.errors import ConfigurationError, TooManyRequestsError
from app.core.settings import Settings
from tests.fixtures.api_keys import KEY, entry, written

OTHER = written("segment", key="other", name="other")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A monotonic clock that shows its first number."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with the key of the tests."""
    path = tmp_path / "keys.toml"
    path.write_text(written("segment", "admin"))
    return path


def name_of(keyring: Keyring, key: str) -> str | None:
    found = keyring.find(key.encode())
    return None if found is None else found.name


def test_keys_are_found_by_what_they_are(path: Path) -> None:
    keyring = Keyring(OTHER, path)
    assert name_of(keyring, "other") == "other"
    found = keyring.find(KEY.encode())
    assert found is not None
    assert (found.name, found.scopes) == ("tests", ("segment", "admin"))


@pytest.mark.parametrize("given", [b"", KEY[:-1].encode(), KEY.encode() + b"0", b"\xff\x00", b"x" * 100_000])
def test_nothing_else_is_a_key(given: bytes) -> None:
    assert Keyring(written("segment"), None).find(given) is None


def test_a_hash_is_not_a_key() -> None:
    assert Keyring(written("segment"), None).find(entry("segment").sha256.encode()) is None


def test_all_keys_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compare = Mock(wraps=hmac.compare_digest)
    monkeypatch.setattr("app.api.keyring.hmac.compare_digest", compare)
    keyring = Keyring(written("segment") + OTHER + written("admin", key="third", name="third"), None)
    for given in (KEY, "other", "third", "none"):
        compare.reset_mock()
        keyring.find(given.encode())
        assert compare.call_count == 3


def test_a_change_of_the_file_is_followed(path: Path, clock: list[float]) -> None:
    keyring = Keyring(None, path)
    path.write_text(OTHER)
    clock[0] += 0.9
    assert name_of(keyring, "other") is None
    clock[0] += 0.1
    assert name_of(keyring, "other") == "other"
    assert name_of(keyring, KEY) is None


def test_the_file_is_not_looked_at_more_often(path: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    keyring, look = Keyring(None, path), Mock(return_value=path.read_bytes())
    monkeypatch.setattr(Path, "read_bytes", look)
    for _ in range(50):
        keyring.find(b"")
        clock[0] += 0.1
    assert 4 <= look.call_count <= 5


@pytest.mark.parametrize("damage", ["[tests", "", "tests = 3", None, "folder"])
def test_a_broken_file_changes_nothing_and_is_told_once(
    path: Path, clock: list[float], caplog: pytest.LogCaptureFixture, damage: str | None
) -> None:
    keyring = Keyring(None, path)
    good = path.read_text()
    caplog.clear()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage is not None:
        path.write_text(damage)
    for _ in range(5):
        clock[0] += 1
        assert name_of(keyring, KEY) == "tests"
        assert name_of(keyring, "other") is None
    (told,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert told.levelname == "ERROR"
    assert str(path) in told.getMessage()
    if damage == "folder":
        path.rmdir()
    path.write_text(good + OTHER)
    clock[0] += 1
    assert name_of(keyring, "other") == "other"


def test_every_change_to_a_broken_file_is_told(
    path: Path, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    keyring = Keyring(None, path)
    for text in ("[a", "[b", "[b"):
        path.write_text(text)
        clock[0] += 1
        keyring.find(b"")
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 2


def test_what_a_key_has_used_stays_used_when_others_change(path: Path, clock: list[float]) -> None:
    path.write_text(written("segment", requests_per_second=0.01))
    keyring = Keyring(None, path)
    first = keyring.find(KEY.encode())
    assert first is not None
    first.count_request()
    path.write_text(path.read_text() + OTHER)
    clock[0] += 1
    again = keyring.find(KEY.encode())
    assert again is first
    path.write_text(written("segment", requests_per_second=0.02))
    clock[0] += 1
    changed = keyring.find(KEY.encode())
    assert changed is not None
    changed.count_request()


def test_requests_are_limited_with_a_burst(clock: list[float]) -> None:
    key = Key("tests", entry("segment", requests_per_second=2, burst=5))
    for _ in range(5):
        key.count_request()
    with pytest.raises(TooManyRequestsError, match="2 requests a second"):
        key.count_request()
    clock[0] += 0.5
    key.count_request()
    slow = Key("slow", entry("segment", requests_per_second=0.1))
    slow.count_request()
    with pytest.raises(TooManyRequestsError) as error:
        slow.count_request()
    assert error.value.retry_after == 10


def test_pixels_are_lent(clock: list[float]) -> None:
    key = Key("tests", entry("segment", pixels_per_second=1000))
    key.count_pixels(400)
    key.count_pixels(2600)
    with pytest.raises(TooManyRequestsError, match="1,000 pixels a second; try again in 2 s"):
        key.count_pixels(0)
    clock[0] += 2
    key.count_pixels(1)


def test_without_limits_nothing_is_counted() -> None:
    key = Key("tests", entry("segment"))
    for _ in range(1000):
        key.count_request()
        key.count_pixels(10**9)


def test_no_settings_no_keyring() -> None:
    assert open_keyring(Settings()) is None
    assert open_keyring(Settings(api_keys=OTHER)) is not None


@pytest.mark.parametrize(
    ("text", "content", "complaint"),
    [
        ("", None, "api_keys: there is no key"),
        (None, "", "there is no key in it"),
        (None, "[a", "api_keys_file .*keys.toml: "),
        (None, "missing", "api_keys_file .*keys.toml: No such file"),
        (OTHER, OTHER, "api_keys and api_keys_file both have other"),
        (OTHER, OTHER.replace("[other]", "[another]"), "has two names"),
        (OTHER + OTHER.replace("[other]", "[another]"), None, "has two names"),
    ],
)
def test_at_the_start_mistakes_end_it(tmp_path: Path, text: str | None, content: str | None, complaint: str) -> None:
    path = None if content is None else tmp_path / "keys.toml"
    if path is not None and content is not None and content != "missing":
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=complaint):
        open_keyring(Settings(api_keys=text, api_keys_file=path))
