import resource

import pytest

from app.api.connections import accepted_at_a_time, most_connections


@pytest.mark.parametrize(
    ("files", "at_a_time", "most"),
    [(64, 16, 16), (1024, 64, 928), (4, 1, 1), (resource.RLIM_INFINITY, 64, 2**20 - 96)],
)
def test_connections_and_all_else_fit_into_the_descriptors(
    monkeypatch: pytest.MonkeyPatch, files: int, at_a_time: int, most: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda what: (files, files) if what == resource.RLIMIT_NOFILE else None)
    assert (accepted_at_a_time(), most_connections()) == (at_a_time, most)
