"""The store of models: versions in folders, aliases beside them; safe to read while others publish."""

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import AliasConflictError, CorruptVersionError, ModelNotFoundError
from app.store.bookkeeping import read_aliases, remember_numbers, write_aliases
from app.store.durable import sync_folder, temporary_path
from app.store.faults import store_access
from app.store.integrity import verify_files
from app.store.lock import locked
from app.store.manifest import MANIFEST, MAX_MANIFEST_BYTES, Manifest
from app.store.names import (
    PRODUCTION,
    VERSION_PATTERN,
    Reference,
    is_name,
    parse_reference,
    require_alias,
    require_name,
    shown,
)


@dataclass(frozen=True)
class ModelVersion:
    """A version found in the store.

    Args:
        name: of the model.
        version: number, from 1.
        path: its folder.
        sha256: of the manifest's bytes; it pins every file, for the manifest holds their checksums.
    """

    name: str
    version: int
    path: Path
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


class ModelStore:
    """Reads `root/NAME/VERSION/…` and changes aliases; `app.store.publish` adds versions.

    Reading takes no lock and writes nothing. Any method raises `StoreUnavailableError` where the store cannot be
    reached, and `ModelNotFoundError` for a name that no model can have.

    Args:
        root: folder of the store; it need not exist before the first publish.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, name: str) -> Path:
        """Where the versions of that model lie, or would."""
        require_name(name)
        return self.root / name

    def names(self) -> list[str]:
        """Models with at least one version, sorted."""
        with store_access("root"):
            names = sorted(path.name for path in self.root.iterdir() if is_name(path.name))
        return [name for name in names if self.versions(name)]

    def versions(self, name: str) -> list[int]:
        """Numbers of the model's versions, rising; what is unfinished or no version is passed over."""
        folder = self.folder(name)
        with store_access(name):
            try:
                return sorted(int(path.name) for path in folder.iterdir() if _is_version(path))
            except (FileNotFoundError, NotADirectoryError):
                self._require_root()
                return []

    def aliases(self, name: str) -> dict[str, int]:
        """Version by alias, sorted by alias."""
        folder = self.folder(name)
        with store_access(name):
            aliases = read_aliases(folder)
            if not aliases:
                self._require_root()
            return aliases

    def resolve(self, reference: str) -> ModelVersion:
        """Finds `NAME`, `NAME:VERSION` or `NAME:ALIAS`.

        A name alone means the alias `production` where there is one, else the newest version.

        Raises:
            ModelNotFoundError: there is none; the message lists what there is.
            CorruptVersionError: its manifest is no file of a bearable size.
        """
        parsed = parse_reference(reference)
        number = self._number(parsed)
        path = self.root / parsed.name / str(number)
        with store_access(f"{parsed.name}/{number}"):
            found = _is_version(path)
        if not found:
            have = ", ".join(map(str, self.versions(parsed.name)[-20:])) or "none"
            raise ModelNotFoundError(f"no version {number} of {parsed.name} in the store; versions: {have}")
        data = _manifest_bytes(path, f"{parsed.name}/{number}")
        return ModelVersion(parsed.name, number, path, hashlib.sha256(data).hexdigest())

    def manifest(self, version: ModelVersion) -> Manifest:
        """Reads the manifest; the files are not looked at.

        Raises:
            CorruptVersionError: invalid, of a newer schema, of another version, or changed since `resolve`.
            ModelNotFoundError: deleted since `resolve`.
        """
        data = _manifest_bytes(version.path, str(version))
        if hashlib.sha256(data).hexdigest() != version.sha256:
            raise CorruptVersionError(f"{version}/{MANIFEST} has changed since it was found")
        manifest = Manifest.from_json(data, f"{version}/{MANIFEST}")
        if (manifest.name, manifest.version) != (version.name, version.version):
            raise CorruptVersionError(f"{version}/{MANIFEST} is that of {manifest.name}/{manifest.version}")
        return manifest

    def verify(self, version: ModelVersion) -> Manifest:
        """Reads every byte of the version and compares it with the manifest; call it before parsing any file.

        Raises:
            CorruptVersionError: as `manifest`, or a file is missing, unlisted, a link, or differs; it names the file.
            ModelNotFoundError: deleted since `resolve`.
        """
        manifest = self.manifest(version)
        with store_access(str(version)):
            verify_files(version.path, manifest.files, str(version))
        return manifest

    def set_alias(self, name: str, alias: str, version: int, expected: int | None = None) -> None:
        """Points the alias at a version; all readers follow.

        Args:
            name: of the model.
            alias: not digits alone.
            version: one that is there.
            expected: the version that it must point at now, 0 if it must not exist yet; None: whatever it is.

        Raises:
            AliasConflictError: it points elsewhere than expected.
            InvalidParameterError: no valid alias.
            ModelNotFoundError: no such version.
        """
        require_alias(alias)
        with self._changing(name) as folder:
            self._require_version(name, version)
            aliases = read_aliases(folder)
            _require_expected(name, alias, aliases.get(alias, 0), expected)
            write_aliases(folder, {**aliases, alias: version})

    def remove_alias(self, name: str, alias: str, expected: int | None = None) -> None:
        """Takes the alias away; its version stays.

        Args:
            name: of the model.
            alias: one that is there.
            expected: as in `set_alias`.

        Raises:
            AliasConflictError: it points elsewhere than expected.
            ModelNotFoundError: no such alias.
        """
        with self._changing(name) as folder:
            aliases = read_aliases(folder)
            if alias not in aliases:
                raise _no_alias(name, alias, aliases)
            _require_expected(name, alias, aliases.pop(alias), expected)
            write_aliases(folder, aliases)

    def delete(self, name: str, version: int) -> None:
        """Removes a version; its number is never used again.

        Raises:
            AliasConflictError: an alias points at it.
            ModelNotFoundError: no such version.
        """
        with self._changing(name) as folder:
            self._require_version(name, version)
            if pointing := [alias for alias, number in read_aliases(folder).items() if number == version]:
                raise AliasConflictError(f"{name}/{version} is {', '.join(pointing)}; move or remove the alias first")
            remember_numbers(folder)
            grave = temporary_path(folder)
            (folder / str(version)).rename(grave)
            sync_folder(folder)
            shutil.rmtree(grave, ignore_errors=True)  # what stays is removed by the next publish

    @contextmanager
    def _changing(self, name: str) -> Iterator[Path]:
        folder = self.folder(name)
        if not self.versions(name):
            raise ModelNotFoundError(f"no model {name!r} in the store")
        with store_access(name), locked(folder):
            yield folder

    def _number(self, reference: Reference) -> int:
        if isinstance(reference.selector, int):
            return reference.selector
        aliases = self.aliases(reference.name)
        if reference.selector is not None:
            if reference.selector not in aliases:
                raise _no_alias(reference.name, reference.selector, aliases)
            return aliases[reference.selector]
        if PRODUCTION in aliases:
            return aliases[PRODUCTION]
        versions = self.versions(reference.name)
        if not versions:
            raise ModelNotFoundError(f"no model {reference.name!r} in the store")
        return versions[-1]

    def _require_root(self) -> None:
        """Tells a store that has vanished from one without that model."""
        os.scandir(self.root).close()

    def _require_version(self, name: str, version: int) -> None:
        if version not in self.versions(name):
            raise ModelNotFoundError(f"no version {version} of {name} in the store")


