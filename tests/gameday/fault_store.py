"""The store: full, read-only, damaged, gone."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.store.repository import ModelStore
from tests.fixtures.api_keys import WITH_KEY, written
from tests.fixtures.damage import damage
from tests.fixtures.waiting import block_until
from tests.gameday.clients import Clients, Note
from tests.gameday.conftest import STORE
from tests.gameday.replicas import end, log_of, replica

KEYS = written("segment", "admin", "metrics")


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system in memory at a folder, while the block runs."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"cannot mount here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def contents(store: Path) -> dict[str, bytes]:
    """Every file of a store, but for its locks."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in store.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def publish_again(store: Path) -> "subprocess.CompletedProcess[str]":
    """Publishes the shipped version again, in a process of its own."""
    command = [sys.executable, "-m", "tests.gameday.publish_again", str(STORE), str(store)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_disk_full_while_publishing(tmp_path: Path, photograph: bytes, note: Note) -> None:
    folder = tmp_path / "disk"
    with mounted(folder, "size=30m"):
        store = folder / "store"
        shutil.copytree(STORE / "pets" / "3", store / "pets" / "3")
        ModelStore(store).set_alias("pets", "production", 3)
        before = contents(store)
        with replica(store, poll_seconds=0.2) as server:
            server.wait_for("ready")
            with Clients(server.url, photograph, 2).sending() as clients:
                begun = time.monotonic()
                done = publish_again(store)
                seconds = time.monotonic() - begun
                clients.wait_for(20)
            end(server)
        assert done.returncode == 1
        assert "No space left" in done.stderr
        assert contents(store) == before
    assert {answer.status for answer in clients.answers} == {200}
    note(
        "disk full while a version is published",
        clients.told(),
        f"{seconds:.1f} until the publisher said so",
        "nothing: the store is as before, byte for byte",
        f"publisher: “{done.stderr.strip().splitlines()[-1]}”",
    )


def test_read_only_store(tmp_path: Path, photograph: bytes, note: Note) -> None:
    folder = tmp_path / "disk"
    with mounted(folder, "size=90m"):
        store = Path(shutil.copytree(STORE, folder / "store"))
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        with replica(store, api_keys=KEYS) as server:
            server.wait_for("ready")
            done = publish_again(store)
            activated = httpx.post(f"{server.url}/models/pets/2/activate", headers=WITH_KEY, timeout=60)
            assert httpx.post(f"{server.url}/segment", content=photograph, headers=WITH_KEY).status_code == 200
            end(server)
    assert done.returncode == 1
    assert (activated.status_code, activated.json()["code"]) == (503, "store_unavailable")
    note(
        "store read-only: publish, and `activate`",
        f"{activated.status_code} `{activated.json()['code']}` to `activate`, 200 to pictures",
        "–",
        "nothing",
        f"publisher: “{done.stderr.strip().splitlines()[-1]}”",
    )


def cut_off(version: Path) -> None:
    """Half of the weights."""
    weights = version / "openvino" / "model.bin"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def swapped(version: Path) -> None:
    """The weights of another version."""
    shutil.copy(version.parent / "2" / "openvino" / "model.bin", version / "openvino" / "model.bin")


SPOILED = {"truncated": cut_off, "of another version": swapped, "with one bit flipped": damage}


@pytest.mark.parametrize("how", list(SPOILED))
def test_damaged_weights(how: str, store: ModelStore, photograph: bytes, note: Note) -> None:
    with replica(store.root, api_keys=KEYS, model="pets:2", poll_seconds=0.2) as server:
        server.wait_for("ready")
        SPOILED[how](store.root / "pets" / "3")
        with Clients(server.url, photograph, 2).sending() as clients:
            clients.wait_for(10)
            begun = time.monotonic()
            refused = httpx.post(f"{server.url}/models/pets/3/load", headers=WITH_KEY, timeout=60)
            seconds = time.monotonic() - begun
            clients.wait_for(10)
        metrics = httpx.get(f"{server.url}/metrics", headers=WITH_KEY).text
        end(server)
    assert (refused.status_code, refused.json()["code"]) == (409, "model_unusable")
    assert "segserve_failed_versions 1.0" in metrics
    assert {answer.status for answer in clients.answers} == {200}
    with replica(store.root) as fresh:
        assert fresh.exit_code() == 3
        (said, *_) = log_of(fresh, "error")
    note(
        f"weights {how}",
        f"{clients.told()}; `load`: 409 `model_unusable`; a start with that version ends with code 3",
        f"{seconds:.2f} until the answer",
        "nothing: the version before answers",
        f"`GET /models`, `segserve_failed_versions` 1; log: “{refused.json()['detail'][:120]}”" if said else "",
    )


def test_store_gone_and_back(store: ModelStore, photograph: bytes, note: Note) -> None:
    away = store.root.with_name("away")
    with replica(store.root, api_keys=KEYS, poll_seconds=0.2) as server:
        server.wait_for("ready")
        with Clients(server.url, photograph, 2).sending() as clients:
            clients.wait_for(10)
            store.root.rename(away)
            begun = time.monotonic()
            server.wait_for("pets:production stays as it is")
            listed = httpx.get(f"{server.url}/models", headers=WITH_KEY)
            activated = httpx.post(f"{server.url}/models/pets/2/activate", headers=WITH_KEY, timeout=60)
            clients.wait_for(50)
            away.rename(store.root)
            seconds = time.monotonic() - begun
            store.set_alias("pets", "production", 2)
            block_until(lambda: httpx.get(f"{server.url}/health/ready").json()["model"]["version"] == 2)
            clients.wait_for(10)
        warnings = len(log_of(server, "warning")) + len(log_of(server, "error"))
        end(server)
    assert {answer.status for answer in clients.answers} == {200}
    assert listed.status_code == activated.status_code == 503
    assert listed.json()["code"] == activated.json()["code"] == "store_unavailable"
    assert warnings < 5
    note(
        "store vanishes and returns",
        f"{clients.told()} to pictures; 503 `store_unavailable` to `/models` and `activate`",
        f"{seconds:.1f} away",
        "nothing; the next alias is followed as ever",
        f"log: {warnings} line(s), not one a poll",
    )
