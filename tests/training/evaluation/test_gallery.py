import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from app.core.labels import UNDECIDED
from app.imaging.geometry import Geometry
from app.imaging.windows import View
from app.training.evaluation.candidate import Candidate
from app.training.evaluation.gallery import (
    GREY,
    LONGEST_SIDE,
    WRONG,
    at_random,
    coloured,
    difference,
    exhibit,
    exhibits,
    worst,
)
from app.training.evaluation.pictures import PictureResult, SegmentedPicture, evaluate_pictures
from app.training.evaluation.report import picture_score
from app.training.sources.oxford import PETS, OxfordPets
from app.training.sources.samples import Sample
from tests.training.drawn_pets import Array
from tests.training.evaluation.made_results import made_result


def pixels_of(uri: str) -> Array:
    kind, _, content = uri.partition(";base64,")
    assert kind in ("data:image/png", "data:image/jpeg")
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        return np.asarray(image.convert("RGB"))


def with_right(*right: int) -> list[PictureResult]:
    return [made_result([[n, 100 - n, 0], [0, 100, 0], [0, 0, 0]], f"picture{i}") for i, n in enumerate(right)]


def test_the_worst_come_first() -> None:
    found = worst(with_right(50, 10, 90, 30), count=3)
    assert [result.sample.name for result in found] == ["picture1", "picture3", "picture0"]


def test_random_pictures_are_drawn_once_and_by_the_seed() -> None:
    results = with_right(*range(30))
    found = at_random(results, count=10)
    assert found == at_random(results, count=10)
    assert found != at_random(results, count=10, seed=1)
    assert len({result.sample.name for result in found}) == 10
    assert at_random(results, count=50) == results


def test_masks_in_their_colours() -> None:
    drawn = coloured(np.array([[0, 1], [2, UNDECIDED]], np.uint8), PETS)
    assert drawn.tolist() == [[list(PETS.labels[0].colour), list(PETS.labels[1].colour)], [[253, 200, 60], list(GREY)]]


def test_the_difference() -> None:
    pixels = np.zeros((1, 4, 3), np.uint8)
    truth, mask = np.array([[0, 1, UNDECIDED, UNDECIDED]], np.uint8), np.array([[0, 0, 0, 1]], np.uint8)
    drawn = difference(pixels, truth, mask)
    assert drawn[0, 1].tolist() == list(WRONG)
    assert drawn[0, 2].tolist() == drawn[0, 3].tolist() == list(GREY)
    assert len(set(drawn[0, 0].tolist())) == 1
    assert drawn[0, 0, 0] > 100  # pale


def test_a_picture_of_the_gallery() -> None:
    height, width = 200, 2 * LONGEST_SIDE
    mask = np.zeros((height, width), np.uint8)
    mask[:, width // 2 :] = 1
    pixels = np.full((height, width, 3), (10, 200, 30), np.uint8)
    probabilities = np.eye(3, dtype=np.float32)[np.zeros((16, 16), int)]  # all pet: the right half is wrong
    geometry = Geometry((height, width), (16, 16), "stretch")
    sample = Sample("a", Path("a.jpg"), Path("a.png"))
    picture = SegmentedPicture(sample, pixels, mask, np.zeros((16, 16, 3), np.uint8), probabilities, geometry)
    found = exhibit(picture, picture_score(made_result(np.eye(3, dtype=int)), PETS), PETS)
    shown = [pixels_of(uri) for uri in (found.picture, found.truth, found.mask, found.difference)]
    assert {each.shape for each in shown} == {(100, LONGEST_SIDE, 3)}
    assert np.abs(shown[0][50, 50].astype(int) - (10, 200, 30)).max() < 5
    assert [tuple(shown[1][50, column].tolist()) for column in (20, 300)] == [label.colour for label in PETS.labels[:2]]
    assert tuple(shown[2][50, 300].tolist()) == PETS.labels[0].colour
    assert np.abs(shown[3][50, 300].astype(int) - WRONG).max() < 5
    assert np.ptp(shown[3][50, 20].astype(int)) < 3


def test_pictures_of_a_data_set(source: OxfordPets) -> None:
    def all_pet(pictures: Array) -> Array:
        return np.eye(3, dtype=np.float32)[np.zeros(pictures.shape[:3], int)]

    candidate = Candidate("a", all_pet, View((16, 16), "stretch"), None)
    results = evaluate_pictures(all_pet, source, source.samples("test"), View((16, 16), "stretch"))
    found = exhibits(candidate, source, worst(results, 3))
    assert [each.score for each in found] == [picture_score(result, PETS) for result in worst(results, 3)]
    truth = source.mask(worst(results, 1)[0].sample)
    assert pixels_of(found[0].truth).shape[:2] == truth.shape
    assert np.array_equal(pixels_of(found[0].truth), coloured(truth, PETS))
