from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter

from app.api import annotation_bodies
from app.api.annotation_bodies import BrushPrediction, CocoBody, CvatShape, ImageSegment
from app.api.schemas import SegmentBody
from tests.api.running import Service

pytestmark = pytest.mark.anyio

BODIES = [each for each in vars(annotation_bodies).values() if isinstance(each, type) and issubclass(each, BaseModel)]


def fields(value: Any, kind: Any) -> None:
    """Checks that a body has no field which its description lacks."""
    if isinstance(value, list):
        for entry in value:
            fields(entry, kind)
    elif isinstance(value, dict):
        assert value.keys() == kind.model_fields.keys(), kind
        for name, inner in value.items():
            annotation = kind.model_fields[name].annotation
            for candidate in (annotation, *getattr(annotation, "__args__", ())):
                if candidate in BODIES:
                    fields(inner, candidate)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("coco", CocoBody),
        ("coco&segmentation=polygons&components=true", CocoBody),
        ("label-studio", BrushPrediction),
        ("cvat", list[CvatShape]),
        ("huggingface", list[ImageSegment]),
        ("json&components=true", SegmentBody),
    ],
)
async def test_answers_are_as_they_are_described(service: Service, picture: bytes, query: str, kind: Any) -> None:
    response = await service.http.post(f"/segment?output={query}", content=picture)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    TypeAdapter(kind, config=None if isinstance(kind, type) else ConfigDict(strict=True)).validate_json(
        response.content
    )
    body = response.json()
    assert body
    if kind is not SegmentBody:
        fields(body, getattr(kind, "__args__", (kind,))[0])


async def test_the_description_names_each_of_them(service: Service) -> None:
    schema = service.app.openapi()["paths"]["/segment"]["post"]["responses"]["200"]["content"]["application/json"]
    named = {option.get("$ref", option.get("items", {}).get("$ref")) for option in schema["schema"]["anyOf"]}
    assert {reference.rpartition("/")[2] for reference in named} == {
        *("SegmentBody", "CocoBody", "BrushPrediction", "CvatShape", "ImageSegment"),
    }
