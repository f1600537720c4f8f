import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.core.errors import CorruptVersionError
from app.core.labels import Label
from app.store.manifest import FileEntry, LabelEntry, Manifest, ManifestDraft

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def manifest(draft: ManifestDraft) -> Manifest:
    files = {"openvino/model.xml": FileEntry(sha256="a" * 64, bytes=7)}
    return Manifest(**dict(draft), name="pets", version=3, created=NOON, files=files)


def changed(manifest: Manifest, **values: object) -> bytes:
    return json.dumps({**json.loads(manifest.to_json()), **values}).encode()


def test_json_round_trip(manifest: Manifest) -> None:
    data = manifest.to_json()
    again = Manifest.from_json(data, "pets/3/manifest.json")
    assert again == manifest
    assert again.to_json() == data


def test_the_file_reads_as_the_design_says(manifest: Manifest) -> None:
    read = json.loads(manifest.to_json())
    assert list(read)[:4] == ["schema_version", "name", "version", "created"]
    assert read["created"] == "2026-11-24T12:00:00Z"
    assert read["labels"][0] == {"id": 0, "name": "pet", "colour": "#ff8c00", "role": "foreground"}
    assert read["preprocessing"] == {"size": [160, 192], "resize": "letterbox"}
    assert read["files"] == {"openvino/model.xml": {"sha256": "a" * 64, "bytes": 7}}
    assert read["metrics"]["test"]["flip"]["mean_iou"] == 0.7333
    assert read["data"]["credits"][0]["url"] is None


def test_labels_in_both_directions(manifest: Manifest) -> None:
    pet = Label(0, "pet", (255, 140, 0), "foreground")
    assert next(iter(manifest.label_map)) == pet
    assert LabelEntry.of(pet) == manifest.labels[0]
    assert manifest.label_map.ids("border") == (2,)


def test_times_become_utc(draft: ManifestDraft) -> None:
    seoul = NOON.astimezone(timezone(timedelta(hours=9)))
    manifest = Manifest(**dict(draft), name="pets", version=1, created=seoul, files={})
    assert manifest.created.utcoffset() == timedelta(0)
    assert manifest.created == NOON


def test_a_newer_schema_is_named(manifest: Manifest) -> None:
    newer = changed(manifest, schema_version=3, colours=7)
    with pytest.raises(CorruptVersionError, match=r"pets/3/manifest.json has schema version 3; .* up to 2: update"):
        Manifest.from_json(newer, "pets/3/manifest.json")


def test_a_manifest_of_the_first_schema_is_read() -> None:
    """That of a version which the first release came with (`pets/1`)."""
    data = Path(__file__).with_name("first_schema.json").read_bytes()
    assert b"temperature" not in data
    manifest = Manifest.from_json(data, "pets/1/manifest.json")
    assert (manifest.schema_version, manifest.temperature) == (1, 1.0)


def test_the_temperature_is_kept(draft: ManifestDraft) -> None:
    warm = draft.model_copy(update={"temperature": 1.53})
    manifest = Manifest(**dict(warm), name="pets", version=1, created=NOON, files={})
    assert manifest.schema_version == 2
    assert Manifest.from_json(manifest.to_json(), "pets/1/manifest.json").temperature == 1.53


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"schema_version": 1}', b'{"schema_version": 0}', b"[" * 100_000]
)
def test_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptVersionError, match=r"pets/3/manifest.json is not a valid manifest"):
        Manifest.from_json(data, "pets/3/manifest.json")


@pytest.mark.parametrize(
    "path",
    [
        "../model.keras",
        "/etc/passwd",
        "openvino/../../x",
        "./x",
        "a//b",
        "a/",
        "",
        ".hidden",
        "a/.b",
        "a\\b",
        "c:x",
        "a\0",
        "a\n",
        "x" * 201,
    ],
)
def test_files_outside_the_version_are_refused(manifest: Manifest, path: str) -> None:
    data = changed(manifest, files={path: {"sha256": "a" * 64, "bytes": 7}})
    with pytest.raises(CorruptVersionError, match="files"):
        Manifest.from_json(data, "pets/3/manifest.json")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "../pets"),
        ("name", "pets\n"),
        ("version", 0),
        ("version", "3"),
        ("created", "2026-11-24T12:00:00"),
        ("created", 1_790_000_000),
        ("precision", "float16"),
        ("preprocessing", {"size": [160], "resize": "stretch"}),
        ("preprocessing", {"size": [160, 0], "resize": "stretch"}),
        ("preprocessing", {"size": [160, 160], "resize": "zoom"}),
        ("files", {"model.keras": {"sha256": "A" * 64, "bytes": 7}}),
        ("files", {"model.keras": {"sha256": "a" * 63, "bytes": 7}}),
        ("files", {"model.keras": {"sha256": "a" * 64, "bytes": -1}}),
        ("source", ""),
        ("colour", "red"),
        ("temperature", 0),
        ("temperature", -1.5),
        ("temperature", "warm"),
    ],
)
def test_wrong_values_are_named(manifest: Manifest, name: str, value: object) -> None:
    with pytest.raises(CorruptVersionError, match=f"manifest: {name}"):
        Manifest.from_json(changed(manifest, **{name: value}), "pets/3/manifest.json")


@pytest.mark.parametrize("colour", ["ff8c00", "#FF8C00", "#ff8c0", "#ff8c000", "orange"])
def test_colours_are_written_one_way(colour: str) -> None:
    with pytest.raises(ValidationError, match="colour"):
        LabelEntry(id=0, name="pet", colour=colour)


def test_labels_are_a_label_map(draft: ManifestDraft) -> None:
    values = dict(draft) | {"labels": draft.labels[::-1]}
    with pytest.raises(ValidationError, match="class ids must be 0, 1, 2"):
        ManifestDraft.model_validate(values)


def test_reference_and_metrics_speak_of_the_same_classes(draft: ManifestDraft) -> None:
    renamed = (draft.labels[0].model_copy(update={"name": "cat"}), *draft.labels[1:])
    with pytest.raises(ValidationError, match=r"reference.class_share must have exactly the classes"):
        ManifestDraft.model_validate(dict(draft) | {"labels": renamed})
    scores = draft.metrics["test"]
    for wrong in (
        scores.model_copy(update={"iou": {"pet": 1.0}}),
        scores.model_copy(update={"dice": {"cat": 1.0}}),
        scores.model_copy(update={"flip": scores.model_copy(update={"iou": {}})}),
    ):
        with pytest.raises(ValidationError, match=r"metrics.test: `iou` must have exactly the classes"):
            ManifestDraft.model_validate(dict(draft) | {"metrics": {"test": wrong}})


def test_a_manifest_does_not_change(manifest: Manifest) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        manifest.version = 4  # type: ignore[misc]  # that is what is tested
