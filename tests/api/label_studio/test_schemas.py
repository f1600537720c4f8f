import pytest
from pydantic import ValidationError

from app.api.label_studio.schemas import MOST_TASKS, Predict, Setup


def test_what_label_studio_sends_beside_is_left_alone() -> None:
    predict = Predict.model_validate(
        {
            "tasks": [{"id": 1, "data": {"image": "/a.jpg"}, "annotations": [{}], "meta": {}}],
            "model_version": "pets/1",
            "project": 7,
            "label_config": None,
            "params": {"login": None, "password": None, "context": {"result": []}},
        }
    )
    assert (predict.project, predict.tasks[0].data) == ("7", {"image": "/a.jpg"})
    setup = Setup.model_validate({"schema": "<View/>", "extra_params": "{}", "force_reload": True})
    assert (setup.label_schema, setup.hostname, setup.project) == ("<View/>", None, None)


@pytest.mark.parametrize(
    "body",
    [{}, {"tasks": None}, {"tasks": {}}, {"tasks": [1]}, {"tasks": [{}]}, {"tasks": [{"data": {}}] * (MOST_TASKS + 1)}],
)
def test_what_are_no_tasks(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Predict.model_validate(body)
