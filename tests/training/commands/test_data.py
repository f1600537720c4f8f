import json
import re
from pathlib import Path

import click
import pytest

from app.core.command_line import FAILED
from app.training.commands import data as module
from app.training.commands.data import check, split
from tests.fixtures.drawn_shapes import draw_scenes, write_coco, write_folder
from tests.training.conftest import PublishedRun, Segserve


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """Twenty pictures in folders, without lists."""
    return write_folder(tmp_path / "shapes", draw_scenes(20))


def test_the_commands_of_the_group(segserve: Segserve) -> None:
    assert list(module.data.commands) == ["label", "check", "split"]
    result = segserve("data", "--help")
    assert result.exit_code == 0
    assert re.search(r"check +Check labelled pictures", result.stdout)


@pytest.mark.parametrize("command", [check, split])
def test_help_shows_examples(segserve: Segserve, command: click.Command) -> None:
    result = segserve("data", command.name or "", "--help")
    assert result.exit_code == 0
    assert f"segserve data {command.name} " in result.stdout.partition("Example")[2]


def test_a_good_data_set(segserve: Segserve, shapes: Path) -> None:
    result = segserve("data", "check", shapes)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("| list | pictures |")
    assert result.stdout.endswith("20 pictures, no problem found\n")


def test_errors_and_their_exit_code(segserve: Segserve, shapes: Path) -> None:
    for number in range(6):
        (shapes / "masks" / f"scene{number:03d}.png").unlink()
    result = segserve("data", "check", shapes)
    assert result.exit_code == FAILED
    assert "error: masks that are not there (6): scene000, " in result.stdout
    assert "scene004 and 1 more\n  → restore the files" in result.stdout
    assert "Traceback" not in result.output


def test_warnings_alone_are_no_failure(segserve: Segserve, shapes: Path) -> None:
    (shapes / "images" / "copy.png").write_bytes((shapes / "images" / "scene000.png").read_bytes())
    (shapes / "masks" / "copy.png").write_bytes((shapes / "masks" / "scene000.png").read_bytes())
    result = segserve("data", "check", shapes)
    assert result.exit_code == 0
    assert "warning: pairs of the same picture (1): copy = scene000" in result.stdout


def test_json(segserve: Segserve, shapes: Path) -> None:
    (shapes / "masks" / "scene000.png").unlink()
    result = segserve("data", "check", shapes, "--json")
    assert result.exit_code == FAILED
    content = json.loads(result.stdout)
    assert content["ok"] is False
    assert [finding["kind"] for finding in content["findings"]] == ["missing_mask"]


@pytest.mark.parametrize(("where", "page"), [("reports", "reports/check.html"), ("a/my.html", "a/my.html")])
def test_a_page_to_look_at(segserve: Segserve, shapes: Path, tmp_path: Path, where: str, page: str) -> None:
    result = segserve("data", "check", shapes, "--html", tmp_path / where)
    assert result.exit_code == 0, result.output
    assert f"see {tmp_path / page}" in result.stderr
    assert "<h1>Check of shapes</h1>" in (tmp_path / page).read_text()


def test_a_page_that_cannot_be_written_ends_it_before_the_work(segserve: Segserve, shapes: Path) -> None:
    result = segserve("data", "check", shapes, "--html", shapes / "classes.toml" / "page.html")
    assert result.exit_code == FAILED
    assert "classes.toml" in result.stderr
    assert result.stdout == ""


def test_a_network_ranks_the_masks(segserve: Segserve, data: Path, published: PublishedRun, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    model = ["--model", "pets:production", "--model-store", published.store.root]
    result = segserve("data", "check", data, *model, "--html", page)
    assert result.exit_code == 0, result.output
    table = result.stdout.partition("| most contradicted masks | sure of another class | mean IoU |")[2].splitlines()
    rows = [line.split(" | ") for line in table[2:22]]
    assert table[22] == ""
    tested = [line.split()[0] for line in (data / "annotations" / "test.txt").read_text().splitlines()[1:]]
    assert not set(tested) & {row[0].removeprefix("| ") for row in rows}
    assert "the list test is not ranked: masks mended by a model's word would flatter it" in result.stderr
    shares = [float(row[1].removeprefix("<").removesuffix(" %")) for row in rows]
    assert shares == sorted(shares, reverse=True)
    text = page.read_text()
    assert "Masks that the model contradicts" in text
    assert text.count("Mask that the model gives for") == 20


def test_a_network_of_other_classes(segserve: Segserve, shapes: Path, published: PublishedRun) -> None:
    result = segserve("data", "check", shapes, "--model", "pets", "--model-store", published.store.root)
    assert result.exit_code == FAILED
    assert "the classes pet, background, border, the data has background, circle, square, triangle" in result.stderr


def test_no_data_set(segserve: Segserve, tmp_path: Path) -> None:
    for command in ("check", "split"):
        result = segserve("data", command, tmp_path / "nowhere")
        assert result.exit_code == FAILED
        assert f"{tmp_path / 'nowhere'}: missing" in result.stderr


def test_split_writes_lists_and_says_what_is_on_them(segserve: Segserve, tmp_path: Path) -> None:
    root = write_coco(tmp_path / "coco", draw_scenes(20))
    result = segserve("data", "split", root, "--test", "0.2", "--group-pattern", r"scene0(\d)", "--validation", "0")
    assert result.exit_code == 0, result.output
    assert f"wrote {root / 'trainval.txt'}\nwrote {root / 'test.txt'}\n" in result.stderr
    assert "| trainval | 10 | 1 | " in result.stdout
    assert len((root / "test.txt").read_text().splitlines()) == 10
    assert not (root / "validation.txt").exists()
    assert segserve("data", "check", root).exit_code == 0


def test_split_as_json(segserve: Segserve, shapes: Path) -> None:
    result = segserve("data", "split", shapes, "--test", "0.2", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["test"]["pictures"] == len((shapes / "test.txt").read_text().splitlines())
    assert set(found["test"]["classes"]) == {"background", "circle", "square", "triangle"}
    assert found["test"]["groups"] == 0  # none are known


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--validation", "1.5"], 2, "1.5 is not in the range 0<=x<1"),
        (["--validation", "0.6", "--test", "0.6"], FAILED, "leave nothing to train on"),
        (["--group", "patient"], FAILED, "no column 'patient' in samples.csv; there are source, "),
        (["--group-pattern", "(scene)"], FAILED, "1 inseparable unit(s) of 20 pictures cannot be divided"),
    ],
)
def test_what_cannot_be_divided(segserve: Segserve, shapes: Path, options: list[str], code: int, message: str) -> None:
    result = segserve("data", "split", shapes, *options)
    assert result.exit_code == code
    assert message in result.stderr
    assert list(shapes.glob("*.txt")) == []


def test_split_overwrites_only_when_told(segserve: Segserve, shapes: Path) -> None:
    assert segserve("data", "split", shapes).exit_code == 0
    before = (shapes / "test.txt").read_text()
    refused = segserve("data", "split", shapes, "--seed", "1")
    assert refused.exit_code == FAILED
    assert "there already; --force overwrites" in refused.stderr
    assert (shapes / "test.txt").read_text() == before
    assert segserve("data", "split", shapes, "--seed", "1", "--force").exit_code == 0
    assert (shapes / "test.txt").read_text() != before
