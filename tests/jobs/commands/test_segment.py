import importlib.util
import io
import json
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import get_args

import click
import pytest
from click.testing import Result

from app.core.command_line import FAILED, INTERRUPTED, WRONG_USE
from app.core.settings import DeviceChoice, EngineChoice, Precision, Settings
from app.imaging.annotations.coco import CocoSegmentation
from app.imaging.annotations.label_studio import FROM_NAME, TO_NAME
from app.inference.answers import ProbabilitiesSize
from app.inference.outputs import OUTPUTS, Output
from app.jobs.commands.segment import segment
from app.jobs.folder import STATE
from app.jobs.layout import DATASET, answer_path
from tests.api.running import running
from tests.fixtures.waiting import block_until
from tests.jobs.conftest import Pictures, Segserve, answers, manifest

KINDS = [output for output in get_args(Output) if output != "zip"]
OPTIONS = {
    "classes": "pet,border",
    "threshold": "0.4",
    "tile": "32",
    "size": "original",
    "tolerance": "1.5",
    "segmentation": "polygons",
    "from_name": "a",
    "to_name": "b",
}


@pytest.mark.anyio
async def test_a_folder_has_the_answers_of_the_service(
    segserve: Segserve, pictures: Pictures, tmp_path: Path, tiny_store_path: Path
) -> None:
    result = await run_in_thread(
        segserve, pictures.root, "--out", tmp_path / "out", "--output", ",".join(KINDS), "--components"
    )
    assert result.exit_code == FAILED, result.output
    assert "6 pictures segmented by pets/1" in result.stdout
    found = answers(tmp_path / "out")
    lossy = {row["path"]: row.get("lossy", "") for row in manifest(tmp_path / "out")}
    async with running(Settings(model_store=tiny_store_path)) as service:
        for name in pictures.names:
            sent = {"file": (name, (pictures.root / name).read_bytes())}
            losses = []
            for output in KINDS:
                more = {"components": "true"} if "components" in OUTPUTS[output].options else {}
                answer = await service.http.post("/segment", params={"output": output, **more}, files=sent)
                assert found.pop(answer_path(name, output)) == answer.content, (name, output)
                losses.append(answer.headers.get("segserve-lossy"))
            assert lossy[name] == ", ".join(filter(None, losses))
    data_set = json.loads(found.pop(DATASET))
    assert [image["file_name"] for image in data_set["images"]] == sorted(pictures.names)
    assert not found


@pytest.mark.anyio
async def test_options_are_those_of_the_service(
    segserve: Segserve, pictures: Pictures, tmp_path: Path, tiny_store_path: Path
) -> None:
    given = [word for name, value in OPTIONS.items() for word in (f"--{name.replace('_', '-')}", value)]
    command = (pictures.root, "--out", tmp_path / "out", "--output", ",".join(KINDS), *given, "--flip")
    result = await run_in_thread(segserve, *command)
    assert result.exit_code == FAILED, result.output
    found = answers(tmp_path / "out")
    one = await run_in_thread(segserve, pictures.root / "g", "--output", "mask,coco", *given[:6], "--flip")
    async with running(Settings(model_store=tiny_store_path)) as service:
        for name in pictures.names:
            sent = {"file": (name, (pictures.root / name).read_bytes())}
            query = {**OPTIONS, "output": ",".join(KINDS), "flip": "true"}
            answer = await service.http.post("/segment", params=query, files=sent)
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                for output in KINDS:
                    assert archive.read(OUTPUTS[output].filename) == found[answer_path(name, output)], (name, output)
        query = {"output": "mask,coco", "flip": "true", **dict(list(OPTIONS.items())[:3])}
        assert one.stdout_bytes == (await service.http.post("/segment", params=query, files=sent)).content


async def run_in_thread(segserve: Segserve, *arguments: object) -> Result:
    from anyio import to_thread

    return await to_thread.run_sync(lambda: segserve(*arguments))


def test_the_same_command_does_nothing_twice(segserve: Segserve, pictures: Pictures, tmp_path: Path) -> None:
    (pictures.root / "broken.jpg").unlink()
    (pictures.root / "b" / "empty.png").unlink()
    command = (pictures.root, "--out", tmp_path / "out", "--json")
    first = segserve(*command)
    assert first.exit_code == 0, first.output
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    summary = json.loads(segserve(*command).stdout)
    assert (summary["done"], summary["resumed"], summary["failed"]) == (6, 6, 0)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")} == times
    other = segserve(pictures.root, "--out", tmp_path / "out", "--threshold", "0.5")
    assert other.exit_code == FAILED
    assert "options.threshold 0.0, now 0.5" in other.stderr
    assert segserve(pictures.root, "--out", tmp_path / "out", "--threshold", "0.5", "--overwrite").exit_code == 0


