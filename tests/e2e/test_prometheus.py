"""The shipped rules, alerts and dashboard in a real Prometheus that scrapes a real service."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.process import ServerProcess
from tests.fixtures.gateway import free_port, wait_for
from tests.fixtures.waiting import block_until

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "segserve.json"


def program(name: str) -> str:
    """Path of a program of Debian's package `prometheus`; skips the test where it is not there."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name} on this machine (Debian: apt-get install prometheus)")
    return found


def configured(folder: Path, port: int) -> Path:
    """The shipped files, but for one replica on a port of this machine, and in a hurry."""
    for file in (DEPLOY / "prometheus").iterdir():
        text = file.read_text().replace("interval: 15s", "interval: 1s").replace("interval: 1m", "interval: 1s")
        (folder / file.name).write_text(text)
    shipped = (folder / "prometheus.yml").read_text()
    head, found, _ = shipped.partition("    dns_sd_configs:\n")
    assert found
    static = f"    static_configs:\n      - targets: ['127.0.0.1:{port}']\n"
    (folder / "prometheus.yml").write_text(head + static)
    return folder / "prometheus.yml"


@contextmanager
def running_prometheus(folder: Path, port: int) -> Iterator[httpx.Client]:
    """A Prometheus that scrapes a port, and a client of it."""
    own = free_port()
    command = [
        program("prometheus"),
        f"--config.file={configured(folder, port)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{own}",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        with (
            wait_for(process.stderr, "Server is ready to receive web requests"),
            httpx.Client(base_url=f"http://127.0.0.1:{own}") as client,
        ):
            try:
                yield client
            finally:
                process.terminate()
                process.wait(timeout=30)


def answer(prometheus: httpx.Client, query: str) -> list[dict[str, Any]]:
    body = prometheus.get("/api/v1/query", params={"query": query}).raise_for_status().json()
    found: list[dict[str, Any]] = body["data"]["result"]
    return found


def queries() -> list[str]:
    """Of all panels of the dashboard."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def promtool(*arguments: str | Path, folder: Path) -> None:
    done = subprocess.run([program("promtool"), *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_shipped_files_are_in_order(tmp_path: Path) -> None:
    shipped = DEPLOY / "prometheus"
    promtool("check", "config", "prometheus.yml", folder=shipped)
    promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yml", "alerts.yml", folder=shipped)
    promtool("check", "config", configured(tmp_path, 8000), folder=tmp_path)


def test_alerts_come_when_they_should_and_only_then(tmp_path: Path) -> None:
    for file in (*(DEPLOY / "prometheus").iterdir(), Path(__file__).with_name("alerts_test.yml")):
        shutil.copy(file, tmp_path)
    promtool("test", "rules", "alerts_test.yml", folder=tmp_path)


def test_the_dashboard_has_an_answer_to_each_of_its_questions(
    server: ServerProcess, photograph: bytes, tmp_path: Path
) -> None:
    def traffic() -> None:
        assert httpx.post(f"{server.url}/segment", content=photograph).status_code == 200
        assert httpx.post(f"{server.url}/segment", content=b"none").status_code == 400

    traffic()  # series have to be there before they can rise
    with running_prometheus(tmp_path, server.port) as prometheus:
        block_until(lambda: answer(prometheus, "segserve_requests_total"))
        traffic()
        unanswered = queries()
        assert len(unanswered) > 20
        deadline = time.monotonic() + 60
        while unanswered and time.monotonic() < deadline:
            unanswered = [query for query in unanswered if not answer(prometheus, query)]
        assert not unanswered
        assert [each["metric"]["of"] for each in answer(prometheus, "segserve:drift:1d{class=''}")] == [
            "brightness",
            "confidence",
        ]
        assert {float(each["value"][1]) <= 1 for each in answer(prometheus, "segserve:drift:1d")} == {True}
        alerts = prometheus.get("/api/v1/alerts").json()["data"]["alerts"]
        rules = prometheus.get("/api/v1/rules").json()["data"]["groups"]
    assert [each["labels"]["alertname"] for each in alerts if each["state"] == "firing"] == []
    assert {rule["health"] for group in rules for rule in group["rules"]} == {"ok"}
