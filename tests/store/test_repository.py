import json
import os
import shutil
from pathlib import Path

import pytest

from app.core.errors import (
    AliasConflictError,
    CorruptVersionError,
    InvalidParameterError,
    ModelNotFoundError,
    StoreUnavailableError,
)
from app.store.manifest import MAX_MANIFEST_BYTES, ManifestDraft
from app.store.publish import publish_version
from app.store.repository import ModelStore, ModelVersion
from tests.store.conftest import FILES, Program, contents

AS_NOBODY = """
import os
from pathlib import Path
from app.core.errors import StoreError
from app.store.publish import publish_version
from app.store.repository import ModelStore
if os.getuid() == 0:
    os.setuid(65534)
store = ModelStore(Path("."))
print(store.names(), store.versions("pets"), store.aliases("pets"), store.verify(store.resolve("pets")).version)
for change in (
    lambda: store.set_alias("pets", "canary", 1),
    lambda: store.remove_alias("pets", "production"),
    lambda: store.delete("pets", 2),
    lambda: publish_version(store, "pets", store.manifest(store.resolve("pets")), {"x": b"x"}),
    lambda: publish_version(store, "dogs", store.manifest(store.resolve("pets")), {"x": b"x"}),
):
    try:
        change()
    except StoreError as error:
        print(error.code, "Permission denied; give this user access" in error.detail)
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, draft: ManifestDraft) -> Path:
    """A store with `pets` 1, 2, 3, to be copied and left as it is."""
    store = ModelStore(tmp_path_factory.mktemp("template"))
    for _ in range(3):
        publish_version(store, "pets", draft, FILES)
    return store.root


@pytest.fixture
def three(store: ModelStore, template: Path) -> ModelStore:
    """A store with `pets` 1, 2, 3."""
    shutil.copytree(template, store.root)
    return store


# Finding -------------------------------------------------------------------------------------------


def test_names_are_those_with_a_version(three: ModelStore, draft: ManifestDraft) -> None:
    publish_version(three, "cats", draft, FILES)
    (three.root / "empty").mkdir()
    (three.root / "Not a name").mkdir()
    (three.root / "readme.md").touch()
    (three.root / ".git").mkdir()
    assert three.names() == ["cats", "pets"]


def test_versions_are_sorted_as_numbers(three: ModelStore) -> None:
    (three.root / "pets" / "3").rename(three.root / "pets" / "10")
    assert three.versions("pets") == [1, 2, 10]


def test_what_is_no_version_is_passed_over(three: ModelStore) -> None:
    folder = three.root / "pets"
    shutil.copytree(folder / "1", folder / ".tmp-4")
    shutil.copytree(folder / "1", folder / "04")
    shutil.copytree(folder / "1", folder / "4.bak")
    (folder / "5").mkdir()
    (folder / "6").touch()
    (folder / "7").symlink_to(folder / "1")
    (folder / "8").mkdir()
    (folder / "8" / "manifest.json").mkdir()
    assert three.versions("pets") == [1, 2, 3]
    with pytest.raises(ModelNotFoundError, match="no version 7 of pets in the store; versions: 1, 2, 3"):
        three.resolve("pets:7")


def test_an_unknown_model_has_no_versions_and_no_aliases(three: ModelStore) -> None:
    (three.root / "file").touch()
    for name in ("cats", "file"):
        assert three.versions(name) == []
        assert three.aliases(name) == {}


@pytest.mark.parametrize("name", ["..", "../pets", "pets/1", "pets\0", "a" * 65, ""])
def test_a_name_that_cannot_be_is_not_found(three: ModelStore, name: str) -> None:
    for ask in (three.versions, three.aliases, three.resolve, three.folder):
        with pytest.raises(ModelNotFoundError):
            ask(name)
    with pytest.raises(ModelNotFoundError):
        three.set_alias(name, "production", 1)
    with pytest.raises(ModelNotFoundError):
        three.delete(name, 1)


def test_references(three: ModelStore) -> None:
    assert str(three.resolve("pets")) == "pets/3"
    assert str(three.resolve("pets:2")) == "pets/2"
    three.set_alias("pets", "production", 1)
    assert str(three.resolve("pets")) == "pets/1"
    assert str(three.resolve("pets:production")) == "pets/1"
    assert three.resolve("pets:3").path == three.root / "pets" / "3"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("cats", "no model 'cats' in the store"),
        ("cats:1", "no version 1 of cats in the store; versions: none"),
        ("pets:4", "no version 4 of pets in the store; versions: 1, 2, 3"),
        ("pets:canary", "pets has no alias 'canary'; aliases: production"),
        ("pets:../1", "no model 'pets:../1'"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(three: ModelStore, reference: str, message: str) -> None:
    three.set_alias("pets", "production", 1)
    with pytest.raises(ModelNotFoundError, match=message):
        three.resolve(reference)


def test_the_checksum_is_that_of_the_manifest(pets: ModelVersion, store: ModelStore) -> None:
    found = store.resolve("pets:1")
    assert found == pets
    (pets.path / "manifest.json").write_bytes((pets.path / "manifest.json").read_bytes() + b" ")
    assert store.resolve("pets:1").sha256 != pets.sha256


# A store that vanishes -----------------------------------------------------------------------------


def test_a_vanished_store_is_told_from_a_missing_model(three: ModelStore) -> None:
    three.set_alias("pets", "production", 1)
    away = three.root.rename(three.root.with_name("away"))
    for ask in (
        three.names,
        lambda: three.versions("pets"),
        lambda: three.aliases("pets"),
        lambda: three.resolve("pets"),
        lambda: three.resolve("pets:1"),
        lambda: three.resolve("pets:production"),
        lambda: three.set_alias("pets", "canary", 1),
    ):
        with pytest.raises(StoreUnavailableError, match="No such file or directory; check the path") as caught:
            ask()
        assert str(three.root) not in caught.value.detail
    away.rename(three.root)
    assert str(three.resolve("pets:production")) == "pets/1"


def test_a_torn_alias_file_stops_what_depends_on_it_and_only_that(three: ModelStore) -> None:
    (three.root / "pets" / "aliases.json").write_text('{"production": "1')
    for reference in ("pets", "pets:production"):
        with pytest.raises(StoreUnavailableError, match=r"pets/aliases.json is not valid"):
            three.resolve(reference)
    with pytest.raises(StoreUnavailableError, match=r"pets/aliases.json is not valid"):
        three.set_alias("pets", "production", 1)
    with pytest.raises(StoreUnavailableError, match=r"pets/aliases.json is not valid"):
        three.delete("pets", 1)
    assert str(three.resolve("pets:2")) == "pets/2"


def test_reading_needs_no_right_to_write(three: ModelStore, program: Program) -> None:
    three.set_alias("pets", "production", 3)
    before = contents(three.root)
    for path in (three.root, *three.root.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    output, _ = program(AS_NOBODY, cwd=three.root).communicate()
    assert output.splitlines() == [
        "['pets'] [1, 2, 3] {'production': 3} 3",
        "store_unavailable True",
        "store_unavailable True",
        "store_unavailable True",
        "publish_failed True",
        "publish_failed True",
    ]
    assert contents(three.root) == before
    for path in (three.root, *three.root.rglob("*")):
        path.chmod(0o755)


# Manifest and checksums ----------------------------------------------------------------------------


def test_verify_gives_the_manifest(pets: ModelVersion, store: ModelStore) -> None:
    manifest = store.verify(pets)
    assert manifest == store.manifest(pets)
    assert set(manifest.files) == set(FILES)


@pytest.mark.parametrize("path", ["model.keras", "openvino/model.bin", "architecture.json"])
def test_changed_files_are_found(pets: ModelVersion, store: ModelStore, path: str) -> None:
    with (pets.path / path).open("ab") as file:
        file.write(b"x")
    with pytest.raises(CorruptVersionError, match=f"pets/1: {path} has"):
        store.verify(pets)


def test_weights_swapped_between_versions_are_found(store: ModelStore, draft: ManifestDraft) -> None:
    first = publish_version(store, "pets", draft, FILES)
    second = publish_version(store, "pets", draft, {**FILES, "model.keras": b"WEIGHTS of the network" * 1000})
    shutil.copy(second.path / "model.keras", first.path / "model.keras")
    with pytest.raises(CorruptVersionError, match=r"pets/1: model.keras has another content"):
        store.verify(first)
    store.verify(second)


def test_a_version_copied_to_another_place_is_found(three: ModelStore) -> None:
    shutil.copytree(three.root / "pets" / "1", three.root / "pets" / "4")
    shutil.copytree(three.root / "pets", three.root / "cats")
    with pytest.raises(CorruptVersionError, match=r"pets/4/manifest.json is that of pets/1"):
        three.verify(three.resolve("pets:4"))
    with pytest.raises(CorruptVersionError, match=r"cats/2/manifest.json is that of pets/2"):
        three.verify(three.resolve("cats:2"))


def test_a_manifest_changed_since_it_was_found_is_refused(pets: ModelVersion, store: ModelStore) -> None:
    values = json.loads((pets.path / "manifest.json").read_text())
    (pets.path / "manifest.json").write_text(json.dumps({**values, "source": None}))
    with pytest.raises(CorruptVersionError, match=r"pets/1/manifest.json has changed since it was found"):
        store.verify(pets)
    assert store.verify(store.resolve("pets:1")).source is None


def test_a_broken_manifest_is_named(pets: ModelVersion, store: ModelStore) -> None:
    (pets.path / "manifest.json").write_text("{")
    with pytest.raises(CorruptVersionError, match=r"pets/1/manifest.json is not a valid manifest: file: Invalid JSON"):
        store.manifest(store.resolve("pets:1"))


def test_a_manifest_without_end_is_not_read(pets: ModelVersion, store: ModelStore) -> None:
    os.truncate(pets.path / "manifest.json", MAX_MANIFEST_BYTES + 1)
    with pytest.raises(CorruptVersionError, match=r"pets/1/manifest.json has more than 4000000 bytes"):
        store.resolve("pets:1")


# Aliases -------------------------------------------------------------------------------------------


def test_aliases_are_set_moved_and_removed(three: ModelStore) -> None:
    three.set_alias("pets", "production", 1)
    three.set_alias("pets", "canary", 3)
    three.set_alias("pets", "production", 2)
    assert three.aliases("pets") == {"canary": 3, "production": 2}
    three.remove_alias("pets", "canary")
    assert three.aliases("pets") == {"production": 2}
    assert three.versions("pets") == [1, 2, 3]


def test_compare_and_set(three: ModelStore) -> None:
    three.set_alias("pets", "production", 1, expected=0)
    three.set_alias("pets", "production", 2, expected=1)
    with pytest.raises(AliasConflictError, match="points at version 2, not version 1 as expected"):
        three.set_alias("pets", "production", 3, expected=1)
    with pytest.raises(AliasConflictError, match="points at version 2, not no such alias as expected"):
        three.set_alias("pets", "production", 3, expected=0)
    with pytest.raises(AliasConflictError, match="does not exist, not version 2 as expected"):
        three.set_alias("pets", "canary", 3, expected=2)
    with pytest.raises(AliasConflictError):
        three.remove_alias("pets", "production", expected=1)
    assert three.aliases("pets") == {"production": 2}
    three.remove_alias("pets", "production", expected=2)
    assert three.aliases("pets") == {}


def test_aliases_point_at_what_is_there(three: ModelStore) -> None:
    with pytest.raises(ModelNotFoundError, match="no version 4 of pets"):
        three.set_alias("pets", "production", 4)
    with pytest.raises(ModelNotFoundError, match="no model 'cats'"):
        three.set_alias("cats", "production", 1)
    with pytest.raises(ModelNotFoundError, match="pets has no alias 'production'; aliases: none"):
        three.remove_alias("pets", "production")
    assert not (three.root / "cats").exists()


def test_an_alias_that_reads_as_a_version_is_refused(three: ModelStore) -> None:
    with pytest.raises(InvalidParameterError, match="'3' is no alias"):
        three.set_alias("pets", "3", 1)


def test_of_many_who_expect_the_same_one_wins(three: ModelStore, program: Program) -> None:
    three.set_alias("pets", "production", 1)
    source = """
