from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.store.repository import ModelStore

Segserve = Callable[..., Result]


@pytest.fixture
def segserve(store: ModelStore) -> Segserve:
    """Runs the command on `store`, which is made if it is not there."""
    store.root.mkdir(parents=True, exist_ok=True)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments], env={"SEGSERVE_MODEL_STORE": str(store.root)})

    return run
