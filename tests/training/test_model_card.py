import json

from app.store.manifest import DataSummary
from app.training.evaluation.scoring import table
from app.training.model_card import model_card
from tests.fixtures.tiny_model import tiny_draft


def test_a_card_says_what_its_reader_must_know() -> None:
    draft = tiny_draft()
    card = model_card("pets", draft, {"rewritten": 1.5e-6, "openvino": 2e-6}, 12345, ["a CPU", "a GPU"])
    assert card.startswith(
        "# pets: U-Net Xception\n\nSegments a picture into 3 classes (0 pet, 1 background, 2 border)."
    )
    assert "12,345 parameters" in card
    assert "input 32×32 RGB 0–255, pictures are brought to it by `stretch`" in card
    assert table(draft.metrics) in card
    assert "rewritten 1.5e-06, openvino 2.0e-06." in card
    assert "Pictures: 8 train, 2 test. Fingerprint `0000000000000000`." in card
    assert "- Drawn pictures: The tests; MIT" in card
    assert "## Limits" in card
    assert "Trained on: a CPU; then a GPU." in card
    assert "Packages: keras 3." in card
    assert json.loads(card.split("```json\n")[1].split("```")[0]) == draft.training
    assert [line for line in card.splitlines() if line.startswith("## ")] == [
        "## Quality",
        "## Data",
        "## Limits",
        "## Training",
    ]


def test_data_that_is_owed_to_nobody() -> None:
    draft = tiny_draft()
    own = draft.model_copy(update={"data": DataSummary(fingerprint="a", pictures={"training": 5}, credits=())})
    card = model_card("pets", own, {}, 1, ["a CPU"])
    assert "Pictures: 5 training." in card
    assert "licences" not in card
