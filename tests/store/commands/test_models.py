import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.store.commands import models
from app.store.manifest import ManifestDraft
from app.store.publish import publish_version
from app.store.repository import ModelStore, ModelVersion
from tests.store.commands.conftest import Segserve
from tests.store.conftest import FILES, contents


@pytest.fixture
def second(pets: ModelVersion, store: ModelStore, draft: ManifestDraft) -> ModelVersion:
    """Another version beside `pets/1`, which is `production`."""
    store.set_alias("pets", "production", 1)
    return publish_version(store, "pets", draft.model_copy(update={"metrics": {}}), FILES)


def spoil(version: ModelVersion) -> None:
    (version.path / "openvino" / "model.xml").write_bytes(b"<not/>")


def test_a_line_for_each_version(segserve: Segserve, second: ModelVersion) -> None:
    result = segserve("models", "list")
    assert result.exit_code == 0
    head, *lines = [line.split("  ") for line in result.stdout.splitlines()]
    assert [cell.strip() for cell in head if cell.strip()][:2] == ["version", "aliases"]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert [[*line[:2], *line[3:]] for line in cells] == [
        ["pets:1", "production", "float32", "192×160", "0.733", "0.0"],
        ["pets:2", "–", "float32", "192×160", "–", "0.0"],
    ]


def test_the_list_as_json(segserve: Segserve, second: ModelVersion) -> None:
    one, other = json.loads(segserve("models", "list", "--json").stdout)
    assert (one["name"], one["version"], one["aliases"], one["problem"]) == ("pets", 1, ["production"], None)
    assert (one["classes"], one["input_size"]) == (["pet", "background", "border"], [160, 192])
    assert (other["version"], other["sha256"], other["test_mean_iou"]) == (2, second.sha256, None)
    assert other["bytes"] == sum(len(content) for content in FILES.values() if isinstance(content, bytes))


def test_a_version_that_cannot_be_read_is_in_the_list(segserve: Segserve, second: ModelVersion) -> None:
    (second.path / "manifest.json").write_text("{")
    result = segserve("models", "list")
    assert result.exit_code == 0
    assert "pets/2/manifest.json is not a valid manifest" in result.stdout.splitlines()[2]
    assert "pets:1" in result.stdout
    (entry,) = [entry for entry in json.loads(segserve("models", "list", "--json").stdout) if entry["problem"]]
    assert (entry["version"], entry["problem"][:21]) == (2, "pets/2/manifest.json ")


