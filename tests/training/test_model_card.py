import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt  # comes with Keras

from app.store.manifest import Credit, DataSummary, ManifestDraft, Preprocessing
from app.store.scores import SplitMetrics
from app.training.evaluation.scoring import table
from app.training.model_card import literal, model_card
from tests.fixtures.tiny_model import tiny_draft


def test_a_card_says_what_its_reader_must_know() -> None:
    draft = tiny_draft()
    card = model_card("pets", draft, {"rewritten": 1.5e-6, "openvino": 2e-6}, 12345, ["a CPU", "a GPU"], None)
    assert card.startswith(
        "# pets: U-Net Xception\n\nSegments a picture into 3 classes (0 pet, 1 background, 2 border)."
    )
    assert "12,345 parameters, trained from scratch by `segserve train`" in card
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
        "## Calibration",
        "## Data",
        "## Limits",
        "## Training",
    ]


def test_data_that_is_owed_to_nobody() -> None:
    draft = tiny_draft()
    own = draft.model_copy(update={"data": DataSummary(fingerprint="a", pictures={"training": 5}, credits=())})
    card = model_card("pets", own, {}, 1, ["a CPU"], None)
    assert "Pictures: 5 training." in card
    assert "licences" not in card


@pytest.mark.parametrize(
    ("steps", "step", "told"),
    [
        (11012, 9639, " The network is that of step 9,639 of 11,012."),
        (None, 9639, " The network is that of step 9,639."),
        (5, None, ""),
    ],
)
def test_how_long_it_was_trained(steps: int | None, step: int | None, told: str) -> None:
    draft = tiny_draft().model_copy(update={"training": {"steps": steps}})
    assert f"Trained on: a CPU.{told}\n" in model_card("a", draft, {}, 1, ["a CPU"], None, step)


def scored(cross_entropy: float, error: float) -> SplitMetrics:
    iou: dict[str, float | None] = {"pet": 0.5, "background": 0.5, "border": 0.5}
    return SplitMetrics(
        pictures=3, mean_iou=0.5, iou=iou, cross_entropy=cross_entropy, expected_calibration_error=error
    )


def calibrated(draft: ManifestDraft, temperature: float) -> ManifestDraft:
    return draft.model_copy(update={"temperature": temperature, "metrics": {"validation": scored(0.28, 0.0064)}})


def test_what_calibration_did() -> None:
    card = model_card("pets", calibrated(tiny_draft(), 1.53), {}, 1, ["a CPU"], scored(0.309, 0.0437))
    assert "The logits are divided by a temperature of 1.53; it is part of the weights." in card
    assert "the cross-entropy from 0.309 to 0.280 and the calibration error from 0.044 to 0.006" in card


def test_without_validation_pictures_nothing_is_claimed() -> None:
    card = model_card("pets", tiny_draft(), {}, 1, ["a CPU"], None)
    assert "temperature of 1.25; it is part of the weights. It was given on publishing" in card
    assert " from " not in card.partition("## Calibration")[2].partition("##")[0]


def test_without_a_temperature_either_nothing_is_promised() -> None:
    card = model_card("pets", tiny_draft().model_copy(update={"temperature": 1.0}), {}, 1, ["a CPU"], None)
    assert "There were no pictures to fit it on: probabilities may promise too much." in card


def test_very_many_classes_have_a_table_of_their_own() -> None:
    draft = tiny_draft()
    labels = tuple(draft.labels[0].model_copy(update={"id": n, "name": f"<{n}>"}) for n in range(30))
    iou = {label.name: label.id / 100 for label in labels} | {"<7>": None}
    scores = draft.metrics["test"].model_copy(update={"iou": iou})
    many = draft.model_copy(update={"labels": labels, "metrics": {"validation": scores, "test": scores}})
    quality = model_card("a", many, {}, 1, ["b"], None).partition("## Quality\n\n")[2]
    assert quality.startswith("| split | pictures | mean IoU | foreground + border IoU |")
    rows = quality.split("\n\n")[1].splitlines()
    assert rows[:3] == ["| IoU of | validation | test |", "|---|---|---|", "| \\<0> | 0.000 | 0.000 |"]
    assert rows[9] == "| \\<7> | – | – |"
    assert len(rows) == 2 + 30


