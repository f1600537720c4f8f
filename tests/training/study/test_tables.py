import pytest

from app.nn.config import UNetXceptionConfig
from app.training.config import load_config
from app.training.study.configurations import configurations
from app.training.study.costs import cost
from app.training.study.record import Times
from app.training.study.tables import costs, differences, quality, runs, sections, share
from app.training.study.verdict import comparisons
from tests.training.study.drawn_study import drawn_record

NAMES = [cost.name for cost in drawn_record().costs]
TIMES = Times(
    machine="a CPU",
    engine="OpenVINO",
    rounds=300,
    milliseconds={name: 2.0 + number for number, name in enumerate(NAMES)},
    ratio={name: 1.0 + number / 2 for number, name in enumerate(NAMES)},
)


def rows(table: str) -> dict[str, list[str]]:
    """Cells by the first one of each row."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    assert len({len(row) for row in cells}) == 1
    return {first: others for first, *others in cells}


def test_every_section_has_its_text() -> None:
    texts = sections(drawn_record())
    assert list(texts) == [
        *("runs", "share", "costs", "quality", "differences"),
        *("figure-6", "figure-9", "figure-10", "depth"),
    ]
    assert "![](images/study-figure-6.png)" in texts["figure-6"]
    assert [line.split(":")[0] for line in texts["depth"].splitlines()[2:]] == ["- depth 1", "- depth 3"]


def test_how_the_numbers_came_about() -> None:
    text = runs(drawn_record())
    assert text.startswith(
        "24 runs: 8 networks in 3 block(s) of one seed each (0, 1, 2), 30 steps of 8 pictures at 32×32."
    )
    assert "Trained on 1,500 pictures, validated on 30" in text


def test_the_share_of_the_separable_convolutions_is_counted() -> None:
    config = load_config(None, ["steps=1", "size=96"])
    (base, *_) = configurations(config.network)
    record = drawn_record().model_copy(update={"costs": (cost(base, config, 3), *drawn_record().costs[1:])})
    assert UNetXceptionConfig().filters == config.network.filters
    assert share(record) == (
        "The base has 2,058,979 parameters; its separable convolutions hold 135,968 of them, 6.6 %."
    )


def test_costs_with_and_without_times() -> None:
    record = drawn_record()
    assert rows(costs(record))["no shortcut"] == ["2,000,000", "180,000 (+0.0 %)", "230.0", "–", "–"]
    timed = costs(record.model_copy(update={"times": TIMES}))
    assert rows(timed)["separable convolution (base)"][-2:] == ["2.0", "1.00"]
    assert rows(timed)["no shortcut"][-2:] == ["5.0", "2.50"]
    assert timed.endswith("Time: OpenVINO; a CPU; median of 300 pictures, the networks in turn.")


def test_quality_is_the_mean_over_the_blocks() -> None:
    record = drawn_record()
    finals = [outcome.validation.mean_iou for outcome in record.of("elu")]
    mean, pet, border, entropy, training, gap, height = rows(quality(record))["ELU in the middle"]
    assert mean == f"{sum(finals) / 3:.3f} ({min(finals):.3f}–{max(finals):.3f})"
    assert (pet, border) == (mean[:5], "–")
    assert float(entropy) == pytest.approx(1 - sum(finals) / 3, abs=1e-3)
    assert float(training) == pytest.approx(sum(finals) / 3 + 0.05, abs=1e-3)
    assert gap == "+0.050"
    assert float(height) == pytest.approx(sum(finals) / 3 - 0.075, abs=1e-3)


def test_differences_and_verdicts() -> None:
    table = rows(differences(comparisons(drawn_record())))
    measure, blocks, difference, interval, _, _, verdict = table["no shortcut"]
    assert (measure, verdict) == ("mean IoU at the end", "**worse than the base**")
    assert blocks.count("−0.") == 3
    assert float(difference.replace("−", "-")) == pytest.approx(-0.1, abs=0.01)
    assert interval.count("−") == 2
    assert table["Inception block"][0] == "mean height of the validation curve"
    assert table["depth 3"][-1] == "**not decided at this scale**"


@pytest.mark.parametrize(
    ("gains", "section", "says"),
    [
        ({"no-shortcut": -0.1}, "figure-9", "**worse than the base**, as the article says."),
        ({"no-shortcut": 0.1}, "figure-9", "**better than the base**, against what the article says."),
        ({}, "figure-9", "**not decided at this scale**; the article says: worse."),
        ({"convolution": 0.1}, "figure-6", "**better than the base**."),
        ({"depth-3": -0.1}, "depth", "**worse than the base**, as the article says."),
        ({"depth-3": 0.1}, "depth", "**better than the base**, against what the article says."),
        ({}, "depth", "**not decided at this scale**; the article says: not better."),
    ],
)
def test_an_answer_stands_beside_what_the_article_says(gains: dict[str, float], section: str, says: str) -> None:
    assert any(line.endswith(says) for line in sections(drawn_record(gains=gains))[section].splitlines())


def test_one_block_has_no_intervals() -> None:
    record = drawn_record(blocks=1)
    assert rows(differences(comparisons(record)))["no shortcut"][3:6] == ["–", "–", "–"]
    assert "(one block: no interval): **not decided at this scale**" in sections(record)["figure-9"]
