import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.imaging.windows import View
from app.training.evaluation import temperature as module
from app.training.evaluation.pictures import evaluate_pictures, total_scores
from app.training.evaluation.temperature import HIGHEST, LOWEST, fit_temperature, golden_section, tempered
from app.training.sources.oxford import PETS, OxfordPets
from tests.training.drawn_pets import Array

SIDE = 48
LOGITS_PER_GREY = 1 / 40


@pytest.fixture
def drawn_by_chance(tmp_path: Path) -> OxfordPets:
    """Pictures of random greys; a pixel is a pet with the probability sigmoid((grey − 127) / 40), else background."""
    random = np.random.default_rng(0)
    for folder in ("images", "annotations/trimaps"):
        (tmp_path / folder).mkdir(parents=True)
    for number in range(12):
        grey = random.integers(0, 256, (SIDE, SIDE))
        pet = random.random(grey.shape) < 1 / (1 + np.exp(-(grey - 127) * LOGITS_PER_GREY))
        picture = np.repeat(grey[..., np.newaxis], 3, axis=-1).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / "images" / f"{number}.jpg", "PNG")  # no loss, whatever its name
        trimap = np.where(pet, 1, 2).astype(np.uint8)
        Image.fromarray(trimap).save(tmp_path / "annotations" / "trimaps" / f"{number}.png")
    (tmp_path / "annotations" / "mine.txt").write_text("".join(f"{number}\n" for number in range(12)))
    return OxfordPets(tmp_path)


def network(factor: float) -> Callable[[Array], Array]:
    """Knows the pictures' law, but its logits are so many times too large."""

    def predict(pictures: Array) -> Array:
        logits = (pictures[..., 0] - 127) * LOGITS_PER_GREY * factor
        pet = 1 / (1 + np.exp(-logits))
        return np.stack([pet, 1 - pet, np.zeros_like(pet)], axis=-1).astype(np.float32)

    return predict


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.5])
def test_it_finds_how_much_too_sure_a_network_is(drawn_by_chance: OxfordPets, factor: float) -> None:
    samples = drawn_by_chance.samples("mine")
    found = fit_temperature(network(factor), drawn_by_chance, samples, View((SIDE, SIDE), "stretch"))
    assert found == pytest.approx(factor, rel=0.03)
    assert found == round(found, 2)


def test_the_search_ends_at_its_bounds(drawn_by_chance: OxfordPets) -> None:
    samples = drawn_by_chance.samples("mine")
    for factor, bound in ((0.05, LOWEST), (20.0, HIGHEST)):
        found = fit_temperature(network(factor), drawn_by_chance, samples, View((SIDE, SIDE), "stretch"))
        assert found == pytest.approx(bound, abs=0.01)
        assert LOWEST <= found <= HIGHEST


def test_it_is_the_best_at_the_masks_own_size_too(drawn_by_chance: OxfordPets) -> None:
    """Through a network of another size: no temperature beside it has a lower cross-entropy."""
    source, samples, predict = drawn_by_chance, drawn_by_chance.samples("mine"), network(3.0)

    def cross_entropy(temperature: float) -> float:
        results = evaluate_pictures(
            lambda pictures: tempered(predict(pictures), temperature), source, samples, View((24, 24), "stretch")
        )
        return total_scores(results, PETS).cross_entropy or math.nan

    found = fit_temperature(predict, source, samples, View((24, 24), "stretch"))
    assert LOWEST < found < HIGHEST
    assert cross_entropy(found) < min(cross_entropy(found - 0.05), cross_entropy(found + 0.05))


def test_of_many_pictures_some_are_enough(drawn_by_chance: OxfordPets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PICTURES", 5)
    seen: list[int] = []

    def counting(pictures: Array) -> Array:
        seen.append(len(pictures))
        return network(2.5)(pictures)

    found = fit_temperature(counting, drawn_by_chance, drawn_by_chance.samples("mine"), View((SIDE, SIDE), "stretch"))
    assert seen == [4]  # every third of 12
    assert found == pytest.approx(2.5, rel=0.06)


def test_a_temperature_is_a_division_of_the_logits() -> None:
    logits = np.random.default_rng(0).normal(0, 4, (5, 7, 3)).astype(np.float32)

    def softmax(values: Array) -> Array:
        powers = np.exp(values - values.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))

    for temperature in (0.25, 1.0, 1.7, 4.0):
        found = tempered(softmax(logits), temperature)
        assert found.dtype == np.float32
        assert np.allclose(found, softmax(logits / temperature), atol=1e-6)
        assert np.array_equal(found.argmax(axis=-1), logits.argmax(axis=-1))


def test_a_probability_of_zero_stays_zero() -> None:
    assert tempered(np.array([1, 0, 0], np.float32), 3.0).tolist() == [1, 0, 0]


@pytest.mark.parametrize("lowest", [-3.0, -1.2, 0.7, 2.9, 5.0])
def test_the_lowest_point_of_a_valley(lowest: float) -> None:
    found = golden_section(lambda x: abs(x - lowest) ** 1.5, -3.0, 5.0, 1e-6)
    assert found == pytest.approx(lowest, abs=1e-6)


def test_the_search_asks_once_a_step() -> None:
    asked: list[float] = []

    def parabola(x: float) -> float:
        asked.append(x)
        return x * x

    golden_section(parabola, -1, 1, 0.01)
    assert len(asked) == len(set(asked)) == 2 + math.ceil(math.log(0.01 / 2) / math.log((math.sqrt(5) - 1) / 2))
