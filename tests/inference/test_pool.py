import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.errors import (
    AliasConflictError,
    ModelInUseError,
    ModelNotFoundError,
    ModelNotLoadedError,
    ModelNotReadyError,
    ModelUnusableError,
    PoolFullError,
    StoreUnavailableError,
)
from app.core.settings import Settings
from app.inference import pool as pool_module
from app.inference.pool import ModelPool
from app.inference.served import ServedModel, read_model
from app.store.repository import ModelStore
from tests.fixtures.damage import damage
from tests.fixtures.waiting import until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pool(three_versions: ModelStore) -> AsyncIterator[ModelPool]:
    """With room for two, `pets/1` the default."""
    made = ModelPool(three_versions, Settings(model_store=three_versions.root, max_models=2))
    await made.follow()
    yield made
    await made.close()
    made.abandon()


def there(pool: ModelPool) -> list[int]:
    return [served.model.version.version for served in pool.models]


async def settled(pool: ModelPool) -> None:
    """Waits until those that leave are gone."""
    await until(lambda: not pool._leaving)


async def test_an_empty_pool_has_nothing_to_use(three_versions: ModelStore) -> None:
    pool = ModelPool(three_versions, Settings(model_store=three_versions.root))
    with pytest.raises(ModelNotReadyError):
        async with pool.using():
            pass
    assert pool.stuck_seconds() == 0
    await pool.close()
    pool.abandon()


async def test_requests_reach_what_is_loaded_and_nothing_else(pool: ModelPool) -> None:
    for reference in (None, "pets", "pets:1", "pets:production"):
        async with pool.using(reference) as served:
            assert served is pool.default
    with pytest.raises(ModelNotLoadedError, match="pets/2 is in the store but not loaded; loaded: pets/1"):
        async with pool.using("pets:2"):
            pass
    for reference in ("pets:4", "cells", "pets:staging", "../pets", "pets:"):
        with pytest.raises(ModelNotFoundError):
            async with pool.using(reference):
                pass


async def test_what_is_loaded_is_used_until_it_is_unloaded(pool: ModelPool) -> None:
    loaded = await pool.load(pool.store.resolve("pets:2"))
    assert await pool.load(pool.store.resolve("pets:2")) is loaded
    async with pool.using("pets:2") as served:
        assert served is loaded
        pool.unload("pets", 2)
        assert there(pool) == [1]
        await asyncio.sleep(0.02)
        assert pool._leaving  # it is still used
        with pytest.raises(ModelNotLoadedError):
            pool.unload("pets", 2)
    await settled(pool)


async def test_the_default_is_not_unloaded(pool: ModelPool) -> None:
    with pytest.raises(ModelInUseError, match="pets/1 is the default model"):
        pool.unload("pets", 1)
    with pytest.raises(ModelNotLoadedError, match="version 9 of 'pets' is not loaded"):
        pool.unload("pets", 9)


async def test_the_least_recently_used_one_gives_way(three_versions: ModelStore) -> None:
    pool = ModelPool(three_versions, Settings(model_store=three_versions.root, model="pets:1", max_models=3))
    await pool.follow()
    for number in (1, 2, 3):
        await pool.load(pool.store.resolve(f"pets:{number}"))
    assert sorted(there(pool)) == [1, 2, 3]
    async with pool.using("pets:2"):
        pass
    pool._settings = pool._settings.model_copy(update={"max_models": 2})
    await pool.load(pool.store.resolve("pets:3"))
    pool._make_room()
    assert sorted(there(pool)) == [1, 2]
    await pool.close()
    pool.abandon()


async def test_there_may_be_room_for_the_default_alone(three_versions: ModelStore) -> None:
    pool = ModelPool(three_versions, Settings(model_store=three_versions.root, max_models=1))
    await pool.follow()
    with pytest.raises(PoolFullError):
        await pool.load(pool.store.resolve("pets:2"))
    three_versions.set_alias("pets", "production", 2)
    await pool.follow()
    assert there(pool) == [2]
    await pool.close()
    pool.abandon()


