import pytest

from app.api.schemas import ModelCard, SegmentBody
from tests.api.running import Service

pytestmark = pytest.mark.anyio


async def test_the_json_answer_is_what_the_reference_says(service: Service, picture: bytes) -> None:
    content = (await service.http.post("/segment?output=json", content=picture)).content
    body = SegmentBody.model_validate_json(content)
    assert body.model_dump(mode="json") == (await service.http.post("/segment?output=json", content=picture)).json()
    assert body.size == (40, 60)
    assert [entry.name for entry in body.classes] == ["pet", "background", "border"]
    assert sum(entry.pixels for entry in body.classes) + body.undecided.pixels == 40 * 60
    assert sum(entry.share for entry in body.classes) == pytest.approx(1.0)


async def test_the_card_tells_what_is_loaded_and_why(service: Service) -> None:
    assert service.state.pool.default is not None
    model = service.state.pool.default.model
    card = ModelCard.of(model)
    assert card.model.model_dump() == {
        "name": "pets",
        "version": 1,
        "sha256": model.version.sha256,
        "engine": model.engine.name,
        "precision": "f32",
    }
    assert card.engine.reason == model.selection.reason
    assert (card.engine.threads, card.engine.streams) == (model.engine.threads, model.engine.streams)
    assert card.preprocessing.size == (32, 32)
    assert card.temperature == model.manifest.temperature == 1.25
    assert card.metrics["test"].mean_iou == 0.5
    assert ModelCard.model_validate_json(card.model_dump_json()) == card