from pathlib import Path
from app.core.errors import AliasConflictError
from app.store.repository import ModelStore
sys.stdin.readline()
try:
    ModelStore(Path(sys.argv[1])).set_alias("pets", "production", int(sys.argv[2]), expected=1)
    print("won", sys.argv[2])
except AliasConflictError as error:
    print(error.code)
"""
    racers = [program(source, three.root, version) for version in ("2", "3", "2")]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    results = sorted(racer.communicate()[0].strip() for racer in racers)
    assert results[:2] == ["alias_conflict"] * 2
    assert results[2] == f"won {three.aliases('pets')['production']}"


# Deleting ------------------------------------------------------------------------------------------


def test_a_deleted_number_never_comes_back(three: ModelStore, draft: ManifestDraft) -> None:
    three.delete("pets", 3)
    three.delete("pets", 2)
    assert three.versions("pets") == [1]
    assert publish_version(three, "pets", draft, FILES).version == 4


def test_nor_does_that_of_a_store_without_history(three: ModelStore, draft: ManifestDraft) -> None:
    (three.root / "pets" / "history.json").unlink()
    three.delete("pets", 3)
    assert publish_version(three, "pets", draft, FILES).version == 4


def test_deleting_leaves_nothing_of_it(three: ModelStore) -> None:
    three.delete("pets", 2)
    assert {path.name for path in (three.root / "pets").iterdir()} == {"1", "3", "history.json", ".lock"}


def test_an_aliased_version_is_kept(three: ModelStore) -> None:
    three.set_alias("pets", "production", 2)
    three.set_alias("pets", "canary", 2)
    with pytest.raises(AliasConflictError, match="pets/2 is canary, production; move or remove the alias first"):
        three.delete("pets", 2)
    assert three.versions("pets") == [1, 2, 3]


def test_only_what_is_there_is_deleted(three: ModelStore) -> None:
    with pytest.raises(ModelNotFoundError, match="no version 9 of pets"):
        three.delete("pets", 9)


def test_a_version_deleted_meanwhile_is_not_called_corrupt(three: ModelStore) -> None:
    found = three.resolve("pets:2")
    three.delete("pets", 2)
    with pytest.raises(ModelNotFoundError, match="pets/2 was deleted"):
        three.verify(found)
