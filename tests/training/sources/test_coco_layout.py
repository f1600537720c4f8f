import json
from pathlib import Path, PurePosixPath

import pytest

from app.core.errors import DataError
from app.training.sources.coco_file import AnnotatedPicture, CocoFile
from app.training.sources.coco_layout import annotation_files, by_split, pictures_folder

KEYS: dict[str, list[object]] = {"images": [], "annotations": [], "categories": []}


def touch(root: Path, *names: str, content: object = KEYS) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(json.dumps(content))


def found(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in annotation_files(root)]


def file(path: str, *pictures: str, root: Path = Path("data")) -> CocoFile:
    entries = tuple(AnnotatedPicture(PurePosixPath(picture), (1, 1), ()) for picture in pictures)
    return CocoFile(root / path, entries, {}, frozenset())


@pytest.mark.parametrize(
    "names",
    [
        ["labels.json"],
        ["annotations/train.json", "annotations/val.json"],
        ["test/_annotations.coco.json", "train/_annotations.coco.json", "valid/_annotations.coco.json"],
    ],
)
def test_where_files_are(tmp_path: Path, names: list[str]) -> None:
    touch(tmp_path, *names, ".hidden.json")
    touch(tmp_path, "package.json", "annotations/image_info_test2017.json", content={"images": [], "categories": []})
    (tmp_path / "empty.json").touch()
    (tmp_path / "folder.json").mkdir()
    assert found(tmp_path) == names


def test_of_cocos_own_files_those_of_objects_count(tmp_path: Path) -> None:
    kinds = ("captions", "instances", "person_keypoints")
    touch(tmp_path, *(f"annotations/{kind}_{split}2017.json" for kind in kinds for split in ("train", "val")))
    assert found(tmp_path) == ["annotations/instances_train2017.json", "annotations/instances_val2017.json"]


def test_nothing_there(tmp_path: Path) -> None:
    assert annotation_files(tmp_path) == annotation_files(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("annotations/instances_train2017.json", "train"),
        ("annotations/instances_val2017.json", "validation"),
        ("annotations/trainval.json", "trainval"),
        ("Valid/_annotations.coco.json", "validation"),
        ("annotations/instances_Test_1.json", "test"),
    ],
)
def test_a_name_says_the_split(path: str, split: str) -> None:
    other = file("train.json" if split != "train" else "val.json")
    assert by_split([file(path), other])[split].path == Path("data") / path


def test_one_file_alone_is_all_there_is_unless_it_is_a_test() -> None:
    assert by_split([file("annotations/instances_train.json")]) == by_split([file("labels.json")]) == {}
    alone = file("annotations/instances_test2017.json")
    assert by_split([alone]) == {"test": alone}


def test_several_files_have_to_say_their_splits() -> None:
    with pytest.raises(DataError, match=r"batch2.json: of several files each is called train, val or test"):
        by_split([file("train.json"), file("batch2.json")])
    with pytest.raises(DataError, match=r"train2017.json: .*train2014.json is for `train`, too; keep one of them"):
        by_split([file("train2014.json"), file("train2017.json")])


@pytest.mark.parametrize(
    ("path", "picture", "folder"),
    [
        ("train/_annotations.coco.json", "train/a.jpg", "train"),
        ("annotations/instances_default.json", "images/a.jpg", "images"),
        ("annotations/instances_default.json", "images/default/a.jpg", "images/default"),
        ("annotations/instances_val2017.json", "val2017/a.jpg", "val2017"),
        ("labels.json", "data/a.jpg", "data"),
        ("result.json", "a.jpg", ""),
    ],
)
def test_where_pictures_are(tmp_path: Path, path: str, picture: str, folder: str) -> None:
    touch(tmp_path, picture)
    assert pictures_folder(tmp_path, file(path, "a.jpg", root=tmp_path)) == tmp_path / folder


def test_the_folder_with_most_of_them(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.jpg", "data/a.jpg", "data/b.jpg")
    assert pictures_folder(tmp_path, file("labels.json", "a.jpg", "b.jpg", root=tmp_path)) == tmp_path / "data"


def test_pictures_that_are_nowhere(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"labels.json: a.jpg; looked for in .*, .*images, .*images/labels, "):
        pictures_folder(tmp_path, file("labels.json", "a.jpg", root=tmp_path))
    with pytest.raises(DataError, match=r"labels.json: no pictures; looked for in"):
        pictures_folder(tmp_path, file("labels.json", root=tmp_path))
