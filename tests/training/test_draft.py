import json
import shutil
from pathlib import Path

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
    parts = {"training (feral, masks: outline)": 7, "training (oxford, masks: own)": 15}
    assert draft.data.pictures == {"training": 22, **parts, "validation": 6, "mine": 4}
    assert draft.metrics["mine"] == SplitResults(results, results).metrics(PETS)
    assert sum(draft.reference.brightness.counts) == 3


def test_a_run_that_was_not_scored(finished: Run, source: OxfordPets) -> None:
    draft = make_draft(finished, source, SMALL, 1.0, {}, random_results(2))
    assert draft.metrics == {}
    assert {name: draft.data.pictures[name] for name in ("training", "validation")} == {"training": 22, "validation": 6}


def test_what_a_run_was_begun_with(finished: Run, source: OxfordPets, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path / "second")
    second = Run(tmp_path / "second")
    text = (tmp_path / "second" / "config.json").read_text()
    first = json.dumps(str(finished.folder))
    (tmp_path / "second" / "config.json").write_text(text.replace('"init": null', f'"init": {first}'))
    training = make_draft(second, source, SMALL, 1.0, {}, random_results(2)).training
    assert training["init"] == finished.folder.name
    assert training["init_training"] == finished.config().model_dump(mode="json")
    assert str(finished.folder) not in json.dumps(training)
    (tmp_path / "second" / "config.json").write_text(text.replace('"init": null', '"init": "/gone/student"'))
    training = make_draft(second, source, SMALL, 1.0, {}, random_results(2)).training
    assert (training["init"], "init_training" in training) == ("student", False)
