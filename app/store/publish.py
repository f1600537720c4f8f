"""Publishing: a version appears in the store whole, or not at all."""

import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from app.core.errors import PublishError
from app.core.records import problems
from app.store.bookkeeping import next_number
from app.store.durable import copy_file, sync_folder
from app.store.faults import reason
from app.store.lock import locked
from app.store.manifest import (
    MANIFEST,
    MAX_FILES,
    MAX_MANIFEST_BYTES,
    FileEntry,
    Manifest,
    ManifestDraft,
    RelativePath,
)
from app.store.names import is_name, shown
from app.store.repository import ModelStore, ModelVersion
from app.store.staging import Staging, staging

_PATH = TypeAdapter(RelativePath)


def publish_version(
    store: ModelStore, name: str, draft: ManifestDraft, files: Mapping[str, Path | bytes]
) -> ModelVersion:
    """Copies the files into a new version under the next number; aliases stay as they are.

    Several processes may publish at once: each gets its own number. Files are copied without holding a lock.

    Args:
        store: where to.
        name: of the model; its folder is made where there is none.
        draft: what the manifest says beside name, number, time and checksums.
        files: path to read, or content, by path inside the version (`openvino/model.xml`).

    Raises:
        PublishError: a name that cannot be, or the files could not be read or written; the store is as before.
        StoreUnavailableError: the record of numbers is torn.
    """
    _require_names(name, files)
    folder = store.folder(name)
    try:
        _make_folder(folder)
        with staging(folder) as stage:
            entries = {path: _copy(source, stage.path, path) for path, source in sorted(files.items())}
            for inner in {stage.path / path for path in files}:
                _sync_upwards(inner.parent, stage.path)
            return _appear(folder, stage, draft, entries)
    except OSError as error:
        place = error.filename or folder
        raise PublishError(f"{name} was not published: {place}: {reason(error)}. The store is as before") from error


def _require_names(name: str, files: Mapping[str, Path | bytes]) -> None:
    if not is_name(name):
        raise PublishError(f"{shown(name)} cannot be published: names are a-z, 0-9, '.', '_', '-', at most 64")
    if not 1 <= len(files) <= MAX_FILES:
        raise PublishError(f"{name} was not published: a version has 1 to {MAX_FILES} files, not {len(files)}")
    for path in files:
        try:
            _PATH.validate_python(path)
        except ValidationError as error:
            raise PublishError(f"{name} was not published: {shown(path)} is no path inside a version") from error
        if path == MANIFEST:
            raise PublishError(f"{name} was not published: {MANIFEST} is written here, not given")


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)


def _copy(source: Path | bytes, root: Path, path: str) -> FileEntry:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    return copy_file(source, target)


def _sync_upwards(folder: Path, root: Path) -> None:
    while folder != root:
        sync_folder(folder)
        folder = folder.parent


def _appear(folder: Path, stage: Staging, draft: ManifestDraft, entries: dict[str, FileEntry]) -> ModelVersion:
    """Gives the number, writes the manifest, renames."""
    with locked(folder):
        number = next_number(folder)
        data = _manifest(folder.name, number, draft, entries)
        stage.manifest.write(data)
        stage.manifest.flush()
        os.fsync(stage.manifest.fileno())
        sync_folder(stage.path)
        path = folder / str(number)
        stage.path.rename(path)
        sync_folder(folder)
    return ModelVersion(folder.name, number, path, hashlib.sha256(data).hexdigest())


def _manifest(name: str, number: int, draft: ManifestDraft, entries: dict[str, FileEntry]) -> bytes:
    identity = {"name": name, "version": number, "created": datetime.now(UTC).replace(microsecond=0)}
    try:
        manifest = Manifest.model_validate({**dict(draft), **identity, "files": entries})
    except ValidationError as error:
        raise PublishError(f"{name} was not published: {problems(error)}") from error
    data = manifest.to_json()
    if len(data) > MAX_MANIFEST_BYTES:
        raise PublishError(f"{name} was not published: its manifest has {len(data)} bytes, of {MAX_MANIFEST_BYTES}")
    return data
