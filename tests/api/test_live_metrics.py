import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.core.settings import Settings
from tests.api.running import Service, running

pytestmark = pytest.mark.anyio

Found = dict[frozenset[tuple[str, str]], float]


async def scraped(service: Service, name: str) -> Found:
    text = (await service.http.get("/metrics")).text
    return {
        frozenset(sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


async def test_readiness_is_a_number(settings: Settings) -> None:
    async with running(settings) as service:
        assert list((await scraped(service, "segserve_ready")).values()) == [1]
        service.state.drain()
        assert list((await scraped(service, "segserve_ready")).values()) == [0]


async def test_places_and_pixels_have_their_limits_beside_them(service: Service) -> None:
    settings = service.state.settings
    for name, value in (
        ("places_taken", 0),
        ("places", settings.max_queue),
        ("pixels_taken", 0),
        ("pixels", settings.max_queue_pixels),
        ("engine_stuck_seconds", 0),
        ("failed_versions", 0),
    ):
        assert await scraped(service, f"segserve_{name}") == {frozenset(): value}
    with service.state.admission.slot():
        assert await scraped(service, "segserve_places_taken") == {frozenset(): 1}


async def test_queue_and_engine_are_counted_apart(service: Service) -> None:
    assert service.state.pool.default is not None
    scheduler = service.state.pool.default.segmenter.scheduler
    image = service.state.pool.default.model.view().size
    calls = service.state.pool.default.model.engine.calls
    import numpy as np

    tasks = [asyncio.create_task(scheduler.run(np.zeros((*image, 3), np.uint8))) for _ in range(calls + 3)]
    await asyncio.sleep(0)  # each has begun
    model = frozenset({("model", "pets/1")})
    assert (scheduler.waiting, scheduler.working) == (3, calls)
    assert model in await scraped(service, "segserve_queue_pictures")
    await asyncio.gather(*tasks)
    assert await scraped(service, "segserve_queue_pictures") == {model: 0}
    assert await scraped(service, "segserve_engine_pictures") == {model: 0}


async def test_models_are_told(service: Service) -> None:
    assert service.state.pool.default is not None
    model = service.state.pool.default.model
    ((info, one),) = (await scraped(service, "segserve_model_info")).items()
    assert one == 1
    assert dict(info) == {
        "model": "pets/1",
        "name": "pets",
        "version": "1",
        "sha256": model.version.sha256,
        "engine": model.engine.name,
        "precision": "f32",
        "device": model.engine.device,
        "threads": str(model.engine.threads),
        "streams": str(model.engine.streams),
        "default": "true",
    }
    ((_, seconds),) = (await scraped(service, "segserve_model_load_seconds")).items()
    assert 0 < seconds < 60
    assert list((await scraped(service, "segserve_unused_gpus")).values()) == [model.selection.unused_gpus]


async def test_before_a_model_is_loaded_there_is_none(settings: Settings) -> None:
    async with running(settings, loaded=False) as service:
        assert await scraped(service, "segserve_model_info") == {}
        assert list((await scraped(service, "segserve_ready")).values()) == [0]


async def test_the_reference_is_that_of_the_manifest(service: Service) -> None:
    assert service.state.pool.default is not None
    reference = service.state.pool.default.model.manifest.reference
    found = await scraped(service, "segserve_reference")
    histograms = {("brightness", ""): reference.brightness, ("confidence", ""): reference.confidence}
    histograms |= {("class_share", name): each for name, each in reference.class_share.items()}
    for (of, name), histogram in histograms.items():
        total = sum(histogram.counts)
        for number, edge in enumerate(histogram.edges[1:], 1):
            key = frozenset({"model": "pets/1", "of": of, "class": name, "le": repr(float(edge))}.items())
            assert found.pop(key) == pytest.approx(sum(histogram.counts[:number]) / total)
    assert not found
