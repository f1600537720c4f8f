import hashlib
import re
from typing import Any

import pytest

from app.api.key_entries import KeyEntry, checked_entries, digest, entry_text, new_key, parse_entries
from app.core.errors import ConfigurationError
from tests.fixtures.api_keys import entry

SHA256 = hashlib.sha256(b"key").hexdigest()


def test_keys_are_long_and_never_the_same() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", key) for key in keys)  # 32 bytes in base64


def test_what_is_written_down_is_the_hash() -> None:
    assert digest(b"key") == SHA256
    assert digest("clé".encode("latin-1")) == hashlib.sha256(b"cl\xe9").hexdigest()


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"requests_per_second": 0.5},
        {"requests_per_second": 1e6, "burst": 7, "pixels_per_second": 1e12},
        {"pixels_per_second": 12},
    ],
)
def test_an_entry_is_read_as_it_is_written(limits: dict[str, Any]) -> None:
    written = entry("segment", "metrics", **limits)
    assert parse_entries(entry_text("camera-7", written), "keys") == {"camera-7": written}


def test_entries_fit_on_a_line_each() -> None:
    text = f'a = {{sha256 = "{SHA256}", scopes = ["admin"]}}\nb = {{sha256 = "{"0" * 64}", scopes = ["metrics"]}}'
    found = parse_entries(text, "keys")
    assert {name: entry.scopes for name, entry in found.items()} == {"a": ("admin",), "b": ("metrics",)}
    assert found["a"] == KeyEntry(sha256=SHA256, scopes=("admin",))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "there is no key in it"),
        ("# [a]", "there is no key in it"),
        ("a = b", "line 1"),
        (b"\xff", "decode"),
        ("x = " + "[" * 5000, "recursion"),
        ("a = 3", r"a: .*KeyEntry"),
        ("[a]", r"a\.sha256: Field required; a\.scopes: Field required"),
        (f'[a]\nsha256 = "{SHA256}"\nscopes = []', r"a\.scopes: "),
        (f'[a]\nsha256 = "{SHA256}"\nscopes = "segment"', r"a\.scopes: "),
        (f'[a]\nsha256 = "{SHA256}"\nscopes = ["root"]', r"a\.scopes\.0: "),
        (f'[a]\nsha256 = "{SHA256[:-1]}"\nscopes = ["admin"]', r"a\.sha256: "),
        (f'[a]\nsha256 = "{SHA256.upper()}"\nscopes = ["admin"]', r"a\.sha256: "),
        (f'[a]\nsha256 = "{SHA256}"\nscopes = ["admin"]\nburst = 5', "burst goes with requests_per_second only"),
        (f'[a]\nsha256 = "{SHA256}"\nscopes = ["admin"]\nrequests_per_second = 0', "requests_per_second: "),
        (f'[a]\nsha256 = "{SHA256}"\nscopes = ["admin"]\nrequests_per_second = nan', "requests_per_second: "),
        (f'[a]\nsha256 = "{SHA256}"\nscopes = ["admin"]\npixels_per_second = "1"', "pixels_per_second: "),
        (f'[a]\nsha256 = "{SHA256}"\nscopes = ["admin"]\nrequest_per_second = 5', "request_per_second: Extra"),
        (f'["a b"]\nsha256 = "{SHA256}"\nscopes = ["admin"]', "a b"),
        (f'[a.b]\nsha256 = "{SHA256}"\nscopes = ["admin"]', r"a\.sha256: "),
    ],
)
def test_mistakes_are_told_with_their_place(text: str | bytes, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as error:
        parse_entries(text, "keys")
    assert error.value.detail.startswith("keys: ")


def test_a_key_in_place_of_its_hash_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as error:
        checked_entries({"a": {"sha256": "the-key-itself", "scopes": ["admin"]}}, "keys")
    assert "the-key-itself" not in error.value.detail
