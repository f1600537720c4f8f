import re

import pytest

from app.core import errors
from app.core.errors import DataError, InvalidParameterError, SegserveError

STABLE_CODES = {
    "alias_conflict",
    "answer_too_large",
    "configuration_error",
    "corrupt_version",
    "empty_image",
    "forbidden",
    "image_too_large",
    "inference_failed",
    "internal_error",
    "invalid_data",
    "invalid_image",
    "invalid_parameter",
    "malformed_request",
    "missing_file",
    "model_not_found",
    "model_not_ready",
    "not_acceptable",
    "publish_failed",
    "store_unavailable",
    "too_many_parts",
    "too_many_requests",
    "training_failed",
    "unauthorized",
    "unsupported_image",
}


def subclasses(base: type[SegserveError]) -> list[type[SegserveError]]:
    return [base, *(found for child in base.__subclasses__() for found in subclasses(child))]


CONCRETE = [error for error in subclasses(SegserveError) if "code" in vars(error)]


def test_clients_can_rely_on_the_codes() -> None:
    assert {error.code for error in CONCRETE} >= STABLE_CODES


def test_no_two_errors_share_a_code_or_a_title() -> None:
    assert len({error.code for error in CONCRETE}) == len(CONCRETE)
    assert len({error.title for error in CONCRETE}) == len(CONCRETE)


@pytest.mark.parametrize("error", CONCRETE, ids=lambda error: error.__name__)
def test_each_code_is_an_identifier_and_each_class_says_what_it_means(error: type[SegserveError]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert error.title
    assert error.__doc__


def test_every_error_of_the_module_descends_from_one_base() -> None:
    classes = [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, Exception)]
    assert set(classes) <= set(subclasses(SegserveError))


def test_the_detail_is_the_message() -> None:
    error = SegserveError("the disk is full")
    assert (error.detail, str(error)) == ("the disk is full", "the disk is full")


def test_a_wrong_parameter_is_named() -> None:
    error = InvalidParameterError("threshold", "must lie between 0 and 1")
    assert error.parameter == "threshold"
    assert error.detail == "threshold: must lie between 0 and 1"


def test_all_problems_of_the_data_are_told_at_once() -> None:
    error = DataError(["cat.jpg: no mask", "dog.png: 3×4 but its mask 4×4"])
    assert error.problems == ("cat.jpg: no mask", "dog.png: 3×4 but its mask 4×4")
    assert error.detail == "2 problem(s) in the data:\ncat.jpg: no mask\ndog.png: 3×4 but its mask 4×4"
