import base64
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from skimage.draw import polygon2mask
from skimage.measure import label

from app.core.errors import AnswerTooLargeError
from app.imaging.annotations import rings
from app.imaging.geometry import Geometry
from app.imaging.probabilities import ProbabilityMap, ResizedProbabilities, WindowedProbabilities
from app.imaging.windows import Window
from app.inference.answers import ProbabilitiesSize, SegmentOptions
from app.inference.encoding import ENCODERS, Encoded, encode_answer
from app.inference.engine import Probabilities
from app.inference.loaded import ModelIdentity
from app.inference.outputs import OUTPUTS, Output
from tests.fixtures.tiny_model import TINY_LABELS
from tests.inference.pictures import Pixels, chelsea

IDENTITY = ModelIdentity("pets", 3, "ab" * 32, "openvino", "f32")
SAME = Geometry((4, 6), (4, 6), "stretch")


def quarters() -> Probabilities:
    """(4, 6, 3): pet in the left third with .8, border in row 3 of the rest with .5, else background with .9."""
    probabilities = np.tile(np.array([0.05, 0.9, 0.05], np.float32), (4, 6, 1))
    probabilities[3] = (0.25, 0.25, 0.5)
    probabilities[:, :2] = (0.8, 0.1, 0.1)
    return probabilities


def answer(options: SegmentOptions, pixels: Pixels | None = None) -> bytes:
    return encode_answer(options, ResizedProbabilities(quarters(), SAME), TINY_LABELS, IDENTITY, pixels).content


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_every_kind_has_its_encoder() -> None:
    assert ENCODERS.keys() | {"zip"} == OUTPUTS.keys()


def test_mask() -> None:
    mask = np.asarray(opened(answer(SegmentOptions("mask"))))
    assert mask.tolist() == [[0, 0, 1, 1, 1, 1]] * 3 + [[0, 0, 2, 2, 2, 2]]


def test_classes_and_threshold_reach_the_mask() -> None:
    mask = np.asarray(opened(answer(SegmentOptions("mask", classes=("pet", "border"), threshold=0.6))))
    assert mask.tolist() == [[0, 0, 255, 255, 255, 255]] * 4


def test_overlay_tints_the_picture() -> None:
    pixels = chelsea(4, 6)
    overlay = opened(answer(SegmentOptions("overlay"), pixels))
    assert (overlay.format, overlay.size, overlay.mode) == ("PNG", (6, 4), "RGB")
    drawn = np.asarray(overlay)
    assert np.array_equal(drawn[0, 5], pixels[0, 5])  # background
    assert not np.array_equal(drawn[0, 0], pixels[0, 0])


def test_cutout_has_the_foregrounds_probability_as_alpha() -> None:
    pixels = chelsea(4, 6)
    cutout = np.asarray(opened(answer(SegmentOptions("cutout"), pixels)))
    assert cutout.shape == (4, 6, 4)
    expected = {(0, 0): 0.8 + 0.05, (0, 5): 0.05 + 0.025, (3, 5): 0.25 + 0.25}
    for position, alpha in expected.items():
        assert cutout[(*position, 3)] == pytest.approx(255 * alpha, abs=0.6)


def test_an_alpha_alone_needs_no_picture() -> None:
    options = SegmentOptions("cutout", alpha_only=True)
    assert not options.needs_picture
    alpha = np.asarray(opened(answer(options)))
    cutout = np.asarray(opened(answer(SegmentOptions("cutout"), chelsea(4, 6))))
    np.testing.assert_array_equal(alpha, cutout[..., 3])


def test_a_background_is_what_shows_through() -> None:
    options = SegmentOptions("cutout", background=(0, 0, 255, 255))
    laid = np.asarray(opened(answer(options, chelsea(4, 6))))
    assert (laid[..., 3] == 255).all()
    assert (laid[..., 2] > 0).all()


@pytest.mark.parametrize(("size", "shape"), [("model", (4, 6, 3)), ("original", (10, 9, 3))])
def test_probabilities(size: ProbabilitiesSize, shape: tuple[int, int, int]) -> None:
    geometry = Geometry((10, 9), (4, 6), "stretch")
    options = SegmentOptions("probabilities", size=size)
    probabilities = ResizedProbabilities(quarters(), geometry)
    array = np.load(io.BytesIO(encode_answer(options, probabilities, TINY_LABELS, IDENTITY, None).content))
    assert (array.shape, array.dtype) == (shape, np.float16)
    assert array.sum(axis=-1, dtype=np.float32) == pytest.approx(1.0, abs=2e-3)
    assert array[0, 0] == pytest.approx([0.8, 0.1, 0.1], abs=1e-3)


