import json
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

from app.core.errors import JobError
from app.jobs.dataset import write_dataset
from app.jobs.layout import DATASET
from app.jobs.local import LocalFolder
from app.jobs.row import Row

HEAD = {"info": {"version": "pets/1"}, "licenses": [], "categories": [{"id": 0, "name": "pet", "supercategory": ""}]}


def annotation(number: int, image: int = 1) -> dict[str, Any]:
    box = {"segmentation": [[0, 0, 1, 0, 1, 1, 0, 1]], "area": 1, "bbox": [0, 0, 1, 1], "iscrowd": 0}
    return {"id": number, "image_id": image, "category_id": 0, **box}


@pytest.fixture
def target(tmp_path: Path) -> LocalFolder:
    """The answers to three pictures, of which one shows nothing."""
    folder = LocalFolder(tmp_path)
    for name, count in (("a.jpg", 2), ("é\udcff.jpg", 0), ("z.jpg", 1)):
        found = HEAD | {"images": [], "annotations": [annotation(number) for number in range(1, count + 1)]}
        folder.write(f"{name}.coco.json", json.dumps(found).encode())
    return folder


def row(name: str, size: tuple[int, int] = (2, 3)) -> Row:
    return Row(name, "done", "1", size=size, answers={f"{name}.mask.png": 1, f"{name}.coco.json": 1})


ROWS = [row("a.jpg"), Row("broken.jpg", "failed", "1"), row("z.jpg", (4, 5)), row("é\udcff.jpg")]


def test_all_pictures_are_in_one_data_set(target: LocalFolder, tmp_path: Path) -> None:
    write_dataset(target, ROWS)
    found = json.loads((tmp_path / DATASET).read_text("utf-8"))
    assert found["images"] == [
        {"id": 1, "width": 3, "height": 2, "file_name": "a.jpg"},
        {"id": 3, "width": 5, "height": 4, "file_name": "z.jpg"},
        {"id": 4, "width": 3, "height": 2, "file_name": "é\\xff.jpg"},
    ]
    assert found["annotations"] == [annotation(1, 1), annotation(2, 1), annotation(3, 3)]
    assert found.items() >= HEAD.items()
    loaded = COCO(tmp_path / DATASET)
    assert loaded.getAnnIds(imgIds=[1]) == [1, 2]
    assert loaded.getImgIds(catIds=[0]) == [1, 3]


def test_without_such_answers_there_is_none(target: LocalFolder, tmp_path: Path) -> None:
    write_dataset(target, ROWS)
    write_dataset(target, [Row("a.jpg", "done", "1", answers={"a.jpg.mask.png": 1})])
    assert not (tmp_path / DATASET).exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"annotations": 5, "info": 1, "categories": 1}', b"\xff"])
def test_an_answer_that_was_changed_is_told(target: LocalFolder, tmp_path: Path, content: bytes) -> None:
    target.write("z.jpg.coco.json", content)
    with pytest.raises(JobError, match=r"z\.jpg\.coco\.json is not what the job has written"):
        write_dataset(target, ROWS)
    assert not (tmp_path / DATASET).exists()
    assert not list(tmp_path.glob(".tmp-*"))
