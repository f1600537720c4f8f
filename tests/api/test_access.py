import logging

import pytest

from app.api.access import AccessRecord
from tests.api.running import Service


def access_records(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    records = [record for record in caplog.records if record.name == "app.api.access"]
    return [{**record.__dict__["fields"], "level": record.levelname} for record in records]


@pytest.mark.anyio
async def test_a_request_leaves_one_line_without_data_of_the_client(
    service: Service, picture: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "app.api.access")
    answer = await service.http.post("/segment?classes=pet&output=json", content=picture)
    await service.http.get("/no/such/path?token=secret")
    await service.http.get("/health/live")
    segment, missing, probe = access_records(caplog)
    expected = {"method": "POST", "route": "/segment", "status": 200, "bytes": len(answer.content)}
    assert segment.items() >= {**expected, "model": "pets/1", "picture": "60x40", "level": "INFO"}.items()
    assert segment["pictures"] == 1
    stages = [segment[f"{stage}_ms"] for stage in ("decode", "queue", "inference", "encode")]
    assert all(isinstance(value, float) and value >= 0 for value in stages)
    assert segment["ms"] >= sum(stages) - 0.1  # type: ignore[operator, arg-type]  # they are floats
    assert missing.items() >= {"route": None, "status": 404, "problems": "not_found", "level": "INFO"}.items()
    assert "problems" not in segment
    assert (probe["route"], probe["level"]) == ("/health/live", "DEBUG")
    assert not [record for record in caplog.records if record.name.startswith("app") and "secret" in str(vars(record))]


def test_a_probe_that_fails_is_logged_as_loud_as_others(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app.api.access")
    AccessRecord("id", "GET", "/health/ready", status=200).log()
    AccessRecord("id", "GET", "/health/ready", status=503).log()
    assert [record["status"] for record in access_records(caplog)] == [503]


@pytest.mark.anyio
async def test_problems_of_single_pictures_stand_in_the_line(
    service: Service, picture: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.api.access")
    pictures = [("file", ("a.jpg", data)) for data in (picture, b"", b"none", b"none")]
    await service.http.post("/segment", files=pictures)
    (record,) = access_records(caplog)
    assert record.items() >= {"status": 200, "model": "pets/1", "problems": "empty_image,invalid_image"}.items()