def test_json_is_what_the_wire_format_says() -> None:
    body = json.loads(answer(SegmentOptions("json", classes=("pet", "background"))))
    assert list(body) == ["model", "size", "classes", "undecided"]
    assert body["model"] == {
        "name": "pets", "version": 3, "sha256": "ab" * 32, "engine": "openvino", "precision": "f32"
    }  # fmt: skip
    assert body["size"] == [4, 6]
    pet, background, border = body["classes"]
    assert pet == {
        "id": 0,
        "name": "pet",
        "pixels": 8,
        "share": pytest.approx(8 / 24),
        "mean_confidence": pytest.approx(0.8),
        "bbox": [0, 0, 2, 4],
        "rle": {"size": [4, 6], "counts": "08`0"},
    }
    assert (background["pixels"], background["bbox"]) == (12, [2, 0, 4, 3])
    assert border == {
        "id": 2, "name": "border", "pixels": 0, "share": 0.0, "mean_confidence": None, "bbox": None, "rle": None
    }  # fmt: skip
    assert body["undecided"] == {"pixels": 4, "share": pytest.approx(4 / 24)}


# One picture in every kind -----------------------------------------------------------------------


def drawn() -> NDArray[np.uint8]:
    """(60, 83) uint8: a ring with an island, single pixels, pixels that touch at corners, and undecided ones."""
    rows, columns = np.mgrid[0:60, 0:83]
    radius = np.hypot(rows - 28, columns - 40)
    classes = np.where((radius < 24) & (radius > 12), 0, 1).astype(np.uint8)
    classes[(radius >= 24) & (radius < 26.5)] = 2
    classes[radius < 3] = 0
    classes[::7, ::9] = 255
    classes[56, 2:9:2] = classes[57, 3:9:2] = 2
    return classes


def probabilities_of(classes: NDArray[np.uint8]) -> Probabilities:
    """Certain where a class is, below any threshold of .5 where it is undecided."""
    probabilities = np.full((*classes.shape, 3), 0.05, np.float32)
    certain = classes != 255
    np.put_along_axis(probabilities, np.where(certain, classes, 0)[..., np.newaxis].astype(np.intp), 0.9, axis=-1)
    probabilities[~certain] = (0.4, 0.3, 0.3)
    return probabilities


def encoded(output: Output, classes: NDArray[np.uint8] | None = None, limit: int = 10**9, **options: Any) -> Encoded:
    classes = drawn() if classes is None else classes
    geometry = Geometry(classes.shape, classes.shape, "stretch")
    return encode_answer(
        SegmentOptions(output, threshold=0.5, **options),
        ResizedProbabilities(probabilities_of(classes), geometry),
        TINY_LABELS,
        IDENTITY,
        np.zeros((*classes.shape, 3), np.uint8),
        "cat.jpg",
        limit,
    )


Painted = list[tuple[int, NDArray[np.bool_]]]
"""Class ids with their pixels."""
IDS = {label.name: label.id for label in TINY_LABELS}
SIZE = (60, 83)


def from_json(content: bytes) -> Painted:
    found = [entry for entry in json.loads(content)["classes"] if entry["rle"]]
    return [(entry["id"], coco_mask.decode(entry["rle"]).astype(np.bool_)) for entry in found]


def ring_pixels(ring: Any) -> NDArray[np.bool_]:
    pixels: NDArray[np.bool_] = polygon2mask(SIZE, np.array(ring)[:, ::-1] - 0.5)  # type: ignore[no-untyped-call]
    return pixels


def from_polygons(content: bytes) -> Painted:
    painted = []
    for feature in json.loads(content)["features"]:
        pixels = np.zeros(SIZE, np.bool_)
        for polygon in feature["geometry"]["coordinates"]:
            for ring in polygon:
                pixels ^= ring_pixels(ring)
        painted.append((feature["properties"]["class_id"], pixels))
    return painted


def from_coco(content: bytes) -> Painted:
    coco = COCO()
    coco.dataset = json.loads(content)
    coco.createIndex()
    return [(entry["category_id"], coco.annToMask(entry).astype(np.bool_)) for entry in coco.loadAnns(coco.getAnnIds())]


