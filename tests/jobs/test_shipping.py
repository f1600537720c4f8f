from dataclasses import replace

import pytest

from app.core.errors import CorruptVersionError
from app.core.settings import Settings
from app.inference.loaded import LoadedModel
from app.jobs.shipping import pack, unpack


def test_a_model_arrives_as_it_was_sent(model: LoadedModel, settings: Settings) -> None:
    arrived = unpack(pack(model), model.version, settings)
    assert arrived.identity == model.identity
    assert not arrived.version.path.exists()


def test_what_was_changed_on_its_way_is_refused(model: LoadedModel, settings: Settings) -> None:
    package = pack(model)
    name = next(name for name in package if name.endswith(".keras"))
    with pytest.raises(CorruptVersionError):
        unpack(package | {name: package[name] + b" "}, model.version, settings)
    with pytest.raises(CorruptVersionError, match="another version"):
        unpack(package, replace(model.version, sha256="0" * 64), settings)
