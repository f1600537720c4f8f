import dataclasses

import numpy as np

from app.imaging.observation import Observation
from app.training.evaluation.reference import EDGES, histogram, reference_distribution
from app.training.sources.oxford import PETS
from tests.training.evaluation.made_results import made_result


def test_twenty_bins_from_zero_to_one() -> None:
    assert len(EDGES) == 21
    assert (EDGES[0], EDGES[1], EDGES[-1]) == (0.0, 0.05, 1.0)


def test_every_value_is_counted() -> None:
    found = histogram([0.0, 0.0, 0.049, 0.05, 0.5, 0.999, 1.0, 1.0000001])
    assert (found.counts[0], found.counts[1], found.counts[10], found.counts[19]) == (3, 1, 1, 3)
    assert sum(found.counts) == 8


def test_distributions_over_pictures() -> None:
    made = made_result(np.eye(3, dtype=np.int64))
    results = [
        dataclasses.replace(made, observation=Observation(0.52, 0.91, (0.3, 0.6, 0.1))),
        dataclasses.replace(made, observation=Observation(0.13, 0.92, (0.0, 1.0, 0.0))),
    ]
    found = reference_distribution(results, PETS)
    assert np.flatnonzero(found.brightness.counts).tolist() == [2, 10]
    assert found.confidence.counts[18] == 2
    assert list(found.class_share) == ["pet", "background", "border"]
    assert np.flatnonzero(found.class_share["background"].counts).tolist() == [12, 19]
