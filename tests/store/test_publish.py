import hashlib
import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.core.errors import PublishError, StoreUnavailableError
from app.store.manifest import ManifestDraft
from app.store.publish import publish_version
from app.store.repository import ModelStore, ModelVersion
from tests.store.conftest import FILES, Program, contents

PRELUDE = """
from pathlib import Path
from app.core.errors import PublishError
from app.store.manifest import ManifestDraft
from app.store.publish import publish_version
from app.store.repository import ModelStore
store, draft = ModelStore(Path(sys.argv[1])), ManifestDraft.model_validate_json(Path(sys.argv[2]).read_text())
def publish(**files):
    return publish_version(store, "pets", draft, files or {"model.keras": b"weights", "openvino/model.bin": b"x"})
"""


@pytest.fixture
def draft_file(tmp_path: Path, draft: ManifestDraft) -> Path:
    path = tmp_path / "draft.json"
    path.write_text(draft.model_dump_json())
    return path


def remains(store: ModelStore) -> list[Path]:
    return list((store.root / "pets").glob(".tmp-*"))


# What is published ---------------------------------------------------------------------------------


def test_a_version_holds_the_files_and_their_checksums(pets: ModelVersion, store: ModelStore) -> None:
    assert (pets.name, pets.version, pets.path) == ("pets", 1, store.root / "pets" / "1")
    written = contents(pets.path)
    manifest = written.pop("manifest.json")
    assert written == FILES
    assert pets.sha256 == hashlib.sha256(manifest).hexdigest()
    entries = store.verify(pets).files
    assert {path: (entry.sha256, entry.bytes) for path, entry in entries.items()} == {
        path: (hashlib.sha256(data).hexdigest(), len(data)) for path, data in written.items()
    }


def test_the_manifest_is_the_draft_with_name_number_and_time(
    pets: ModelVersion, store: ModelStore, draft: ManifestDraft
) -> None:
    manifest = store.manifest(pets)
    assert ManifestDraft.model_validate({name: getattr(manifest, name) for name in ManifestDraft.model_fields}) == draft
    assert (manifest.name, manifest.version) == ("pets", 1)
    assert manifest.created.microsecond == 0
    assert abs(datetime.now(UTC) - manifest.created) < timedelta(minutes=1)


def test_files_are_read_from_their_paths(store: ModelStore, draft: ManifestDraft, tmp_path: Path) -> None:
    source = tmp_path / "best.keras"
    source.write_bytes(os.urandom(2_500_000))
    source.chmod(0o600)
    version = publish_version(store, "pets", draft, {"model.keras": source})
    assert (version.path / "model.keras").read_bytes() == source.read_bytes()
    store.verify(version)


def test_numbers_rise_and_aliases_stay(pets: ModelVersion, store: ModelStore, draft: ManifestDraft) -> None:
    store.set_alias("pets", "production", 1)
    assert publish_version(store, "pets", draft, FILES).version == 2
    assert publish_version(store, "cats", draft, FILES).version == 1
    assert store.versions("pets") == [1, 2]
    assert store.aliases("pets") == {"production": 1}
    assert remains(store) == []


def test_others_may_read_what_the_umask_lets_them(store: ModelStore, draft: ManifestDraft) -> None:
    before = os.umask(0o022)
    try:
        version = publish_version(store, "pets", draft, FILES)
    finally:
        os.umask(before)
    modes = {path.is_dir(): oct(path.stat().st_mode & 0o777) for path in [version.path, *version.path.rglob("*")]}
    assert modes == {True: "0o755", False: "0o644"}