def from_label_studio(content: bytes) -> Painted:
    painted = []
    for result in json.loads(content)["result"]:
        bits = "".join(f"{byte:08b}" for byte in result["value"]["rle"])
        assert (int(bits[:32], 2), bits[32:53]) == (SIZE[0] * SIZE[1] * 4, "00111" + "0010" + "0011" + "0111" + "1111")
        values: list[int] = []
        at = 53
        while len(values) < SIZE[0] * SIZE[1] * 4:
            assert bits[at] == "1"
            width = (3, 4, 8, 16)[int(bits[at + 1 : at + 3], 2)]
            length = int(bits[at + 3 : at + 3 + width], 2) + 1
            at += 3 + width + 8
            values += [int(bits[at - 8 : at], 2)] * length
        pixels = np.array(values).reshape(*SIZE, 4)[..., 3] == 255
        painted.append((IDS[result["value"]["brushlabels"][0]], pixels))
    return painted


def from_cvat(content: bytes) -> Painted:
    painted = []
    for shape in json.loads(content):
        *crop, left, top, right, bottom = shape["mask"]
        pixels = np.zeros(SIZE, np.bool_)
        pixels[top : bottom + 1, left : right + 1] = np.array(crop).reshape(bottom - top + 1, right - left + 1)
        painted.append((IDS[shape["label"]], pixels))
    return painted


def from_huggingface(content: bytes) -> Painted:
    return [
        (IDS[segment["label"]], np.asarray(opened(base64.b64decode(segment["mask"]))) == 255)
        for segment in json.loads(content)
    ]


def from_yolo(content: bytes) -> Painted:
    painted = []
    for line in content.decode().splitlines():
        class_id, *numbers = line.split()
        painted.append((int(class_id), ring_pixels(np.array(numbers, float).reshape(-1, 2) * (83, 60))))
    return painted


DECODERS: dict[Output, Callable[[bytes], Painted]] = {
    "json": from_json,
    "polygons": from_polygons,
    "coco": from_coco,
    "label-studio": from_label_studio,
    "cvat": from_cvat,
    "huggingface": from_huggingface,
}


def composed(painted: Painted) -> NDArray[np.uint8]:
    classes = np.full(SIZE, 255, np.uint8)
    for class_id, pixels in painted:
        assert (classes[pixels] == 255).all()  # no pixel belongs to two
        classes[pixels] = class_id
    return classes


@pytest.mark.parametrize("components", [False, True])
@pytest.mark.parametrize("output", DECODERS)
def test_every_kind_holds_the_same_mask(output: Output, components: bool) -> None:
    answer = encoded(output, components=components)
    painted = DECODERS[output](answer.content)
    assert np.array_equal(composed(painted), drawn())
    assert answer.lossy == ""
    assert np.array_equal(np.asarray(opened(encoded("mask").content)), drawn())
    assert (len(painted) > 3) == (components and output != "huggingface")


def test_coco_polygons_hold_the_same_mask_holes_included() -> None:
    answer = encoded("coco", segmentation="polygons")
    assert np.array_equal(composed(from_coco(answer.content)), drawn())
    assert answer.lossy == ""


def holes(classes: NDArray[np.uint8]) -> int:
    """Counted with scikit-image: what its components enclose."""
    parts = label(classes.astype(np.int16) + 1, background=256, connectivity=1)  # type: ignore[no-untyped-call]
    return sum(
        label(np.pad(parts != number, 1, constant_values=True), connectivity=1).max() - 1  # type: ignore[no-untyped-call]
        for number in range(1, parts.max() + 1)
    )


def test_yolo_says_how_many_holes_it_has_lost() -> None:
    answer = encoded("yolo")
    assert holes(drawn()) > 10
    assert answer.lossy == f"yolo;holes={holes(drawn())}"
    for class_id in range(3):
        pixels = np.logical_or.reduce([pixels for found, pixels in from_yolo(answer.content) if found == class_id])
        assert pixels[drawn() == class_id].all()
    classes = np.full(SIZE, 255, np.uint8)
    classes[3:30, 5:50] = 2
    without = encoded("yolo", classes)
    assert without.lossy == ""
    assert np.array_equal(composed(from_yolo(without.content)), classes)


