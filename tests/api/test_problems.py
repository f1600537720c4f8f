from app.api.problems import problem_answers
from app.core.errors import (
    EmptyImageError,
    InvalidImageError,
    InvalidParameterError,
    OverloadedError,
    TooManyRequestsError,
)


def test_errors_of_one_status_share_an_answer_and_a_500_is_always_possible() -> None:
    answers = problem_answers(EmptyImageError, OverloadedError, InvalidImageError)
    assert list(answers) == [400, 500, 503]
    examples = answers[400]["content"]["application/problem+json"]["examples"]
    assert list(examples) == ["empty_image", "invalid_image"]
    assert examples["empty_image"]["value"] == {
        "type": "urn:segserve:error:empty_image",
        "title": "No picture",
        "status": 400,
        "detail": "No bytes arrived where a picture was expected.",
        "code": "empty_image",
        "request_id": "7f1c9a52e0b84c6d9d5a3e8b21f40c77",
    }


def test_what_is_special_is_shown() -> None:
    answers = problem_answers(OverloadedError, TooManyRequestsError, InvalidParameterError)
    assert "Retry-After" in answers[503]["headers"]
    assert "Retry-After" in answers[429]["headers"]
    example = answers[422]["content"]["application/problem+json"]["examples"]["invalid_parameter"]["value"]
    assert example["parameter"] == "threshold"
    assert "headers" not in answers[422]
