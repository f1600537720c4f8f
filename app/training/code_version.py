"""Which code computed something: git commit, whether files differ from it, versions of the packages."""

import importlib.metadata
import subprocess
from datetime import datetime
from pathlib import Path

from app.training.config import StrictModel

PACKAGES = ("jax", "keras", "numpy", "openvino", "pillow", "tensorflow")
"""Those that the numbers depend on."""


class CodeVersion(StrictModel):
    """The code of a run.

    Args:
        since: when the run first used it, UTC.
        commit: git commit, or None outside of a checkout.
        changed: whether files of the package differ from the commit.
        packages: version by distribution name.
    """

    since: datetime
    commit: str | None
    changed: bool
    packages: dict[str, str]

    def __str__(self) -> str:
        commit = "no commit" if self.commit is None else self.commit[:10] + (" with changes" if self.changed else "")
        return ", ".join([commit, *(f"{name} {version}" for name, version in self.packages.items())])


def code_version(since: datetime) -> CodeVersion:
    """This code, now."""
    changed = bool(_git("status", "--porcelain", "--", str(_package())))
    return CodeVersion(since=since, commit=code_commit(), changed=changed, packages=installed_packages())


def code_commit() -> str | None:
    """Git commit of this code, or None outside of a checkout."""
    return _git("rev-parse", "HEAD")


def installed_packages() -> dict[str, str]:
    """Versions of `PACKAGES`, as far as they are installed."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _package() -> Path:
    """Folder of `app`."""
    return Path(__file__).parents[1]


def _git(*arguments: str) -> str | None:
    """What git says, or None where it says nothing."""
    command = ["git", *arguments]
    try:
        found = subprocess.run(command, cwd=_package(), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
