from pathlib import Path

import pytest

from app.core.errors import DataError
from app.training.commands.options import LAYOUT_CHOICES
from app.training.sources.coco import CocoInstances
from app.training.sources.folder import FolderSource
from app.training.sources.joined import JoinedSource
from app.training.sources.opening import DESCRIPTIONS, LAYOUTS, open_source, open_sources
from app.training.sources.oxford import OxfordPets
from app.training.sources.voc import PascalVoc
from tests.fixtures.drawn_shapes import draw_scenes, write_coco, write_folder, write_oxford, write_voc


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A data set in each layout."""
    root, scenes = tmp_path_factory.mktemp("layouts"), draw_scenes(3)
    return {
        "oxford": write_oxford(root / "oxford", scenes),
        "folder": write_folder(root / "folder", scenes),
        "coco": write_coco(root / "coco", scenes),
        "voc": write_voc(root / "voc", scenes[:2], scenes[2:]),
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_recognised(roots: dict[str, Path], layout: str) -> None:
    for asked in ("auto", layout):
        source = open_source(roots[layout], asked)
        assert isinstance(source, (OxfordPets, FolderSource, CocoInstances, PascalVoc)[list(LAYOUTS).index(layout)])
        assert source.samples("trainval")


def test_every_layout_is_described_and_can_be_asked_for(roots: dict[str, Path]) -> None:
    assert list(DESCRIPTIONS) == list(LAYOUTS) == list(roots)
    assert list(LAYOUT_CHOICES) == ["auto", *LAYOUTS]


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        open_source(tmp_path / "pets")
    lines = refused.value.problems[0].splitlines()
    assert lines[0] == f"{tmp_path / 'pets'}: missing; it should hold one of"
    assert [line.split(":")[0].strip() for line in lines[1:]] == list(LAYOUTS)


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "pets.zip").touch()
    with pytest.raises(DataError, match=r"pets.zip: is no folder; it should hold"):
        open_source(tmp_path / "pets.zip")


def test_nothing_that_is_known(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="no labelled pictures recognised here; it should hold one of\n  oxford: "):
        open_source(tmp_path)
    with pytest.raises(DataError, match="no layout `voc` recognised here"):
        open_source(tmp_path, "voc")


def test_two_layouts_at_once(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "both", draw_scenes(2))
    (root / "result.json").write_text('{"images": [], "annotations": [], "categories": []}')
    with pytest.raises(DataError, match="could be folder or coco; say which: --layout folder"):
        open_source(root)
    assert len(open_source(root, "folder").samples("trainval")) == 2


def test_one_folder_or_several(tmp_path: Path) -> None:
    one, two = write_folder(tmp_path / "one", draw_scenes(2)), write_folder(tmp_path / "two", draw_scenes(2, 1, "b"))
    assert not isinstance(open_sources([one]), JoinedSource)
    joined = open_sources([one, two])
    assert isinstance(joined, JoinedSource)
    assert len(joined.samples("trainval")) == 4
