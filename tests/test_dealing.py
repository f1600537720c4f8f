"""`make test` runs tests two at a time; what is costly to make is made once, in one of the processes."""

import pytest


def test_a_file_stays_in_one_process(request: pytest.FixtureRequest) -> None:
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("tests are not dealt out here")
    assert request.node.nodeid.endswith("@tests/test_dealing.py"), "xdist does not see the groups"
