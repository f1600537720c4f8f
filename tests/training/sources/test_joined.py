from pathlib import Path

import numpy as np
import pytest

from app.core.errors import DataError
from app.training.dataset import pack, require_apart
from app.training.sources.coco import CocoInstances
from app.training.sources.folder import FolderSource
from app.training.sources.joined import JoinedSource
from app.training.sources.oxford import CREDITS, OxfordPets
from app.training.sources.samples import DataSource
from app.training.sources.voc import PascalVoc
from tests.fixtures.drawn_shapes import draw_scenes, write_coco, write_folder, write_voc


def test_layouts_joined_list_by_list(tmp_path: Path) -> None:
    folder, coco, voc = draw_scenes(4, 1, "f"), draw_scenes(3, 2, "c"), draw_scenes(3, 3, "v")
    sources: list[DataSource] = [
        FolderSource(write_folder(tmp_path / "folder", folder[:3], folder[3:])),
        CocoInstances(write_coco(tmp_path / "coco", coco)),
        PascalVoc(write_voc(tmp_path / "voc", voc[:1], voc[1:2], voc[2:])),
    ]
    joined: DataSource = JoinedSource(sources)
    assert joined.labels == sources[0].labels
    assert (joined.splits, joined.credits) == (("test", "trainval", "validation"), ())
    training = joined.samples("trainval")
    assert [sample.name for sample in training] == ["f000", "f001", "f002", "c000", "c001", "c002", "v000"]
    assert [sample.name for sample in joined.samples("test")] == ["f003", "v002"]
    assert [sample.name for sample in joined.samples("validation")] == ["v001"]
    scenes = [*folder[:3], *coco, *voc[:1]]
    for sample, scene in zip(training, scenes, strict=True):
        assert np.array_equal(joined.mask(sample), scene.mask)
    require_apart(joined, training, "test")
    assert len(pack(joined, training, 32, "stretch").samples) == 7


def test_credits_are_those_of_all(source: OxfordPets, tmp_path: Path) -> None:
    (tmp_path / "annotations" / "trimaps").mkdir(parents=True)
    (tmp_path / "annotations" / "sources.txt").write_text("x kitty\ny oxford\n")
    assert JoinedSource([source, OxfordPets(tmp_path)]).credits == (*CREDITS[:2], CREDITS[2])


def test_one_name_in_two(tmp_path: Path) -> None:
    sources = [
        FolderSource(write_folder(tmp_path / "one", draw_scenes(2))),
        FolderSource(write_folder(tmp_path / "two", draw_scenes(1, prefix="other"), draw_scenes(3))),
    ]
    with pytest.raises(
        DataError, match="pictures of two data sets have the name scene000, scene001; rename those of one"
    ):
        JoinedSource(sources)


def test_other_classes(source: OxfordPets, tmp_path: Path) -> None:
    shapes = FolderSource(write_folder(tmp_path / "one", draw_scenes(2)))
    with pytest.raises(DataError, match="background, circle, square, triangle, not pet, background, border"):
        JoinedSource([shapes, source])


def test_a_list_that_none_has(tmp_path: Path) -> None:
    shapes = FolderSource(write_folder(tmp_path / "one", draw_scenes(2)))
    with pytest.raises(DataError, match=r"final.txt: missing; the lists are trainval"):
        JoinedSource([shapes]).samples("final")
