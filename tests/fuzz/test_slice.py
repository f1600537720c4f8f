"""A slice of the campaign, always the same: `make fuzz` sends twenty thousand of them."""

import os
from pathlib import Path

import pytest

from tests.fuzz.cases import drawn
from tests.fuzz.memory import forget_peak, peak_mb
from tests.fuzz.requests import drawn_request
from tests.fuzz.seeds import photograph, seeds
from tests.fuzz.service import Service, serving
from tests.fuzz.subject import MEMORY_MB, Result, Subject
from tests.fuzz.tally import Tally, keep
from tests.fuzz.verdict import upright_size, wrong_size

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measures memory, on Linux")
SEED = 1
INPUTS = 400
REQUESTS = 100


def test_pictures_in_process(tiny_store_path: Path) -> None:
    tally = Tally()
    with Subject(tiny_store_path, SEED) as subject:
        for number in range(INPUTS):
            tally.note(drawn(SEED, number)[0].kind, number, subject.run(number))
    assert not tally.findings, tally.summary()
    assert {kind for kind, _ in tally.counts} == set(seeds())
    outcomes = {outcome for _, outcome in tally.counts}
    assert outcomes >= {"200", "400 invalid_image", "413 image_too_large"}


def test_requests_over_http(tiny_store_path: Path) -> None:
    tally = Tally()
    with serving(tiny_store_path) as server:
        service = Service(server, SEED)
        for number in range(REQUESTS):
            tally.note(drawn_request(SEED, number).kind, number, service.run(number))
        service.close()
    assert not tally.findings, tally.summary()
    assert len({outcome for _, outcome in tally.counts}) > 5


def test_the_same_seed_draws_the_same() -> None:
    assert drawn_request(SEED, 7) == drawn_request(SEED, 7)
    assert drawn(SEED, 7)[0] != drawn(SEED + 1, 7)[0]
    assert len({drawn(SEED, number)[0].data for number in range(300)}) > 250


def test_what_is_wrong_is_found() -> None:
    real = seeds()["PNG"][0]  # with an orientation
    assert upright_size(real) == photograph().size
    other = seeds()["PNG"][1]
    assert wrong_size(other, other, "image/png") is None
    assert wrong_size(real, other, "image/png") == "an answer of (64, 96) for a picture of (96, 64)"
    assert Result("200", 0.1, MEMORY_MB - 1.0).wrong is None
    assert Result("200", 0.1, MEMORY_MB + 1.0).wrong == f"{MEMORY_MB + 1} MB"


def test_what_came_is_counted(tmp_path: Path) -> None:
    tally = Tally()
    for number, result in enumerate((Result("200", 0.1, 1.0), Result("500", 0.3, 2.0, "no"), Result("200", 0.2, 9.0))):
        tally.note("PNG", number, result)
    assert tally.table().splitlines()[2:] == ["| PNG | 3 | 2 | 1 |", "| all | 3 | 2 | 1 |"]
    assert tally.findings == ["1 (PNG, 500): no"]
    assert "3 inputs, 1 that should not have come; the slowest (1) took 0.30 s" in tally.summary()
    keep(tmp_path / "findings", "1.png", b"x")
    assert (tmp_path / "findings" / "1.png").read_bytes() == b"x"


def test_memory_that_was_taken_and_given_back_is_seen() -> None:
    process = os.getpid()
    forget_peak(process)
    before = peak_mb(process)
    assert len(b"x" * 200_000_000)
    assert peak_mb(process) - before > 150
    forget_peak(process)
    assert peak_mb(process) - before < 100
