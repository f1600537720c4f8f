import pytest

from app.core.errors import AnswerTooLargeError, InvalidParameterError
from app.core.labels import Label, LabelMap
from app.imaging.geometry import Geometry
from app.imaging.windows import View
from app.inference.answers import SegmentOptions
from app.inference.outputs import OUTPUTS
from tests.fixtures.tiny_model import TINY_LABELS

WHOLE = View((32, 32), "stretch")
PLAIN = LabelMap((Label(0, "sky", (0, 0, 255)), Label(1, "sea", (0, 255, 0))))


@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        (SegmentOptions(threshold=1.5), "threshold"),
        (SegmentOptions(threshold=-0.1), "threshold"),
        (SegmentOptions(threshold=float("nan")), "threshold"),
        (SegmentOptions(tile=31), "tile"),
        (SegmentOptions(classes=()), "classes"),
        (SegmentOptions(classes=("pet", "dog")), "classes"),
        (SegmentOptions("polygons", tolerance=-0.1), "tolerance"),
        (SegmentOptions("polygons", tolerance=1000.1), "tolerance"),
        (SegmentOptions("polygons", tolerance=float("nan")), "tolerance"),
        (SegmentOptions("label-studio", from_name=""), "from_name"),
        (SegmentOptions("label-studio", from_name=" "), "from_name"),
        (SegmentOptions("label-studio", to_name="x" * 201), "to_name"),
        (SegmentOptions("zip", parts=()), "output"),
        (SegmentOptions("zip", parts=("mask", "zip")), "output"),
        (SegmentOptions("mask", parts=("coco", "yolo")), "output"),
    ],
)
def test_impossible_options_name_the_parameter(options: SegmentOptions, parameter: str) -> None:
    with pytest.raises(InvalidParameterError) as raised:
        options.require_possible(TINY_LABELS, WHOLE)
    assert raised.value.parameter == parameter


def test_a_network_with_windows_of_its_own_takes_no_others() -> None:
    SegmentOptions(tile=64).require_possible(TINY_LABELS, WHOLE)
    with pytest.raises(InvalidParameterError, match="tile: this model sees windows of its own, 48×32"):
        SegmentOptions(tile=64).require_possible(TINY_LABELS, View((32, 48), "crop"))


def test_windows_have_a_bound() -> None:
    options, view = SegmentOptions(tile=32), View((32, 32), "stretch", 32)
    options.require_few_windows(view, (768, 700))
    with pytest.raises(InvalidParameterError, match="tile: 1,089 windows of 32 pixels in 800×800, more than 1,024"):
        options.require_few_windows(view, (800, 800))
    SegmentOptions().require_few_windows(View((32, 32), "crop"), (5000, 5000))  # bound by the pixels of a picture


def test_a_cutout_needs_a_foreground() -> None:
    for options in (SegmentOptions("cutout"), SegmentOptions("zip", parts=("mask", "cutout"))):
        with pytest.raises(InvalidParameterError, match="foreground"):
            options.require_possible(PLAIN, WHOLE)
    SegmentOptions("zip").require_possible(PLAIN, WHOLE)
    SegmentOptions("cutout", classes=("pet",), threshold=1.0).require_possible(TINY_LABELS, WHOLE)


@pytest.mark.parametrize(
    ("options", "largest_array"),
    [
        (SegmentOptions("mask"), 1000 * 700),
        (SegmentOptions("json"), 1000 * 700),
        (SegmentOptions("overlay"), 1000 * 700 * 3),
        (SegmentOptions("cutout"), 1000 * 700 * 4),
        (SegmentOptions("probabilities", size="original"), 1000 * 700 * 3 * 4),
        (SegmentOptions("probabilities", size="model"), 32 * 32 * 3 * 4),
        (SegmentOptions("coco"), 1000 * 700),
        (SegmentOptions("coco", components=True), 1000 * 700 * 5),
        (SegmentOptions("cvat"), 1000 * 700 * 2),
        (SegmentOptions("huggingface", components=True), 1000 * 700),
        (SegmentOptions("zip", parts=("mask", "overlay", "coco")), 1000 * 700 * 3),
        (SegmentOptions("zip"), 1000 * 700 * 4),
        (SegmentOptions("zip", parts=("mask", "probabilities"), size="original"), 1000 * 700 * 3 * 4),
    ],
)
def test_what_does_not_fit_is_refused(options: SegmentOptions, largest_array: int) -> None:
    geometry = Geometry((700, 1000), (32, 32), "stretch")
    options.require_affordable(geometry, TINY_LABELS, limit=largest_array)
    with pytest.raises(AnswerTooLargeError, match=str(largest_array)):
        options.require_affordable(geometry, TINY_LABELS, limit=largest_array - 1)


def test_windows_of_several_kinds_are_put_together_once_for_all() -> None:
    windows = Geometry((70, 100), (70, 100), "stretch")
    SegmentOptions("zip", parts=("mask", "coco")).require_affordable(windows, TINY_LABELS, limit=7000)
    several = SegmentOptions("zip", parts=("mask", "cutout"))
    several.require_affordable(windows, TINY_LABELS, limit=7000 * 3 * 4)
    with pytest.raises(AnswerTooLargeError, match="84000 bytes"):
        several.require_affordable(windows, TINY_LABELS, limit=7000 * 3 * 4 - 1)


def test_what_a_zip_holds() -> None:
    assert SegmentOptions("coco").outputs(PLAIN) == ("coco",)
    assert SegmentOptions("zip", parts=("coco", "mask")).outputs(PLAIN) == ("coco", "mask")
    assert SegmentOptions("zip").outputs(TINY_LABELS) == tuple(OUTPUTS)[:-1]
    assert set(SegmentOptions("zip").outputs(TINY_LABELS)) - set(SegmentOptions("zip").outputs(PLAIN)) == {"cutout"}


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        (SegmentOptions("coco"), False),
        (SegmentOptions("overlay"), True),
        (SegmentOptions("zip"), True),
        (SegmentOptions("zip", parts=("mask", "coco")), False),
        (SegmentOptions("zip", parts=("mask", "cutout")), True),
    ],
)
def test_whether_the_picture_itself_is_shown(options: SegmentOptions, needed: bool) -> None:
    assert options.needs_picture == needed