def _is_version(path: Path) -> bool:
    """A folder, not a link to one, called by a number and holding a manifest."""
    if not re.fullmatch(VERSION_PATTERN, path.name):
        return False
    try:
        return stat.S_ISDIR(path.lstat().st_mode) and stat.S_ISREG((path / MANIFEST).lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _manifest_bytes(path: Path, origin: str) -> bytes:
    with store_access(origin):
        try:
            with (path / MANIFEST).open("rb") as file:
                data = file.read(MAX_MANIFEST_BYTES + 1)
        except FileNotFoundError as error:
            raise ModelNotFoundError(f"{origin} was deleted") from error
    if len(data) > MAX_MANIFEST_BYTES:
        raise CorruptVersionError(f"{origin}/{MANIFEST} has more than {MAX_MANIFEST_BYTES} bytes")
    return data


def _require_expected(name: str, alias: str, present: int, expected: int | None) -> None:
    if expected is not None and present != expected:
        points = f"points at version {present}" if present else "does not exist"
        wanted = f"version {expected}" if expected else "no such alias"
        raise AliasConflictError(f"alias {alias!r} of {name} {points}, not {wanted} as expected; look again")


def _no_alias(name: str, alias: str, aliases: dict[str, int]) -> ModelNotFoundError:
    return ModelNotFoundError(f"{name} has no alias {shown(alias)}; aliases: {', '.join(aliases) or 'none'}")