def test_without_any_scores_it_says_so() -> None:
    unscored = tiny_draft().model_copy(update={"metrics": {}})
    assert "Not scored: no labelled picture was kept out of training." in model_card("a", unscored, {}, 1, ["b"], None)


def test_what_it_was_begun_with() -> None:
    tuned = tiny_draft().model_copy(update={"training": {"init": "pets:1"}})
    assert "trained from the weights of pets:1 by `segserve train`" in model_card("a", tuned, {}, 1, ["b"], None)


class Rendered(HTMLParser):
    """Elements of rendered Markdown, and their text."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.text = ""
        self.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


EVIL = "<b>a|b</b> `c` *d* _e_ ~~f~~ [g](h) &lt; i\\|j $k$ <!--"
LINES = st.text("ab_1 .)-+#>*`<&;|\\[]()!~\"'", min_size=1, max_size=12).map(str.strip).filter(bool)


@given(name=LINES, other=LINES)
def test_every_name_is_shown_as_it_is(name: str, other: str) -> None:
    iou: dict[str, float | None] = {name: 0.5}
    shown = Rendered(table({other: SplitMetrics(pictures=3, mean_iou=0.5, iou=iou)}, written=literal))
    assert shown.elements <= {"table", "thead", "tbody", "tr", "th", "td"}
    assert f"\nIoU {name}\n" in shown.text
    assert f"\n{other}\n3\n0.500\n" in shown.text
    item = Rendered(f"- {literal(name)}")
    assert (item.elements, item.text.strip()) == ({"ul", "li"}, name)


@pytest.mark.parametrize("name", ["person", "traffic_light", "sky-other", "what? (a thing)", "Straße", "2 + 2", "a: b"])
def test_usual_names_need_no_escape(name: str) -> None:
    assert literal(name) == name


def test_names_in_a_card() -> None:
    draft = tiny_draft()
    labels = tuple(label.model_copy(update={"name": f"{label.id}{EVIL}"}) for label in draft.labels)
    scores = draft.metrics["test"].model_copy(update={"iou": {label.name: 0.5 for label in labels}})
    credit = Credit(name="10. Pictures" + EVIL, authors=EVIL, license="https://example.org/by_sa/4.0")
    data = DataSummary(fingerprint="a", pictures={"training": 5}, credits=(credit,))
    update = {"labels": labels, "metrics": {EVIL: scores}, "data": data, "training": {"init": f"runs/{EVIL}"}}
    card = Rendered(model_card("pets", draft.model_copy(update=update), {}, 1, [EVIL], None))
    own = Rendered(model_card("pets", draft, {}, 1, [""], None))
    assert card.elements == own.elements
    assert f"into 3 classes (0 0{EVIL}, 1 1{EVIL}, 2 2{EVIL})" in card.text
    assert f"trained from the weights of runs/{EVIL} by" in card.text
    assert f"\nIoU 2{EVIL}\n" in card.text
    assert f"\n{EVIL}\n2\n0.500\n" in card.text
    assert f"\n10. Pictures{EVIL}: {EVIL}; https://example.org/by_sa/4.0\n" in card.text
    assert f"Trained on: {EVIL}." in card.text


def test_limits_of_a_network_that_sees_windows() -> None:
    windowed = tiny_draft().model_copy(update={"preprocessing": Preprocessing(size=(32, 32), resize="crop")})
    limits = model_card("a", windowed, {}, 1, ["b"], None).partition("## Limits")[2].partition("## Training")[0]
    assert "It sees windows of 32×32 pixels" in limits
    assert "the whole picture" not in limits
    assert "since the whole picture is brought to 32×32" in model_card("a", tiny_draft(), {}, 1, ["b"], None)