def test_everything_is_on_the_disk_before_it_appears(
    store: ModelStore, draft: ManifestDraft, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        assert store.versions("pets") == [] or Path(f"/proc/self/fd/{descriptor}").readlink().name == "pets"
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    publish_version(store, "pets", draft, FILES)
    assert {Path(path).name for path in FILES} | {"manifest.json", "openvino"} <= set(synced)
    assert synced[-2].startswith(".tmp-")  # the version's own entries
    assert synced[-1] == "pets"  # and its name


# What is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["../x", "/x", "a/../x", "manifest.json", "", ".x", "a\0"])
def test_a_path_that_cannot_be_is_refused(store: ModelStore, draft: ManifestDraft, path: str) -> None:
    with pytest.raises(PublishError, match="pets was not published"):
        publish_version(store, "pets", draft, {"model.keras": b"x", path: b"x"})
    assert not store.root.exists()


@pytest.mark.parametrize("count", [0, 1001])
def test_no_files_or_too_many_are_refused(store: ModelStore, draft: ManifestDraft, count: int) -> None:
    with pytest.raises(PublishError, match=f"a version has 1 to 1000 files, not {count}"):
        publish_version(store, "pets", draft, {f"part{number}": b"" for number in range(count)})
    assert not store.root.exists()


@pytest.mark.parametrize("name", ["..", "Pets", "a/b", ""])
def test_a_name_that_cannot_be_is_refused(store: ModelStore, draft: ManifestDraft, name: str) -> None:
    with pytest.raises(PublishError, match="cannot be published: names are"):
        publish_version(store, name, draft, FILES)
    assert not store.root.exists()


def test_a_draft_that_was_tampered_with_is_refused(store: ModelStore, draft: ManifestDraft) -> None:
    with pytest.raises(PublishError, match="pets was not published: precision: Input should be 'float32' or 'int8'"):
        publish_version(store, "pets", draft.model_copy(update={"precision": "float8"}), FILES)
    assert (store.versions("pets"), remains(store)) == ([], [])


def test_a_manifest_that_no_reader_would_take_is_refused(store: ModelStore, draft: ManifestDraft) -> None:
    huge = draft.model_copy(update={"packages": {"keras": "3" * 4_000_000}})
    with pytest.raises(PublishError, match=r"its manifest has 4[0-9]{6} bytes, of 4000000"):
        publish_version(store, "pets", huge, FILES)
    assert (store.versions("pets"), remains(store)) == ([], [])


def test_a_missing_source_leaves_the_store_as_before(
    pets: ModelVersion, store: ModelStore, draft: ManifestDraft, tmp_path: Path
) -> None:
    before = contents(store.root)
    with pytest.raises(PublishError, match=r"gone.keras: No such file or directory; .* The store is as before"):
        publish_version(store, "pets", draft, {"a": b"x", "model.keras": tmp_path / "gone.keras"})
    assert contents(store.root) == before
    assert remains(store) == []


def test_a_torn_history_stops_publishing(pets: ModelVersion, store: ModelStore, draft: ManifestDraft) -> None:
    (store.root / "pets" / "history.json").write_text("{")
    with pytest.raises(StoreUnavailableError, match=r"pets/history.json is not valid"):
        publish_version(store, "pets", draft, FILES)
    assert (store.versions("pets"), remains(store)) == ([1], [])


# Faults --------------------------------------------------------------------------------------------


def test_a_file_in_place_of_the_store(tmp_path: Path, draft: ManifestDraft) -> None:
    (tmp_path / "store").touch()
    with pytest.raises(PublishError, match=r"store/pets: Not a directory; check the path"):
        publish_version(ModelStore(tmp_path / "store"), "pets", draft, FILES)


def test_a_full_disk_leaves_the_store_as_before(
    pets: ModelVersion, store: ModelStore, draft_file: Path, program: Program
) -> None:
    before = contents(store.root)
    source = f"""{PRELUDE}
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    publish(architecture=b"x" * 90_000, model=b"x" * 200_000)
except PublishError as error:
    print(error.detail)
"""
    output, _ = program(source, store.root, draft_file).communicate()
    assert "/model: File too large; free some space or raise the limit, then try again. The store is as" in output
    assert contents(store.root) == before
    assert remains(store) == []


def test_an_interruption_leaves_the_store_as_before(
    pets: ModelVersion, store: ModelStore, draft_file: Path, program: Program, tmp_path: Path
) -> None:
    before = contents(store.root)
    os.mkfifo(tmp_path / "pipe")
    source = f"{PRELUDE}\ntry:\n    publish(model=Path(sys.argv[3]))\nexcept KeyboardInterrupt:\n    print('stopped')"
    publisher = program(source, store.root, draft_file, tmp_path / "pipe")
    with (tmp_path / "pipe").open("wb") as pipe:  # opens once the publisher reads
        pipe.write(b"half of the weights")
        pipe.flush()
        publisher.send_signal(signal.SIGINT)
    assert publisher.communicate()[0] == "stopped\n"  # the end of the pipe wakes a reader that missed the signal
    assert contents(store.root) == before
    assert remains(store) == []


def test_killed_while_copying(
    pets: ModelVersion, store: ModelStore, draft: ManifestDraft, draft_file: Path, program: Program, tmp_path: Path
) -> None:
    before = contents(store.root)
    os.mkfifo(tmp_path / "pipe")
    publisher = program(
        f"{PRELUDE}\npublish(a=b'x', model=Path(sys.argv[3]))", store.root, draft_file, tmp_path / "pipe"
    )
    with (tmp_path / "pipe").open("wb") as pipe:  # opens once the publisher reads
        pipe.write(b"half of the weights")
        pipe.flush()
        publisher.kill()
        publisher.communicate()
    assert len(remains(store)) == 1
    assert store.versions("pets") == [1]
    store.verify(store.resolve("pets"))
    assert {path: data for path, data in contents(store.root).items() if ".tmp-" not in path} == before
    assert publish_version(store, "pets", draft, FILES).version == 2
    assert remains(store) == []


def test_killed_at_any_step_towards_the_disk(
    pets: ModelVersion, store: ModelStore, draft: ManifestDraft, draft_file: Path, program: Program
) -> None:
    source = f"""{PRELUDE}
import os
def dies_at(step):
    fsync, steps = os.fsync, iter(range(step, -1, -1))
    def count(descriptor):
        if next(steps) == 0:
            os.kill(os.getpid(), 9)
        fsync(descriptor)
    os.fsync = count
    publish()
    os._exit(0)
for step in range(50):
    child = os.fork()
    if child == 0:
        dies_at(step)
    status = os.waitpid(child, 0)[1]
    found = store.versions("pets")
    print(step, status, len(found), store.verify(store.resolve("pets")).version == found[-1], flush=True)
    if status == 0:
        break
"""
    lines = [line.split() for line in program(source, store.root, draft_file).communicate()[0].splitlines()]
    assert len(lines) > 8  # two files, two folders, number, manifest, rename, and the end
    assert [line[1] for line in lines] == ["9"] * (len(lines) - 1) + ["0"]
    assert {line[3] for line in lines} == {"True"}
    assert [line[2] for line in lines] == ["1"] * (len(lines) - 2) + ["2", "3"]  # whole after the rename, else absent
    newest = store.versions("pets")[-1]
    assert publish_version(store, "pets", draft, FILES).version == newest + 1
    assert remains(store) == []


# Several at once -----------------------------------------------------------------------------------


def test_a_slow_publish_holds_nobody_up_and_is_left_alone(
    store: ModelStore, draft: ManifestDraft, draft_file: Path, program: Program, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    slow = program(f"{PRELUDE}\nprint(publish(model=Path(sys.argv[3])))", store.root, draft_file, tmp_path / "pipe")
    with (tmp_path / "pipe").open("wb") as pipe:
        pipe.write(b"first half, ")
        pipe.flush()
        assert publish_version(store, "pets", draft, FILES).version == 1
        store.set_alias("pets", "production", 1)
        assert len(remains(store)) == 1
        pipe.write(b"second half")
    assert slow.communicate()[0] == "pets/2\n"
    assert (store.root / "pets" / "2" / "model").read_bytes() == b"first half, second half"
    store.verify(store.resolve("pets:2"))


def test_processes_at_once_get_different_numbers(store: ModelStore, draft_file: Path, program: Program) -> None:
    source = f"{PRELUDE}\nsys.stdin.readline()\nfor _ in range(5):\n    print(publish().version)"
    publishers = [program(source, store.root, draft_file) for _ in range(3)]
    for publisher in publishers:
        assert publisher.stdin is not None
        publisher.stdin.write("go\n")
        publisher.stdin.flush()
    numbers = [int(word) for publisher in publishers for word in publisher.communicate()[0].split()]
    assert sorted(numbers) == list(range(1, 16)) == store.versions("pets")
    for number in numbers:
        store.verify(store.resolve(f"pets:{number}"))
    assert json.loads((store.root / "pets" / "history.json").read_text()) == {"highest": 15}
    assert remains(store) == []
