from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from app.core.errors import OverloadedError
from app.core.settings import Settings
from app.inference.answers import SegmentOptions
from app.inference.caller import Caller
from app.inference.loaded import LoadedModel
from app.inference.segmenter import Resources, Segmenter
from tests.inference.pictures import chelsea, encoded
from tests.inference.test_segmenter import Lent

pytestmark = pytest.mark.anyio


@pytest.fixture
async def segmenter(model: LoadedModel, resources: Resources) -> AsyncIterator[Segmenter]:
    """With default limits."""
    made = Segmenter(replace(model, engine=Lent(model)), Settings(), resources)
    yield made
    await made.close()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
async def test_pixels_of_the_networks_own_size(segmenter: Segmenter, model: LoadedModel, dtype: type) -> None:
    pixels = chelsea(32, 32)
    claimed: list[int] = []
    caller = Caller(claim=claimed.append)
    answer = await segmenter.segment_pixels(pixels.astype(dtype), SegmentOptions(), caller)
    of_a_file = await segmenter.segment(encoded(pixels), SegmentOptions())
    assert answer.content == of_a_file.content
    assert answer.observation == of_a_file.observation
    assert answer.probabilities is not None
    assert of_a_file.probabilities is not None
    np.testing.assert_array_equal(answer.probabilities, of_a_file.probabilities)
    np.testing.assert_array_equal(answer.probabilities, model.engine.infer(pixels[None])[0])
    assert (answer.size, answer.timings.decode, claimed) == ((32, 32), 0.0, [32 * 32])


async def test_pixels_count_in_the_budget(model: LoadedModel) -> None:
    settings = Settings(max_pixels=1023, max_queue_pixels=1023)
    resources = Resources.of(settings)
    segmenter = Segmenter(replace(model, engine=Lent(model)), settings, resources)
    with pytest.raises(OverloadedError):
        await segmenter.segment_pixels(chelsea(32, 32), SegmentOptions())
    assert resources.budget.taken == 0
    await segmenter.close()
    resources.close()


async def test_pictures_in_windows_have_no_probabilities_of_one_size(segmenter: Segmenter) -> None:
    answer = await segmenter.segment(encoded(chelsea(75, 120)), SegmentOptions(tile=64))
    assert answer.probabilities is None
