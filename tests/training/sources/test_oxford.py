from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.errors import DataError
from app.core.labels import UNDECIDED
from app.training.sources.oxford import CREDITS, PETS, OxfordPets, strata_of
from app.training.sources.samples import DataSource, Sample
from tests.training.drawn_pets import Array


def with_mask(folder: Path, image: Image.Image) -> Sample:
    image.save(folder / "mask.png")
    return Sample("a", folder / "a.jpg", folder / "mask.png")


def test_the_classes_and_their_roles() -> None:
    assert [(label.id, label.name, label.role) for label in PETS] == [
        (0, "pet", "foreground"),
        (1, "background", "background"),
        (2, "border", "border"),
    ]


def test_the_lists(source: OxfordPets) -> None:
    as_protocol: DataSource = source
    assert as_protocol.splits == ("test", "trainval")
    samples = as_protocol.samples("trainval")
    assert (len(samples), len(as_protocol.samples("test"))) == (28, 8)
    root = source.root
    assert samples[1] == Sample(
        name="breed2_1",
        picture=root / "images" / "breed2_1.jpg",
        mask=root / "annotations" / "trimaps" / "breed2_1.png",
        source="oxford",
        mask_kind="own",
        stratum="1 2",
    )
    assert (samples[3].name, samples[3].source, samples[3].mask_kind) == ("feral_3", "feral", "outline")


def test_a_bare_list_is_enough(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "mine.txt").write_text("# mine\n\none\ntwo\n")
    source = OxfordPets(tmp_path)
    assert [(s.name, s.source, s.mask_kind, s.stratum) for s in source.samples("mine")] == [
        ("one", "", "", ""),
        ("two", "", "", ""),
    ]
    assert (source.splits, source.credits) == (("mine",), ())


def test_lists_that_are_no_splits(own_data: Path) -> None:
    for name in ("list.txt", "unlabelled.txt"):
        (own_data / "annotations" / name).write_text("a 1 1 1\n")
    assert OxfordPets(own_data).splits == ("test", "trainval")


def test_credit_goes_to_the_sources_there_are(source: OxfordPets) -> None:
    assert source.credits == CREDITS[:2]


def test_sources_may_name_no_kind(own_data: Path) -> None:
    (own_data / "annotations" / "sources.txt").write_text("breed1_0 kitty\nbreed2_1\n")
    first, second, third = OxfordPets(own_data).samples("trainval")[:3]
    assert [(s.source, s.mask_kind) for s in (first, second, third)] == [("kitty", ""), ("", ""), ("", "")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "trainval.txt: missing; it lists the pictures"),
        (b"# only a comment\n\n", "trainval.txt: no picture is listed"),
        (b"a\nb\na\nc\nb\n", "trainval.txt: a is listed twice\n.*trainval.txt: b is listed twice"),
        (b"\xff\xfe", "trainval.txt: cannot be read"),
    ],
    ids=["missing", "empty", "twice", "binary"],
)
def test_a_broken_list(tmp_path: Path, content: bytes | None, message: str) -> None:
    (tmp_path / "annotations").mkdir()
    if content is not None:
        (tmp_path / "annotations" / "trainval.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        OxfordPets(tmp_path).samples("trainval")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    source = OxfordPets(tmp_path / "nowhere")
    assert source.splits == ()
    with pytest.raises(DataError, match="missing"):
        source.samples("test")


VALUES: Array = np.array([[1, 2, 3], [0, 255, 1]], np.uint8)
CLASSES = [[0, 1, 2], [UNDECIDED, UNDECIDED, 0]]


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "LA"])
def test_a_trimap_becomes_classes(tmp_path: Path, source: OxfordPets, mode: str) -> None:
    image = Image.fromarray(VALUES)
    if mode == "P":
        image = Image.fromarray(VALUES, "L")
        image.putpalette([255 - i // 3 for i in range(768)])  # its colours say nothing: the indices are the classes
    else:
        image = image.convert(mode)
    mask = source.mask(with_mask(tmp_path, image))
    assert mask.dtype == np.uint8
    assert mask.tolist() == CLASSES


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1, 4], [5, 2]], r"unknown value\(s\) \[4, 5\]; a trimap has 1 object"),
        ([[0, 255], [255, 0]], r"no labelled pixel, only value\(s\) \[0, 255\]; a trimap has 1 object"),
    ],
)
def test_values_that_are_no_trimap(tmp_path: Path, source: OxfordPets, values: list[list[int]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        source.mask(with_mask(tmp_path, Image.fromarray(np.array(values, np.uint8))))


def test_a_trimap_that_is_not_there(source: OxfordPets) -> None:
    with pytest.raises(DataError, match="missing; it is the mask of"):
        source.mask(Sample("a", Path("a.jpg"), Path("nowhere.png")))


def test_it_knows_its_own(source: OxfordPets, tmp_path: Path) -> None:
    assert OxfordPets.recognises(source.root)
    assert not OxfordPets.recognises(tmp_path)
    assert source.lists == source.root / "annotations"


def test_strata_of_a_list(tmp_path: Path) -> None:
    path = tmp_path / "unlabelled.txt"
    path.write_text("# Image CLASS SPECIES BREED\nBirman_1 7 1 7\npug_2 24 2 18\nplain\n")
    assert strata_of(path) == {"Birman_1": "1 7", "pug_2": "2 18", "plain": ""}
    with pytest.raises(DataError, match="cannot be read"):
        strata_of(tmp_path / "missing.txt")


def test_everything_there_is_and_what_lists_say_of_it(own_data: Path) -> None:
    (own_data / "images" / "new.jpg").touch()
    (own_data / "annotations" / "trimaps" / "newer.png").touch()
    (own_data / "annotations" / "list.txt").write_text("new 3 1 3\n")
    source = OxfordPets(own_data)
    found = {sample.name: sample for sample in source.everything()}
    assert len(found) == 28 + 8 + 2
    assert (found["new"].stratum, found["newer"].stratum) == ("1 3", "")
    assert (source.list_line(found["new"]), source.list_line(found["newer"])) == ("new 3 1 3", "newer")
    assert source.list_path("mine") == own_data / "annotations" / "mine.txt"
