from pathlib import Path

import pytest

from app.jobs.folder import local_path, open_folder, parents
from app.jobs.local import LocalFolder


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("a/b", Path("a/b")),
        ("/a b", Path("/a b")),
        ("file:///a%20b/c", Path("/a b/c")),
        ("file://localhost/a", Path("/a")),
        ("file://elsewhere/a", None),
        ("s3://bucket/a", None),
    ],
)
def test_paths_and_urls(url: str, path: Path | None) -> None:
    assert local_path(url) == path


def test_a_path_is_a_local_folder(tmp_path: Path) -> None:
    for url in (str(tmp_path), f"file://{tmp_path}"):
        folder = open_folder(url)
        assert isinstance(folder, LocalFolder)
        assert folder.url == str(tmp_path)


def test_parents() -> None:
    assert list(parents("a/b/c.jpg")) == ["a/b", "a", ""]
