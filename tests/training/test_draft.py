from app.nn.config import UNetXceptionConfig
from app.training.draft import make_draft
from app.training.evaluation.scoring import SplitResults
from app.training.run import Run
from app.training.sources.oxford import PETS, OxfordPets
from tests.training.evaluation.made_results import random_results

SMALL = UNetXceptionConfig(input_size=(48, 48), classes=3, filters=(8,))


def test_what_a_run_says_of_itself(finished: Run, source: OxfordPets) -> None:
    results = random_results(4)
    draft = make_draft(finished, source, SMALL, 1.5, {"mine": SplitResults(results, results)}, results[:3])
    assert draft.temperature == 1.5
    assert draft.label_map == PETS
    assert draft.preprocessing.size == (48, 48)
    assert draft.architecture["filters"] == [8]
    assert draft.training["learning_rate"] == finished.config().learning_rate
    assert draft.data.pictures == {"training": 22, "validation": 6, "mine": 4}
    assert draft.metrics["mine"] == SplitResults(results, results).metrics(PETS)
    assert sum(draft.reference.brightness.counts) == 3


def test_a_run_that_was_not_scored(finished: Run, source: OxfordPets) -> None:
    draft = make_draft(finished, source, SMALL, 1.0, {}, random_results(2))
    assert draft.metrics == {}
    assert draft.data.pictures == {"training": 22, "validation": 6}
