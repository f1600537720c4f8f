import sys

import pytest

from app.core.errors import ConfigurationError
from app.jobs.folder import open_folder


def test_without_fsspec_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fsspec", "fsspec.core"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError, match=r"s3://bucket/a: URLs need fsspec; .*segserve\[ray\]"):
        open_folder("s3://bucket/a")
