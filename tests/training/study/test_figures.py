import io

import numpy as np
import pytest
from PIL import Image

from app.core.errors import TrainingError
from app.training.study import figures as module
from app.training.study.figures import differences, draw_figures, learning_curves
from tests.training.drawn_pets import Array
from tests.training.study.drawn_study import drawn_record

LARGEST = 80_000


def pixels(encoded: bytes) -> Array:
    with Image.open(io.BytesIO(encoded)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def has_colour(picture: Array, colour: str) -> bool:
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return bool((np.abs(picture.astype(int) - wanted).max(axis=-1) < 12).sum() > 20)


def test_a_picture_for_each_question_and_one_of_all_differences() -> None:
    found = draw_figures(drawn_record())
    names = {"study-figure-6.png", "study-figure-9.png", "study-figure-10.png", "study-depth.png"}
    assert set(found) == names | {"study-differences.png"}
    assert len(set(found.values())) == 5
    for encoded in found.values():
        assert len(encoded) < LARGEST
        assert pixels(encoded).shape[1] == 880


def test_a_line_for_each_network() -> None:
    record = drawn_record()
    picture = pixels(learning_curves(record, record.costs[:3], "title"))
    assert all(has_colour(picture, colour) for colour in ("#000000", *module.COLOURS))
    alone = pixels(learning_curves(record, record.costs[:1], "title"))
    assert not any(has_colour(alone, colour) for colour in module.COLOURS)


def test_verdicts_are_seen() -> None:
    decided = pixels(differences(drawn_record(gains={"relu": 0.1, "elu": -0.1})))
    assert all(has_colour(decided, colour) for colour in module.DECIDED.values())
    single = pixels(differences(drawn_record(blocks=1)))
    assert not has_colour(single, module.DECIDED["worse"])
    assert has_colour(single, module.DECIDED["not decided"])


def test_a_question_without_a_network_has_no_picture() -> None:
    record = drawn_record()
    costs = [cost for cost in record.costs if cost.question != "depth"]
    outcomes = [outcome for outcome in record.outcomes if not outcome.configuration.startswith("depth")]
    found = draw_figures(record.model_copy(update={"costs": tuple(costs), "outcomes": tuple(outcomes)}))
    assert "study-depth.png" not in found


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "can_plot", lambda: False)
    with pytest.raises(TrainingError, match=r'pip install "segserve\[train\]"'):
        draw_figures(drawn_record())
