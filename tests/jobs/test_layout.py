import itertools
from typing import get_args

from app.inference.outputs import Output
from app.jobs.layout import answer_path, ending


def test_names() -> None:
    assert answer_path("a/c.jpg", "mask") == "a/c.jpg.mask.png"
    assert answer_path("a/c.jpg", "json") == "a/c.jpg.segmentation.json"


def test_no_two_answers_share_a_name() -> None:
    """They could only where one ending is the end of another."""
    endings = [ending(output) for output in get_args(Output)]
    assert len(set(endings)) == len(endings)
    assert not [pair for pair in itertools.permutations(endings, 2) if pair[0].endswith(pair[1])]
