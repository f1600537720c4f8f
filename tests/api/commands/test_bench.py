import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.api.commands.bench import _latency
from app.cli import main
from tests.fixtures.scripted_server import Step, answer, scripted

MASK = answer(
    200, b"PNG", "Content-Type: image/png", "Segserve-Model: pets/3; sha256=0; engine=openvino; precision=f32"
)
BUSY = answer(503, b'{"code": "overloaded", "detail": "full"}', "Retry-After: 0")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "cat.jpg"
    path.write_bytes(b"a picture")
    return path


def bench(picture: Path, url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["bench", str(picture), "--url", url, "--seconds", "0.2", *arguments])


def test_what_was_measured(picture: Path) -> None:
    with scripted(MASK) as server:
        result = bench(picture, server.url, "--clients", "3", "--output", "overlay", "--model", "pets:3", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["clients"], found["output"], found["errors"]) == (3, "overlay", {})
    assert found["model"] == "pets:3, openvino, f32"
    assert found["answers"] == len(server.requests) - 1 > 3
    assert found["throughput"] == pytest.approx(found["answers"] / found["seconds"], rel=0.02)
    latency = found["milliseconds"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["longest"] < 1e4
    assert server.connections in (3, 4)  # the first request's may be used again or not
    assert all(
        "output=overlay&model=pets%3A3" in head or "model=pets%3A3&output=overlay" in head for head in server.requests
    )
    assert set(server.bodies) == {b"a picture"}


def test_refusals_count_as_errors(picture: Path) -> None:
    with scripted(MASK, MASK, BUSY, BUSY, answer(500), MASK) as server:
        result = bench(picture, server.url, "--clients", "1")
    assert result.exit_code == 1
    assert "2 × overloaded\n1 × internal_server_error\n" in result.stdout
    assert "pets:3, openvino, f32: mask, 1 clients" in result.stdout
    assert " answers a second (" in result.stdout


def test_no_good_answer_at_all(picture: Path) -> None:
    with scripted(MASK, BUSY) as server:
        result = bench(picture, server.url, "--clients", "1", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["answers"], found["milliseconds"], list(found["errors"])) == (0, None, ["overloaded"])


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (BUSY, "full (overloaded)"),
        (answer(401, b'{"code": "unauthorized", "detail": "a key"}'), "a key (unauthorized)"),
        (answer(200, b"<html>"), "is it one?"),
        ("break", "(unreachable)"),
    ],
)
def test_a_first_request_that_fails_ends_it(picture: Path, step: Step, message: str) -> None:
    with scripted(step) as server:
        result = bench(picture, server.url)
    assert (result.exit_code, result.stdout, len(server.requests)) == (1, "", 1)
    assert result.stderr.startswith(f"segserve: {server.url}: ")
    assert message in result.stderr


@pytest.mark.parametrize(
    "arguments", [["--clients", "0"], ["--seconds", "0"], ["--seconds", "nan"], ["--url", "nowhere"]]
)
def test_wrong_use(picture: Path, arguments: list[str]) -> None:
    result = bench(picture, "http://localhost:1", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert arguments[0] in result.stderr


def test_no_picture(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.jpg"):
        result = bench(path, "http://localhost:1")
        assert result.exit_code == 2
        assert str(path) in result.stderr


def test_a_key_comes_from_the_environment(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    with scripted(MASK) as server:
        assert bench(picture, server.url).exit_code == 0
    assert all("authorization: bearer secret" in head.lower() for head in server.requests)


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [
        ([0.2], {"p50": 200, "p95": 200, "p99": 200, "longest": 200}),
        ([0.1 * n for n in range(100, 0, -1)], {"p50": 5000, "p95": 9500, "p99": 9900, "longest": 10000}),
        ([], None),
    ],
)
def test_shares_of_the_times(seconds: list[float], milliseconds: dict[str, float] | None) -> None:
    assert _latency(seconds) == milliseconds
