import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.errors import DataError
from app.core.labels import Label
from app.training.dataset import read_sample
from app.training.sources.folder import FolderSource
from app.training.sources.samples import DataSource
from tests.fixtures.drawn_shapes import Scene, draw_scenes, write_folder


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return draw_scenes(6)


@pytest.fixture
def root(tmp_path: Path, scenes: list[Scene]) -> Path:
    return write_folder(tmp_path / "shapes", scenes[:4], scenes[4:])


def test_pictures_masks_and_classes(root: Path, scenes: list[Scene]) -> None:
    source: DataSource = FolderSource(root)
    assert list(source.labels)[:2] == [
        Label(0, "background", (63, 81, 120), "background"),
        Label(1, "circle", (213, 94, 0)),
    ]
    assert (source.splits, source.credits) == (("test", "trainval"), ())
    samples = source.samples("trainval")
    assert [sample.name for sample in samples] == [scene.name for scene in scenes[:4]]
    assert [sample.name for sample in source.samples("test")] == [scene.name for scene in scenes[4:]]
    for sample, scene in zip(samples, scenes, strict=False):
        pixels, mask = read_sample(source, sample)
        assert np.array_equal(pixels, scene.pixels)
        assert np.array_equal(mask, scene.mask)


def test_folders_in_folders_and_a_table(root: Path) -> None:
    for part, suffix in (("images", "png"), ("masks", "png")):
        (root / part / "rex").mkdir()
        shutil.move(root / part / f"scene000.{suffix}", root / part / "rex" / f"left eye.{suffix}")
    (root / "samples.csv").write_text("name,group\nrex/left eye,rex\n")
    sample = FolderSource(root).samples("trainval")[0]
    assert (sample.name, sample.group) == ("rex/left eye", "rex")
    assert sample.mask == root / "masks" / "rex" / "left eye.png"


def test_masks_in_colours(root: Path, scenes: list[Scene]) -> None:
    palette = np.array([[0, 0, 0], [213, 94, 0], [0, 114, 178], [240, 228, 66]], np.uint8)
    for scene in scenes:
        (root / "masks" / f"{scene.name}.png").unlink()
        Image.fromarray(palette[scene.mask]).save(root / "masks" / f"{scene.name}.bmp")
    text = (
        (root / "classes.toml")
        .read_text()
        .replace('role = "background"', 'role = "background"\nmask_colour = "#000000"')
    )
    (root / "classes.toml").write_text(text)
    source = FolderSource(root)
    for sample, scene in zip(source.samples("trainval"), scenes, strict=False):
        assert np.array_equal(source.mask(sample), scene.mask)


def test_without_classes_one_message_says_what_to_write(root: Path) -> None:
    (root / "classes.toml").unlink()
    with pytest.raises(DataError) as refused:
        FolderSource(root)
    (problem,) = refused.value.problems
    assert problem.startswith(f"{root / 'classes.toml'}: missing;")
    assert "6 of 6 masks hold" in problem
    (root / "classes.toml").write_text(problem.partition("names:\n\n")[2])
    assert [label.name for label in FolderSource(root).labels] == ["class 0", "class 1", "class 2", "class 3"]


def test_a_picture_without_a_mask_is_named_when_it_is_read(root: Path) -> None:
    mask = root / "masks" / "scene002.png"
    mask.unlink()
    source = FolderSource(root)
    with pytest.raises(DataError) as refused:
        read_sample(source, source.samples("trainval")[2])
    assert refused.value.problems == (f"{mask}: missing; it is the mask of {root / 'images' / 'scene002.png'}",)


def test_masks_without_a_picture(root: Path) -> None:
    (root / "images" / "scene001.png").unlink()
    with pytest.raises(DataError, match=r"masks: no picture in .*images has the name of scene001"):
        FolderSource(root).samples("trainval")


def test_masks_that_are_jpegs_are_refused_in_one_line(root: Path) -> None:
    for path in sorted((root / "masks").iterdir()):
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    with pytest.raises(DataError) as refused:
        FolderSource(root).samples("trainval")
    (problem,) = refused.value.problems
    assert "scene000.jpg" in problem
    assert "and 1 more: JPEG changes the values of pixels, so masks are PNG" in problem


def test_a_mask_of_another_size(root: Path, scenes: list[Scene]) -> None:
    height, width = scenes[0].mask.shape
    path = root / "masks" / "scene000.png"
    Image.fromarray(scenes[0].mask.T).save(path)
    source = FolderSource(root)
    with pytest.raises(
        DataError, match=f"{height}×{width} pixels, but scene000.png has {width}×{height} as people see it"
    ):
        read_sample(source, source.samples("trainval")[0])


def test_a_broken_list(root: Path) -> None:
    (root / "test.txt").write_text("scene004.png\n")
    with pytest.raises(DataError, match="names stand without suffix: scene004"):
        FolderSource(root).splits  # noqa: B018  # reading it is the point


def test_it_knows_its_own(root: Path) -> None:
    assert FolderSource.recognises(root)
    shutil.rmtree(root / "masks")
    assert not FolderSource.recognises(root)


def test_everything_there_is_and_where_lists_are(root: Path) -> None:
    (root / "images" / "scene001.png").unlink()
    (root / "masks" / "scene002.png").unlink()
    source = FolderSource(root)
    found = {sample.name: (sample.picture.exists(), sample.mask.exists()) for sample in source.everything()}
    assert len(found) == 6
    assert (found["scene000"], found["scene001"], found["scene002"]) == ((True, True), (False, True), (True, False))
    (root / "train.txt").write_text("scene000\n")
    assert source.list_path("trainval") == root / "train.txt"
    assert source.list_path("test") == root / "test.txt"
    assert source.list_path("validation") == root / "validation.txt"
    assert source.list_line(source.everything()[0]) == "scene000"
