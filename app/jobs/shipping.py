"""A model version as bytes, so that workers on other machines need no store."""

import tempfile
from pathlib import Path

from app.core.errors import CorruptVersionError
from app.core.settings import Settings
from app.inference.loaded import LoadedModel, load_model
from app.store.manifest import MANIFEST
from app.store.repository import ModelStore, ModelVersion

Package = dict[str, bytes]
"""Content of each file of a version by its path in the version's folder."""


def pack(model: LoadedModel) -> Package:
    """The files of a loaded version: those that its manifest names, and the manifest."""
    folder = model.version.path
    return {name: (folder / name).read_bytes() for name in [MANIFEST, *model.manifest.files]}


def unpack(package: Package, version: ModelVersion, settings: Settings) -> LoadedModel:
    """The model again, every checksum verified; the files are gone from the disk when it is in memory.

    Raises:
        CorruptVersionError: these are not the files of that version.
        ConfigurationError: engine, device or precision cannot be had here.
    """
    with tempfile.TemporaryDirectory(prefix="segserve-") as folder:
        root = Path(folder)
        for name, content in package.items():
            path = root / version.name / str(version.version) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        model = load_model(ModelStore(root), f"{version.name}:{version.version}", settings)
        if model.version.sha256 != version.sha256:
            model.close()
            raise CorruptVersionError(f"{version}: another version arrived than was sent")
        return model
