import asyncio

import pytest

from app.core.architecture import ArchitectureSummary
from app.core.settings import Settings
from app.inference.segmenter import Resources
from app.inference.served import ServedModel, read_model, serve_model
from app.store.repository import ModelStore

pytestmark = pytest.mark.anyio


@pytest.fixture
async def served(tiny_store: ModelStore, resources: Resources) -> ServedModel:
    settings = Settings(model_store=tiny_store.root)
    return serve_model(read_model(tiny_store, tiny_store.resolve("pets"), settings), settings, resources, 0.1)


async def test_it_has_the_explanation_of_its_network(served: ServedModel) -> None:
    assert isinstance(served.architecture, ArchitectureSummary)
    assert str(served.model.version) == "pets/1"
    await served.close()


async def test_it_is_freed_when_the_last_user_has_finished(served: ServedModel) -> None:
    with served.used() as one:
        assert one is served
        with served.used():
            closing = asyncio.create_task(served.close())
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.02)
        assert not closing.done()
    async with asyncio.timeout(30):
        await closing
