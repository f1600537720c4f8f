import pytest

from tests.api.running import Service

pytestmark = pytest.mark.anyio


async def test_the_card_of_the_model(service: Service) -> None:
    response = await service.http.get("/model")
    card = response.json()
    assert [label["name"] for label in card["labels"]] == ["pet", "background", "border"]
    assert card["metrics"]["test"]["mean_iou"] == 0.5
    assert card["engine"]["device"] == "cpu"
    assert card["engine"]["reason"]
    identity = card["model"]
    assert response.headers["segserve-model"] == (
        f"pets/1; sha256={identity['sha256']}; engine={identity['engine']}; precision=f32"
    )


async def test_the_network_as_data(service: Service) -> None:
    response = await service.http.get("/model/architecture")
    network = response.json()
    assert response.headers["content-type"] == "application/json"
    assert response.headers["vary"] == "Accept"
    assert network["input_shape"] == [32, 32, 3]
    assert network["totals"]["layers"] == len(network["layers"])
    assert {edge[1] for edge in network["edges"]} <= {layer["name"] for layer in network["layers"]}


@pytest.mark.parametrize(
    ("form", "media_type", "beginning"),
    [
        ("json", "application/json", "{"),
        ("text", "text/plain; charset=utf-8", "unet_xception"),
        ("mermaid", "text/vnd.mermaid; charset=utf-8", "flowchart"),
    ],
)
async def test_formats_by_name_and_by_media_type(service: Service, form: str, media_type: str, beginning: str) -> None:
    by_name = await service.http.get("/model/architecture", params={"format": form}, headers={"Accept": "image/png"})
    by_type = await service.http.get("/model/architecture", headers={"Accept": media_type.partition(";")[0]})
    assert by_name.content == by_type.content
    assert by_name.headers["content-type"] == by_type.headers["content-type"] == media_type
    assert by_name.text.startswith(beginning)


async def test_wrong_questions(service: Service) -> None:
    get = service.http.get
    service.problem(await get("/model/architecture", headers={"Accept": "image/png"}), 406, "not_acceptable")
    for query, parameter in {
        "format=svg": "format",
        "fromat=text": "fromat",
        "format=text&format=json": "format",
    }.items():
        body = service.problem(await get(f"/model/architecture?{query}"), 422, "invalid_parameter")
        assert body["parameter"] == parameter
