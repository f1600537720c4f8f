import importlib.metadata
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.training import code_version as module
from app.training.code_version import CodeVersion, code_commit, code_version, installed_packages

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    result = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return result.stdout.strip()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `app` that this code takes for its own."""
    package = tmp_path / "app"
    package.mkdir()
    monkeypatch.setattr(module, "_package", lambda: package)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return package


def test_outside_of_a_checkout_there_is_no_commit(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_commit() is None
    assert code_version(NOW).changed is False
    monkeypatch.setenv("PATH", "")
    assert code_commit() is None


def test_changes_after_the_commit_are_told(elsewhere: Path) -> None:
    git(elsewhere.parent, "init", "--quiet")
    (elsewhere / "fit.py").write_text("one")
    git(elsewhere.parent, "add", ".")
    git(elsewhere.parent, "commit", "--quiet", "-m", "first")
    (elsewhere.parent / "notes.md").write_text("beside the package")
    clean = code_version(NOW)
    assert (clean.since, clean.commit, clean.changed) == (NOW, git(elsewhere, "rev-parse", "HEAD"), False)
    (elsewhere / "fit.py").write_text("two")
    assert code_version(NOW).changed
    git(elsewhere, "checkout", "--quiet", "fit.py")
    (elsewhere / "new.py").write_text("new")
    assert code_version(NOW).changed


def test_packages_that_are_not_installed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGES", ("numpy", "no-such-package"))
    assert installed_packages() == {"numpy": importlib.metadata.version("numpy")}


@pytest.mark.parametrize(
    ("commit", "changed", "text"),
    [
        ("0123456789abcdef", False, "0123456789, numpy 2.0, keras 3.1"),
        ("0123456789abcdef", True, "0123456789 with changes, numpy 2.0, keras 3.1"),
        (None, False, "no commit, numpy 2.0, keras 3.1"),
    ],
)
def test_in_words(commit: str | None, changed: bool, text: str) -> None:
    packages = {"numpy": "2.0", "keras": "3.1"}
    assert str(CodeVersion(since=NOW, commit=commit, changed=changed, packages=packages)) == text
