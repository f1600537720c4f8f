"""Versions that change while clients send pictures."""

import threading
from collections import Counter
from dataclasses import dataclass, field

import httpx

from app.store.repository import ModelStore
from tests.e2e.process import ServerProcess
from tests.fixtures.api_keys import WITH_KEY, written
from tests.fixtures.damage import damage

SWITCHES = 40
CLIENTS = 4


@dataclass
class Answers:
    """What clients got, until they are told to stop.

    Args:
        url: of the service.
        photograph: what they send.
        expected: mask by version.
    """

    url: str
    photograph: bytes
    expected: dict[str, bytes]
    right: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def collect(self) -> None:
        """A client with a connection of its own."""
        with httpx.Client(base_url=self.url, headers=WITH_KEY, timeout=60) as client:
            while not self.stop.is_set():
                response = client.post("/segment", content=self.photograph)
                version = response.headers.get("segserve-model", "").partition(";")[0]
                if response.status_code == 200 and response.content == self.expected.get(version):
                    self.right[version] += 1
                else:
                    self.wrong.append(f"{response.status_code} {version} {response.text[:200]}")


def test_switches_under_load_fail_no_request_and_mix_no_answers(three_versions: ModelStore, photograph: bytes) -> None:
    """Some of them load the version first, the others find it in memory; broken ones are asked for in between."""
    damage(three_versions.root / "pets" / "3")
    keys = written("segment", "admin")
    environment = {"SEGSERVE_API_KEYS": keys, "SEGSERVE_DRAIN_SECONDS": "0", "SEGSERVE_POLL_SECONDS": "0.1"}
    store = str(three_versions.root)
    with (
        ServerProcess("--model-store", store, environment=environment) as server,
        httpx.Client(base_url=server.url, headers=WITH_KEY, timeout=60) as admin,
    ):
        server.wait_for("ready")
        expected = {}
        for version in (1, 2):
            assert admin.post(f"/models/pets/{version}/load").status_code == 200
            mask = admin.post(f"/segment?model=pets:{version}", content=photograph)
            expected[f"pets/{version}"] = mask.content
        assert len(set(expected.values())) == 2
        assert admin.post("/models/pets/2/unload").status_code == 204
        answers = Answers(server.url, photograph, expected)
        clients = [threading.Thread(target=answers.collect) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            for switch in range(SWITCHES):
                version = 2 - switch % 2
                assert admin.post(f"/models/pets/{version}/activate").status_code == 200
                if switch % 20 == 0:
                    broken = admin.post("/models/pets/3/activate")
                    assert (broken.status_code, broken.json()["code"]) == (409, "model_unusable")
                    three_versions.set_alias("pets", "production", 1)  # as another replica would
        finally:
            answers.stop.set()
            for client in clients:
                client.join()
        assert not answers.wrong
        assert set(answers.right) == set(expected)
        assert sum(answers.right.values()) >= SWITCHES
        server.terminate()
        assert server.exit_code() == 0
