"""Publishes a version of one store in another: arguments are the two folders. Exit code 1 where it is refused."""

import sys
from pathlib import Path

from app.core.errors import SegserveError
from app.store.manifest import ManifestDraft
from app.store.publish import publish_version
from app.store.repository import ModelStore


def main(source: Path, target: Path) -> None:
    """Does it."""
    store = ModelStore(source)
    version = store.resolve("pets:production")
    manifest = store.manifest(version)
    draft = ManifestDraft(**{name: getattr(manifest, name) for name in ManifestDraft.model_fields})
    files: dict[str, Path | bytes] = {path: version.path / path for path in manifest.files}
    try:
        publish_version(ModelStore(target), "pets", draft, files)
    except SegserveError as error:
        sys.stderr.write(f"{error.detail}\n")
        sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
