"""The locks: every package pinned and hashed, no host named, in step with `pyproject.toml`."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BASE = PYPROJECT["project"]["dependencies"]
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
CONTENTS = {
    "serve-cpu": [line for line in BASE if not line.startswith("tensorflow")] + EXTRAS["cpu"] + EXTRAS["traces"],
    "serve-gpu": BASE + EXTRAS["gpu"] + EXTRAS["traces"],
    "train": BASE + EXTRAS["train"],
    "bench": PYPROJECT["dependency-groups"]["bench"],
    "audit": PYPROJECT["dependency-groups"]["audit"],
    "dev": BASE
    + [line for extra in ("cpu", "train", "quantize", "traces") for line in EXTRAS[extra]]
    + PYPROJECT["dependency-groups"]["dev"],
    "fuzz": PYPROJECT["dependency-groups"]["fuzz"],
    "ray": [line for line in BASE if not line.startswith("tensorflow")]
    + [line for extra in ("cpu", "ray") for line in EXTRAS[extra]]
    + PYPROJECT["dependency-groups"]["ray"],
    "compat": PYPROJECT["dependency-groups"]["compat"],
}
"""What each lock is made from."""


def entries(lock: str) -> list[str]:
    """One string for each pin: requirement, marker and hashes."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text().replace("\\\n", " ").replace(", ", ",")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def pins(lock: str) -> dict[str, set[str]]:
    """Canonical name → versions: more than one where they differ by Python version."""
    found: dict[str, set[str]] = {}
    for entry in entries(lock):
        name, _, version = entry.split()[0].partition("==")
        found.setdefault(canonicalize_name(name.partition("[")[0]), set()).add(version)
    return found


def test_every_lock_is_known() -> None:
    assert {path.stem for path in (ROOT / "requirements").iterdir()} == set(CONTENTS)


@pytest.mark.parametrize("lock", CONTENTS)
def test_every_package_is_pinned_and_hashed(lock: str) -> None:
    assert entries(lock)
    for entry in entries(lock):
        assert re.match(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,-]+\])?==[0-9][\w.]* ", entry)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)


def test_extras_are_kept() -> None:
    """Without them pip 23 looks for the newest release of `coverage[toml]`, and finds no hash of it."""
    assert "coverage[toml]==" in (ROOT / "requirements" / "dev.txt").read_text()
    assert "tensorflow[and-cuda]==" in (ROOT / "requirements" / "serve-gpu.txt").read_text()


@pytest.mark.parametrize("lock", CONTENTS)
def test_no_lock_names_a_host_or_a_path(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    assert not re.search(r"://|file:|--(extra-)?index|--find-links|--trusted-host|@ ", text)


@pytest.mark.parametrize("lock", CONTENTS)
def test_lock_holds_what_the_project_asks_for(lock: str) -> None:
    locked = pins(lock)
    for line in CONTENTS[lock]:
        wanted = Requirement(line)
        versions = locked[canonicalize_name(wanted.name)]
        assert all(wanted.specifier.contains(version) for version in versions), line


def test_a_cpu_server_has_no_tensorflow() -> None:
    assert not {"tensorflow", "keras"} & set(pins("serve-cpu"))


@pytest.mark.parametrize("lock", ["serve-cpu", "serve-gpu", "train"])
def test_what_is_tested_is_what_is_served(lock: str) -> None:
    tested = pins("dev")
    assert all(tested.get(name, versions) == versions for name, versions in pins(lock).items())
