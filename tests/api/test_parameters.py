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
    [("image/png", "mask"), ("application/json", "json"), ("application/x-npy", "probabilities"), ("*/*", "mask")],
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
    assert {
        "output",
        "classes",
        "threshold",
        "model",
        "size",
        "tile",
        "flip",
        "many",
        "timeout",
        "url",
    } == SEGMENT_OPTIONS