async def test_a_version_is_loaded_once_for_all_who_ask(pool: ModelPool, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []

    def counted(*arguments: object) -> object:
        reads.append(arguments)
        return read_model(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(pool_module, "read_model", counted)
    wanted = pool.store.resolve("pets:2")
    first, second = await asyncio.gather(pool.load(wanted), pool.load(wanted))
    assert first is second
    assert len(reads) == 1


async def test_who_asks_and_goes_leaves_what_was_loaded(pool: ModelPool) -> None:
    asking = asyncio.create_task(pool.load(pool.store.resolve("pets:2")))
    await asyncio.sleep(0)
    asking.cancel()
    await until(lambda: there(pool) == [1, 2])


async def test_requests_load_where_that_is_allowed(pool: ModelPool) -> None:
    pool._settings = pool._settings.model_copy(update={"load_on_request": True})
    for number in (2, 3, 2):
        async with pool.using(f"pets:{number}") as served:
            assert served.model.version.version == number
            assert there(pool) == [1, number]


async def test_following(pool: ModelPool) -> None:
    assert await pool.follow() is None
    pool.store.set_alias("pets", "production", 2)
    before = pool.default
    assert before is not None
    with before.used():
        after = await pool.follow()
        assert after is pool.default is not before
        await asyncio.sleep(0.02)
        assert before in pool._leaving.values()
    await settled(pool)
    assert there(pool) == [2]


async def test_what_was_asked_for_stays_when_it_is_no_longer_the_default(pool: ModelPool) -> None:
    await pool.load(pool.store.resolve("pets:1"))
    before = pool.default
    await pool.activate(pool.store.resolve("pets:2"), "production", None)
    await pool.activate(pool.store.resolve("pets:1"), "production", None)
    assert pool.default is before


async def test_activating(pool: ModelPool) -> None:
    served = await pool.activate(pool.store.resolve("pets:3"), "production", 1)
    assert served is pool.default
    assert there(pool) == [3]
    assert pool.store.aliases("pets") == {"production": 3}
    assert await pool.activate(pool.store.resolve("pets:2"), "staging", 0) is None
    assert there(pool) == [3]
    assert pool.store.aliases("pets") == {"production": 3, "staging": 2}
    assert await pool.follow() is None


async def test_an_alias_that_has_moved_is_left(pool: ModelPool) -> None:
    with pytest.raises(AliasConflictError):
        await pool.activate(pool.store.resolve("pets:3"), "production", 2)
    assert there(pool) == [1]
    assert pool.store.aliases("pets") == {"production": 1}
    await settled(pool)
    with pytest.raises(AliasConflictError):  # what is in memory already stays there
        await pool.activate(pool.store.resolve("pets:1"), "production", 2)
    assert there(pool) == [1]


async def test_a_broken_version_changes_nothing(pool: ModelPool) -> None:
    damage(pool.store.root / "pets" / "2")
    broken = pool.store.resolve("pets:2")
    with pytest.raises(ModelUnusableError, match="pets/2 cannot be loaded: "):
        await pool.load(broken)
    for alias in ("production", "staging"):
        with pytest.raises(ModelUnusableError):
            await pool.activate(broken, alias, None)
    assert there(pool) == [1]
    assert pool.store.aliases("pets") == {"production": 1}
    assert pool.failures[broken].startswith("pets/2")
    pool.store.set_alias("pets", "production", 2)
    assert await pool.follow() is None  # it was tried a short while ago
    pool._failed_at.clear()
    with pytest.raises(ModelUnusableError):
        await pool.follow()
    assert there(pool) == [1]


async def test_a_mended_version_is_no_longer_broken(pool: ModelPool, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*arguments: object) -> None:
        raise RuntimeError("/secret/path")

    wanted = pool.store.resolve("pets:2")
    with monkeypatch.context() as patch:
        patch.setattr(pool_module, "read_model", explode)
        with pytest.raises(ModelUnusableError, match="unexpected error, the log has it"):
            await pool.load(wanted)
    assert pool.failures == {wanted: "unexpected error, the log has it"}
    await pool.load(wanted)
    assert not pool.failures


async def test_a_store_that_fails_is_not_the_fault_of_the_version(
    pool: ModelPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*arguments: object) -> None:
        raise StoreUnavailableError("the store is away")

    monkeypatch.setattr(pool_module, "read_model", away)
    with pytest.raises(StoreUnavailableError):
        await pool.load(pool.store.resolve("pets:2"))
    assert not pool.failures


async def test_one_that_is_unloaded_as_soon_as_it_is_there_is_loaded_again(pool: ModelPool) -> None:
    wanted = pool.store.resolve("pets:2")
    asking = asyncio.create_task(pool.load(wanted))
    keep = pool._keep

    def kept_for_a_moment(served: ServedModel) -> None:
        pool._keep = keep  # type: ignore[method-assign]
        keep(served)
        pool.unload("pets", 2)

    pool._keep = kept_for_a_moment  # type: ignore[method-assign]
    served = await asking
    assert not served.leaving
    assert there(pool) == [1, 2]


async def test_a_model_that_leaves_is_still_watched(pool: ModelPool, monkeypatch: pytest.MonkeyPatch) -> None:
    served = await pool.load(pool.store.resolve("pets:2"))
    monkeypatch.setattr(served.segmenter.scheduler, "stuck_seconds", lambda: 61.0)
    assert pool.stuck_seconds() == 61
    with served.used():
        pool.unload("pets", 2)
        assert pool.stuck_seconds() == 61
    await settled(pool)
    assert pool.stuck_seconds() == 0
