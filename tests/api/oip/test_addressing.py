import pytest

from app.api.oip.addressing import reference_of
from tests.api.running import Service

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("name", "version", "reference"),
    [
        ("pets", None, None),  # the default model, whichever version that is now
        ("pets", "1", "pets:1"),
        ("pets", "production", "pets:production"),
        ("pets:1", None, "pets:1"),
        ("pets:1", "2", "pets:1:2"),  # which is no reference
        ("other", None, "other"),
    ],
)
async def test_which_model_a_path_means(
    service: Service, name: str, version: str | None, reference: str | None
) -> None:
    assert reference_of(service.state, name, version) == reference