def test_a_tolerance_is_said() -> None:
    exact, smooth = encoded("polygons"), encoded("polygons", tolerance=1.5)
    assert (exact.lossy, smooth.lossy) == ("", "polygons;tolerance=1.5")
    assert len(smooth.content) < len(exact.content)
    assert encoded("coco", tolerance=2.0, segmentation="polygons").lossy == "coco;tolerance=2.0"
    assert encoded("zip", parts=("yolo", "coco"), tolerance=1.0).lossy.endswith(";tolerance=1.0")


def test_components_have_their_own_confidence() -> None:
    classes = np.array([[0, 1, 0]], np.uint8)
    probabilities = probabilities_of(classes)
    probabilities[0, 2] = (0.6, 0.2, 0.2)
    answer = encode_answer(
        SegmentOptions("json", components=True),
        ResizedProbabilities(probabilities, Geometry((1, 3), (1, 3), "stretch")),
        TINY_LABELS,
        IDENTITY,
        None,
    )
    found = [(entry["id"], entry["mean_confidence"]) for entry in json.loads(answer.content)["classes"]]
    assert found == [(0, pytest.approx(0.9)), (0, pytest.approx(0.6)), (1, pytest.approx(0.9)), (2, None)]


@pytest.mark.parametrize("output", [*DECODERS, "yolo", "zip"])
def test_an_undecided_mask_is_an_answer(output: Output) -> None:
    for components in (False, True):
        answer = encoded(output, np.full(SIZE, 255, np.uint8), components=components)
        if output in DECODERS:
            assert DECODERS[output](answer.content) == []
        assert answer.lossy == ""


def test_what_else_stands_in_answers() -> None:
    polygons, coco, label_studio = (
        json.loads(encoded(output, from_name="brush", to_name="photo").content)
        for output in ("polygons", "coco", "label-studio")
    )
    assert (polygons["model"]["name"], polygons["size"]) == ("pets", [60, 83])
    assert coco["info"]["version"] == "pets/3"
    assert coco["images"] == [{"id": 1, "width": 83, "height": 60, "file_name": "cat.jpg"}]
    assert label_studio["model_version"] == "pets/3"
    assert {(result["from_name"], result["to_name"]) for result in label_studio["result"]} == {("brush", "photo")}


def test_an_archive_holds_the_same_as_each_kind_alone() -> None:
    several: tuple[Output, ...] = ("coco", "mask", "yolo")
    for parts in (None, several):
        content = encoded("zip", parts=parts).content
        assert content == encoded("zip", parts=parts).content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            outputs = [output for name in names for output, kind in OUTPUTS.items() if kind.filename == name]
            assert outputs == list(parts or ENCODERS)
            assert archive.testzip() is None
            for name, output in zip(names, outputs, strict=True):
                assert archive.read(name) == encoded(output).content


def test_windows_go_through_the_network_once() -> None:
    classes = drawn()
    asked = []

    def rows() -> list[list[Window]]:
        asked.append(1)
        box = Geometry(SIZE, SIZE, "stretch").content
        return [[Window(box, probabilities_of(classes), Geometry(SIZE, SIZE, "stretch"))]]

    def answer(output: Output) -> bytes:
        windows: ProbabilityMap = WindowedProbabilities(SIZE, 3, rows)
        pixels = np.zeros((*SIZE, 3), np.uint8)
        return encode_answer(SegmentOptions(output, threshold=0.5), windows, TINY_LABELS, IDENTITY, pixels).content

    archive = answer("zip")
    assert len(asked) == 1
    with zipfile.ZipFile(io.BytesIO(archive)) as opened_archive:
        for output in ENCODERS:
            if output != "coco":  # it has no file name here
                assert opened_archive.read(OUTPUTS[output].filename) == answer(output)


@pytest.mark.parametrize("output", [*ENCODERS, "zip"])
def test_no_answer_is_larger_than_the_limit(output: Output) -> None:
    size = len(encoded(output).content)
    assert len(encoded(output, limit=size).content) == size
    with pytest.raises(AnswerTooLargeError, match="limit"):
        encoded(output, limit=size - 1)


def test_an_archive_says_which_kind_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "MOST_VERTICES", 100)
    with pytest.raises(AnswerTooLargeError, match=r"^polygons: the outlines .* or leave that out$"):
        encoded("zip")
    assert encoded("zip", parts=("mask", "coco")).content