def test_answers_among_the_pictures_are_no_pictures(segserve: Segserve, pictures: Pictures) -> None:
    for name in ("masks", "overlays"):
        segserve(pictures.root, "--out", pictures.root / name, "--output", name.removesuffix("s"))
        assert len(answers(pictures.root / name)) == 6


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_job_that_was_stopped_is_gone_on_with(
    segserve: Segserve, pictures: Pictures, tmp_path: Path, tiny_store_path: Path, number: signal.Signals
) -> None:
    content = (pictures.root / "a.jpg").read_bytes()
    for index in range(150):
        (pictures.root / f"{index}.jpg").write_bytes(content)
    out, store = tmp_path / "out", ["--model-store", str(tiny_store_path)]
    command = [sys.executable, "-m", "app.cli", "segment", str(pictures.root), "--out", str(out), *store]
    job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    block_until(lambda: job.poll() is not None or next(out.glob("*.png"), None))
    job.send_signal(number)
    stdout, stderr = job.communicate()
    assert job.returncode == (-9 if number == signal.SIGKILL else INTERRUPTED), stderr
    assert ("the same command goes on" in stdout) == (number == signal.SIGINT)
    interrupted = answers(out)
    assert 0 < len(interrupted) < 156
    assert segserve(pictures.root, "--out", out).exit_code == FAILED  # there are broken ones
    found = answers(out)
    assert found.items() >= {name: data for name, data in interrupted.items() if ".tmp-" not in name}.items()
    assert len(found) == 156
    assert len({found[f"{index}.jpg.mask.png"] for index in range(150)}) == 1
    assert not list((out / STATE).glob("done/*"))
    assert len(manifest(out)) == 158


def test_one_picture(segserve: Segserve, pictures: Pictures, tmp_path: Path) -> None:
    result = segserve(pictures.root / "a.jpg")
    assert result.exit_code == 0, result.stderr
    piped = segserve("-", input=(pictures.root / "a.jpg").read_bytes())
    assert result.stdout_bytes == piped.stdout_bytes
    assert segserve(pictures.root / "a.jpg", "--out", tmp_path / "mask.png").exit_code == 0
    assert (tmp_path / "mask.png").read_bytes() == result.stdout_bytes
    assert json.loads(segserve(pictures.root / "a.jpg", "--output", "json").stdout)["model"]["name"] == "pets"


def test_several_kinds_of_one_picture(segserve: Segserve, pictures: Pictures, tmp_path: Path) -> None:
    command = (pictures.root / "a.jpg", "--output", "mask,yolo", "--tolerance", "2")
    result = segserve(*command)
    assert re.fullmatch(r"segserve: the answer does not hold all of the mask: yolo;.*tolerance=2\.0\n", result.stderr)
    assert segserve(*command, "--out", tmp_path / "both.zip").exit_code == 0
    assert (tmp_path / "both.zip").read_bytes() == result.stdout_bytes
    assert segserve(*command, "--out", tmp_path / "both").exit_code == 0
    assert {path.name for path in (tmp_path / "both").iterdir()} == {"a.jpg.mask.png", "a.jpg.yolo.txt"}


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["gone"], WRONG_USE, "gone: there is no such file or folder"),
        (["{root}"], WRONG_USE, "for a folder --out says where"),
        (["{root}", "--out", "{root}"], WRONG_USE, "the pictures are in it"),
        (["{root}", "--out", "{root}/out", "--output", "masc"], WRONG_USE, "'masc' is none of mask, overlay"),
        (["{root}", "--out", "{root}/out", "--classes", "dog"], WRONG_USE, "classes: "),
        (["{root}", "--out", "{root}/out", "--classes", "pet,"], WRONG_USE, "classes: "),
        (["{root}", "--out", "{root}/out", "--tile", "3"], WRONG_USE, "tile: at least 32"),
        (["{root}", "--out", "{root}/out", "--threshold", "7"], WRONG_USE, "threshold: "),
        (["{root}", "--out", "{root}/out", "--size", "original"], WRONG_USE, "size: "),
        (["{root}", "--out", "{root}/out", "--model", "dogs"], WRONG_USE, "dogs"),
        (["{root}", "--out", "{root}/out", "--engine", "magic"], WRONG_USE, "engine: "),
        (["{root}", "--out", "{root}/out", "--model-store", "gone"], WRONG_USE, "there is no folder gone"),
        (["{root}", "--out", "{root}/out", "--workers", "2"], WRONG_USE, "--workers goes with --ray"),
        (["{root}", "--out", "{root}/a.jpg"], FAILED, "cannot be written to"),
        (["{root}/broken.jpg"], FAILED, "ends too early"),
        (["{root}/a.jpg", "--json"], WRONG_USE, "--json is for folders"),
        (["{root}/a.jpg", "--tolerance", "1"], WRONG_USE, "tolerance: goes with output=polygons"),
        (["{root}/a.jpg", "--out", "{root}/b/c.jpg/x"], FAILED, "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    segserve: Segserve, pictures: Pictures, arguments: list[str], code: int, complaint: str
) -> None:
    result = segserve(*(argument.format(root=pictures.root) for argument in arguments))
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("segserve: ")
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is an extra")
def test_without_ray(segserve: Segserve, pictures: Pictures, tmp_path: Path) -> None:
    result = segserve(pictures.root, "--out", tmp_path / "out", "--ray")
    assert (result.exit_code, "pip install segserve[ray]" in result.stderr) == (WRONG_USE, True)


def test_the_help_knows_the_choices() -> None:
    options = {option.name: option for option in segment.params if isinstance(option, click.Option)}
    for name, choice in {
        "engine": EngineChoice, "device": DeviceChoice, "precision": Precision
    }.items():  # fmt: skip
        assert options[name].metavar == "|".join(get_args(choice))
    for name, choice in {"size": ProbabilitiesSize, "segmentation": CocoSegmentation}.items():
        chosen = options[name].type
        assert isinstance(chosen, click.Choice)
        assert tuple(chosen.choices) == get_args(choice)
    assert segment.help is not None
    assert ", ".join(KINDS) in " ".join(segment.help.split())
    assert f"[{FROM_NAME}]" in (options["from_name"].help or "")
    assert f"[{TO_NAME}]" in (options["to_name"].help or "")