def test_no_models(segserve: Segserve, store: ModelStore) -> None:
    result = segserve("models", "list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"no models in {store.root}\n")
    assert json.loads(segserve("models", "list", "--json").stdout) == []
    assert segserve("models", "verify").exit_code == 1


@pytest.mark.parametrize("command", [["list"], ["show", "pets"], ["verify"], ["activate", "pets:1"]])
def test_no_store(segserve: Segserve, tmp_path: Path, command: list[str]) -> None:
    result = segserve("models", *command, "--model-store", str(tmp_path / "nowhere"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "check the path and that the store is mounted" in result.stderr


def test_a_version_in_full(segserve: Segserve, second: ModelVersion) -> None:
    result = segserve("models", "show", "pets")
    assert result.exit_code == 0
    for line in ("version      pets:1", "aliases      production", "input        192×160, letterbox", "CC BY-SA 4.0"):
        assert line in result.stdout
    assert "0   pet         #ff8c00  foreground" in result.stdout
    assert "test       184       0.733     0.800  0.900       0.500" in result.stdout
    assert "scored on" not in segserve("models", "show", "pets:2").stdout
    found = json.loads(segserve("models", "show", "pets:2", "--json").stdout)
    assert (found["version"], found["sha256"], found["aliases"]) == (2, second.sha256, [])
    assert found["manifest"] == json.loads((second.path / "manifest.json").read_text())


@pytest.mark.parametrize("command", ["show", "activate", "verify"])
@pytest.mark.parametrize("reference", ["dogs", "pets:7", "pets:candidate", "../pets"])
def test_no_such_version(segserve: Segserve, second: ModelVersion, command: str, reference: str) -> None:
    result = segserve("models", command, reference)
    assert result.exit_code == 1
    assert "no " in result.output


def test_an_alias_moves(segserve: Segserve, second: ModelVersion, store: ModelStore) -> None:
    result = segserve("models", "activate", "pets:2")
    assert (result.exit_code, result.stdout) == (0, "pets:production is version 2 now; it was 1\n")
    assert store.aliases("pets") == {"production": 2}
    result = segserve("models", "activate", "pets:production", "--alias", "candidate", "--expected", "0", "--json")
    assert json.loads(result.stdout) == {"name": "pets", "alias": "candidate", "version": 2, "previous": None}
    refused = segserve("models", "activate", "pets:1", "--expected", "1")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "points at version 2, not version 1 as expected" in refused.stderr
    assert segserve("models", "activate", "pets:1", "--alias", "7").exit_code == 1
    assert store.aliases("pets") == {"candidate": 2, "production": 2}


def test_an_alias_never_moves_to_what_is_corrupt(segserve: Segserve, second: ModelVersion, store: ModelStore) -> None:
    spoil(second)
    result = segserve("models", "activate", "pets:2")
    assert result.exit_code == 1
    assert "pets/2: openvino/model.xml" in result.stderr
    assert store.aliases("pets") == {"production": 1}


def test_an_alias_goes(segserve: Segserve, second: ModelVersion, store: ModelStore) -> None:
    assert segserve("models", "unalias", "pets:production", "--expected", "2").exit_code == 1
    assert segserve("models", "unalias", "pets:candidate").exit_code == 1
    assert segserve("models", "unalias", "pets:1").exit_code == 2
    assert segserve("models", "unalias", "pets").exit_code == 2
    assert store.aliases("pets") == {"production": 1}
    assert segserve("models", "unalias", "pets:production").exit_code == 0
    assert store.aliases("pets") == {}


def test_all_are_verified_and_each_is_told(segserve: Segserve, second: ModelVersion) -> None:
    result = segserve("models", "verify")
    assert (result.exit_code, result.stdout) == (0, "pets:1: sound\npets:2: sound\n")
    spoil(second)
    result = segserve("models", "verify")
    assert result.exit_code == 1
    assert result.stdout.startswith("pets:1: sound\npets:2: pets/2: openvino/model.xml ")
    assert segserve("models", "verify", "pets:production").exit_code == 0
    result = segserve("models", "verify", "pets:1", "pets:2", "--json")
    assert result.exit_code == 1
    assert [entry["problem"] is None for entry in json.loads(result.stdout)] == [True, False]


def test_a_version_is_deleted_when_told_so(segserve: Segserve, second: ModelVersion, store: ModelStore) -> None:
    before = contents(store.root)
    for arguments, code, message in (
        (["pets:2"], 2, "say --yes"),
        (["pets:production", "--yes"], 2, "by its number"),
        (["pets", "--yes"], 2, "by its number"),
        (["pets:1", "--yes"], 1, "pets/1 is production; move or remove the alias first"),
        (["pets:9", "--yes"], 1, "no version 9"),
    ):
        result = segserve("models", "remove", *arguments)
        assert result.exit_code == code
        assert message in result.stderr
    assert contents(store.root) == before
    assert segserve("models", "remove", "pets:2", "--yes").exit_code == 0
    assert store.versions("pets") == [1]


@pytest.mark.parametrize(("said", "code", "left"), [("y", 0, [1]), ("n", 1, [1, 2]), ("", 1, [1, 2])])
def test_it_asks(
    second: ModelVersion, store: ModelStore, monkeypatch: pytest.MonkeyPatch, said: str, code: int, left: list[int]
) -> None:

    class Process:
        """With somebody to ask."""

        class stdin:  # noqa: N801  # as `sys` has it
            isatty = staticmethod(lambda: True)

    monkeypatch.setattr(models, "sys", Process)
    result = CliRunner().invoke(models.remove, ["pets:2", "--model-store", str(store.root)], input=f"{said}\n")
    assert result.exit_code == code
    assert "for ever? [y/N]" in result.stderr
    assert store.versions("pets") == left
