import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.errors import DataError, TrainingError
from app.core.labels import UNDECIDED, Label, LabelMap
from app.imaging.windows import View
from app.training.evaluation.candidate import Candidate
from app.training.labelling import LabelledFolder, classes_toml
from app.training.sources.oxford import PETS
from tests.training.drawn_pets import Array

HALVES = {"bright": 200, "dim": 60}


def by_brightness(confidence: float) -> Candidate:
    """Bright pixels are pet, dim ones background, grey ones both."""

    def predict(pictures: Array) -> Array:
        grey = pictures.mean(axis=-1)
        pet = np.select([grey > 150, grey < 100], [confidence, 1 - confidence], 0.5)
        return np.stack([pet, 1 - pet, np.zeros_like(pet)], axis=-1).astype(np.float32)

    return Candidate("brightness", predict, View((16, 16), "stretch"), None)


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, Path]:
    """Left half bright, a grey column, right half dim; of two sizes."""
    found = {}
    (tmp_path / "more").mkdir()
    for name, (height, width) in {"wide": (32, 64), "tall": (48, 32)}.items():
        pixels = np.full((height, width, 3), 60, np.uint8)
        pixels[:, : width // 2] = 200
        pixels[:, width // 2 - 4 : width // 2 + 4] = 125
        found[name] = tmp_path / "more" / f"{name}.PNG"
        Image.fromarray(pixels).save(found[name])
    return found


def filled(folder: Path, pictures: dict[str, Path], *teachers: Candidate, threshold: float = 0.6) -> float:
    done: list[tuple[int, int]] = []

    def report(number: int, total: int) -> None:
        done.append((number, total))

    share = LabelledFolder(folder, teachers, PETS, threshold, flip=True).fill(pictures, {"wide": "2 7"}, report)
    assert not done or done[-1] == (len(pictures), len(pictures))
    return share


def mask_of(folder: Path, name: str) -> Array:
    with Image.open(folder / "masks" / f"{name}.png") as image:
        return np.asarray(image)


def test_a_data_set_of_pictures_and_masks(pictures: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    share = filled(out, pictures, by_brightness(0.9))
    for name, path in pictures.items():
        assert (out / "images" / f"{name}.png").read_bytes() == path.read_bytes()
        mask = mask_of(out, name)
        width = mask.shape[1]
        assert np.unique(mask[:, : width // 2 - 8]).tolist() == [0]
        assert np.unique(mask[:, width // 2 + 8 :]).tolist() == [1]
        assert np.unique(mask[:, width // 2 - 1 : width // 2 + 1]).tolist() == [UNDECIDED]
    assert 0.1 < share < 0.3
    assert (out / "samples.csv").read_text().splitlines() == [
        "name,source,mask_kind,stratum",
        "wide,unlabelled,pseudo,2 7",
        "tall,unlabelled,pseudo,",
    ]


def test_networks_vote_by_their_mean(pictures: dict[str, Path], tmp_path: Path) -> None:
    filled(tmp_path / "out", pictures, by_brightness(0.9), by_brightness(0.2))  # 0.55 for pet where it is bright
    assert np.unique(mask_of(tmp_path / "out", "wide")).tolist() == [UNDECIDED]
    filled(tmp_path / "again", pictures, by_brightness(0.9), by_brightness(0.2), threshold=0.52)
    assert mask_of(tmp_path / "again", "wide")[0, 0] == 0


def test_begun_it_goes_on(pictures: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled(out, {"wide": pictures["wide"]}, by_brightness(0.9))
    kept = (out / "masks" / "wide.png").stat().st_mtime_ns
    filled(out, pictures, by_brightness(0.9))
    assert (out / "masks" / "wide.png").stat().st_mtime_ns == kept
    assert (out / "masks" / "tall.png").exists()
    assert filled(out, pictures, by_brightness(0.9)) == 0.0
    with pytest.raises(TrainingError, match=r"was made otherwise.*choose another folder"):
        filled(out, pictures, by_brightness(0.9), threshold=0.7)


def test_a_broken_picture_is_named_and_the_others_are_labelled(pictures: dict[str, Path], tmp_path: Path) -> None:
    pictures = {"broken": tmp_path / "broken.jpg", "gone": tmp_path / "gone.jpg", **pictures}
    pictures["broken"].write_bytes(b"no picture")
    with pytest.raises(DataError) as refused:
        filled(tmp_path / "out", pictures, by_brightness(0.9))
    assert [problem.split(":")[0] for problem in refused.value.problems] == [
        str(pictures["broken"]),
        str(pictures["gone"]),
    ]
    assert sorted(path.name for path in (tmp_path / "out" / "masks").iterdir()) == ["tall.png", "wide.png"]
    assert len((tmp_path / "out" / "samples.csv").read_text().splitlines()) == 3


def test_a_folder_that_cannot_be_used(pictures: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be used"):
        filled(tmp_path / "file", pictures, by_brightness(0.9))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "labelled.json").write_text("{")
    with pytest.raises(TrainingError, match="cannot be used"):
        filled(tmp_path / "out", pictures, by_brightness(0.9))


def test_it_says_what_made_it(pictures: dict[str, Path], tmp_path: Path) -> None:
    filled(tmp_path / "out", pictures, by_brightness(0.9))
    assert json.loads((tmp_path / "out" / "labelled.json").read_text()) == {
        "teachers": ["brightness at 16×16"],
        "threshold": 0.6,
        "flip": True,
    }


def test_the_file_of_the_classes() -> None:
    labels = LabelMap((Label(0, 'a "b" ü\\', (1, 2, 255)), Label(1, "rest", (0, 0, 0), "background")))
    assert tomllib.loads(classes_toml(labels)) == {
        "ignore": [255],
        "classes": [
            {"name": 'a "b" ü\\', "value": 0, "colour": "#0102ff"},
            {"name": "rest", "value": 1, "colour": "#000000", "role": "background"},
        ],
    }
