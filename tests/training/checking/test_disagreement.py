from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.errors import TrainingError
from app.imaging.geometry import Geometry
from app.training.checking.disagreement import SHOWN, compare, exhibits_of, rank
from app.training.evaluation.candidate import Candidate, open_candidate
from app.training.evaluation.pictures import SegmentedPicture
from app.training.sources.oxford import PETS, OxfordPets
from app.training.sources.samples import Sample
from tests.training.conftest import PublishedRun
from tests.training.drawn_pets import BACKGROUND, Array

SAMPLE = Sample("a", Path("a.jpg"), Path("a.png"))


@pytest.fixture(scope="session")
def candidate(published: PublishedRun) -> Candidate:
    """The tiny published network."""
    return open_candidate("pets:production", PETS, published.store, None, False)


def test_only_what_the_network_is_sure_of_contradicts() -> None:
    probabilities = np.array([[[0.95, 0.05, 0], [0.85, 0.15, 0]], [[0.9, 0.1, 0], [0.02, 0.98, 0]]], np.float32)
    mask = np.array([[1, 1], [255, 1]], np.uint8)
    picture = SegmentedPicture(
        SAMPLE, np.zeros((2, 2, 3)), mask, np.zeros((2, 2, 3)), probabilities, Geometry((2, 2), (2, 2), "stretch")
    )
    found = compare(picture)
    assert found.contradicted == 1 / 3
    assert found.mean_iou == pytest.approx((0 + 1 / 3) / 2)


def trimap(sample: Sample) -> Array:
    with Image.open(sample.mask) as image:
        return np.array(image)


def test_swapped_shifted_and_empty_masks_rank_first(candidate: Candidate, own_data: Path) -> None:
    source = OxfordPets(own_data)
    samples = source.samples("trainval")
    reports: list[tuple[int, int]] = []
    before = rank(candidate, source, samples, lambda done, total: reports.append((done, total)))
    assert reports == [(16, 28), (28, 28)]
    assert sorted(one.sample.name for one in before) == sorted(sample.name for sample in samples)

    one, other, shifted, emptied = (samples[number] for number in (4, 5, 8, 12))
    first, second = Image.fromarray(trimap(one)), Image.fromarray(trimap(other))
    second.resize(first.size, Image.Resampling.NEAREST).save(one.mask)
    first.resize(second.size, Image.Resampling.NEAREST).save(other.mask)
    Image.fromarray(np.roll(trimap(shifted), len(trimap(shifted)) // 3, axis=0)).save(shifted.mask)
    Image.fromarray(np.full_like(trimap(emptied), BACKGROUND)).save(emptied.mask)

    after = rank(candidate, source, samples, lambda done, total: None)
    corrupted = {sample.name for sample in (one, other, shifted, emptied)}
    assert {disagreement.sample.name for disagreement in after[:4]} == corrupted
    assert after[3].contradicted > 2 * after[4].contradicted  # no narrow win
    assert after[3].contradicted > 2 * before[0].contradicted


def test_the_first_are_drawn(candidate: Candidate, source: OxfordPets) -> None:
    ranking = rank(candidate, source, source.samples("test") + source.samples("trainval"), lambda done, total: None)
    drawn = exhibits_of(candidate, source, ranking)
    assert [disagreement for _, disagreement in drawn] == ranking[:SHOWN]
    for exhibit, disagreement in drawn:
        assert exhibit.score.name == disagreement.sample.name
        assert exhibit.score.mean_iou == pytest.approx(disagreement.mean_iou)


def test_a_network_that_diverged(candidate: Candidate, source: OxfordPets) -> None:
    diverged = replace(candidate, predict=lambda pictures: np.full((*pictures.shape[:3], 3), np.nan, np.float32))
    with pytest.raises(TrainingError, match="not finite"):
        rank(diverged, source, source.samples("test"), lambda done, total: None)
