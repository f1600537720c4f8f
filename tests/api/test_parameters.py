import pytest
from fastapi import Request

from app.api.parameters import MEDIA_TYPES, SEGMENT_OPTIONS, SegmentQuery, given_once
from app.core.errors import InvalidParameterError, NotAcceptableError
from app.core.labels import Label, LabelMap
from app.inference.answers import SegmentOptions

NAMES = ("pet", "border", "stuff, other")
LABELS = LabelMap(tuple(Label(number, name, (number, 0, 0)) for number, name in enumerate(NAMES)))


def options(accept: str | None = None, **query: object) -> SegmentOptions:
    return SegmentQuery.model_validate(query).options(accept, LABELS)


def test_nothing_given_means_a_mask_of_all_classes() -> None:
    assert options() == SegmentOptions("mask", None, 0.0, "model")


def test_everything_given_is_passed_on() -> None:
    given = options(output="probabilities", classes="pet, border", threshold="0.25", size="original", model="pets:1")
    assert given == SegmentOptions("probabilities", ("pet", "border"), 0.25, "original")


@pytest.mark.parametrize(
    ("accept", "output"),
    [
        ("image/png", "mask"),
        ("application/json", "json"),
        ("application/x-npy", "probabilities"),
        ("application/geo+json", "polygons"),
        ("application/zip", "zip"),
        ("application/*", "json"),
        ("*/*", "mask"),
    ],
)
def test_accept_decides_where_output_does_not(accept: str, output: str) -> None:
    assert options(accept).output == output


def test_output_overrules_accept() -> None:
    assert options("application/pdf", output="overlay").output == "overlay"
    with pytest.raises(NotAcceptableError):
        options("application/pdf")


def test_a_class_whose_name_holds_a_comma_can_be_asked_for() -> None:
    assert options(classes="pet,stuff, other").classes == ("pet", "stuff, other")


@pytest.mark.parametrize("classes", ["", ",", "pet,", "pet,,border", " "])
def test_class_names_are_not_empty(classes: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        options(classes=classes)
    assert caught.value.parameter == "classes"


@pytest.mark.parametrize("output", ["mask", "overlay", "cutout", "json"])
def test_size_without_probabilities_is_not_ignored(output: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        options(output=output, size="original")
    assert caught.value.parameter == "size"


@pytest.mark.anyio
async def test_a_parameter_given_twice_is_named() -> None:
    def request(query: str) -> Request:
        return Request({"type": "http", "query_string": query.encode(), "headers": []})

    await given_once(request("output=mask&threshold=0.5"))
    with pytest.raises(InvalidParameterError, match="threshold: given 3 times"):
        await given_once(request("threshold=1&output=mask&threshold=0.5&threshold="))


def test_media_types_name_the_outputs_that_they_stand_for() -> None:
    assert {f"output={options(media_type).output}" for media_type in MEDIA_TYPES} == set(MEDIA_TYPES.values())
    formats = {"components", "tolerance", "segmentation", "from_name", "to_name"}
    others = {"output", "classes", "threshold", "model", "size", "tile", "flip", "many", "timeout", "url"}
    assert others | formats == SEGMENT_OPTIONS


def test_formats_are_passed_on() -> None:
    given = options(
        output="coco,label-studio",
        components="true",
        tolerance="1.5",
        segmentation="polygons",
        from_name="brush",
        to_name="photo",
    )
    assert given == SegmentOptions(
        "zip",
        parts=("coco", "label-studio"),
        components=True,
        segmentation="polygons",
        tolerance=1.5,
        from_name="brush",
        to_name="photo",
    )


@pytest.mark.parametrize(
    ("output", "option", "value"),
    [
        ("mask", "components", True),
        ("huggingface,overlay", "components", False),
        ("label-studio", "tolerance", 1.0),
        ("coco", "tolerance", 1.0),
        ("json", "tolerance", 0.0),
        ("polygons", "segmentation", "rle"),
        ("coco,cvat", "from_name", "tag"),
        ("mask", "to_name", "image"),
        ("coco,yolo", "size", "model"),
    ],
)
def test_an_option_that_no_output_knows_is_not_ignored(output: str, option: str, value: object) -> None:
    query = SegmentQuery.model_validate({"output": output, option: value})
    with pytest.raises(InvalidParameterError) as caught:
        query.options(None, LABELS)
    assert caught.value.parameter == option


def test_an_option_that_one_of_several_outputs_knows_is_enough() -> None:
    assert options(output="mask,yolo", tolerance=2.0).tolerance == 2.0
    assert options(output="zip", size="original", components=True, from_name="brush").parts is None


@pytest.mark.parametrize("output", ["masks", "mask,mask", "mask,", "", "zip,mask"])
def test_an_output_that_there_is_not(output: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        options(output=output)
    assert caught.value.parameter == "output"
