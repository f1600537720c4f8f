import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import DataError
from app.training.sources.coco_file import MOST_PROBLEMS, read_coco
from tests.fixtures.drawn_shapes import coco_content, draw_scenes

Content = dict[str, Any]


@pytest.fixture
def content() -> Content:
    return {
        "images": [
            {"id": 5, "file_name": "day\\b.jpg", "height": 4, "width": 6},
            {"id": 2, "file_name": "a.png", "height": 3, "width": 2},
        ],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 9, "segmentation": [[0, 0, 2, 0, 2, 2]], "iscrowd": 0},
            {"id": 2, "image_id": 5, "category_id": 4, "segmentation": {"size": [4, 6], "counts": [24]}, "iscrowd": 1},
        ],
        "categories": [{"id": 9, "name": " cat "}, {"id": 4, "name": "dog", "supercategory": "animal"}],
        "info": {"year": 2026},
    }


def write(folder: Path, content: object) -> Path:
    path = folder / "file.json"
    path.write_text(json.dumps(content))
    return path


def problems(folder: Path, content: object) -> tuple[str, ...]:
    path = write(folder, content)
    with pytest.raises(DataError) as refused:
        read_coco(path)
    assert all(problem.startswith(f"{path}: ") for problem in refused.value.problems)
    return tuple(problem.removeprefix(f"{path}: ") for problem in refused.value.problems)


def test_pictures_with_their_annotations(tmp_path: Path, content: Content) -> None:
    file = read_coco(write(tmp_path, content))
    assert list(file.categories.items()) == [(4, "dog"), (9, "cat")]
    assert not file.headings
    plain, annotated = file.pictures
    assert (plain.name, plain.file, plain.size, plain.annotations) == ("a", PurePosixPath("a.png"), (3, 2), ())
    assert (annotated.name, annotated.file, annotated.size) == ("day/b", PurePosixPath("day/b.jpg"), (4, 6))
    assert [(a.id, a.category, a.crowd) for a in annotated.annotations] == [(1, 9, False), (2, 4, True)]
    assert annotated.annotations[1].segmentation == {"size": [4, 6], "counts": [24]}


def test_a_byte_order_mark_is_read(tmp_path: Path, content: Content) -> None:
    path = tmp_path / "file.json"
    path.write_text(json.dumps(content), "utf-8-sig")
    assert len(read_coco(path).pictures) == 2


@pytest.mark.parametrize(
    ("head", "headings"), [("objects", {0}), ("cat", {0}), ("Things", set())], ids=["other", "same name", "no head"]
)
def test_a_category_that_only_heads_others(tmp_path: Path, content: Content, head: str, headings: set[int]) -> None:
    parent = "objects" if head == "Things" else head
    content["categories"] = [
        {"id": 0, "name": head, "supercategory": "none"},
        {"id": 4, "name": "dog", "supercategory": parent},
        {"id": 9, "name": "cat", "supercategory": parent},
    ]
    assert read_coco(write(tmp_path, content)).headings == headings
    content["annotations"][0]["category_id"] = 0  # then it is a class like others
    assert not read_coco(write(tmp_path, content)).headings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "cannot be read as JSON"),
        (b"{", "cannot be read as JSON"),
        (b"\xff\xfe\xff", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"[]", "no file of COCO annotations, which has the lists images, annotations, categories"),
        (b'{"images": [], "annotations": {}, "categories": []}', "no file of COCO annotations"),
    ],
)
def test_what_is_no_such_file(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(text)
    with pytest.raises(DataError, match=message):
        read_coco(path)


CHANGES: list[tuple[str, int, Content, str]] = [
    ("annotations", 0, {"image_id": 99}, "annotation 1: image_id 99 is the id of no image"),
    ("annotations", 0, {"image_id": "5"}, "annotation 1: image_id '5' is no number"),
    ("annotations", 0, {"image_id": None}, "annotation 1: image_id None is no number"),
    ("annotations", 1, {"category_id": 7}, "annotation 2: category_id 7 is the id of no category"),
    ("annotations", 1, {"category_id": [4]}, "annotation 2: category_id [4] is the id of no category"),
    ("annotations", 1, {"id": 1}, "annotation 1: two of them have this id"),
    ("annotations", 1, {"id": True}, "annotation at place 1 of its list: no `id` that is a whole number"),
    ("images", 0, {"id": 2}, "image 2: two of them have this id"),
    ("images", 0, {"file_name": "../b.jpg"}, "image 5: file_name '../b.jpg' is no path inside the folder"),
    ("images", 0, {"file_name": "/b.jpg"}, "image 5: file_name '/b.jpg' is no path inside the folder"),
    ("images", 0, {"file_name": "b\n.jpg"}, "image 5: file_name 'b\\n.jpg' is no path"),
    ("images", 0, {"file_name": ""}, "image 5: file_name '' is no path"),
    ("images", 0, {"file_name": None}, "image 5: file_name None is no path"),
    ("images", 0, {"file_name": "a.jpg"}, "two images have, but for the suffix, the file_name a"),
    ("images", 0, {"height": 0}, "image 5: height 0 and width 6 are no size of a picture"),
    ("images", 0, {"height": -4, "width": -6}, "image 5: height -4 and width -6 are no size"),
    ("images", 0, {"height": 10**9, "width": 10**9}, "image 5: height 1000000000 and width 1000000000 are no size"),
    ("images", 0, {"width": "6"}, "image 5: height 4 and width '6' are no size"),
    ("categories", 0, {"name": ""}, "category 9: '': the name of a class is a line"),
    ("categories", 0, {"name": None}, "category 9: None: the name of a class is a line"),
    ("categories", 0, {"id": 4}, "category 4: two of them have this id"),
]


@pytest.mark.parametrize(("part", "place", "change", "message"), CHANGES)
def test_what_is_wrong_with_an_entry(
    tmp_path: Path, content: Content, part: str, place: int, change: Content, message: str
) -> None:
    content[part][place] |= change
    assert any(problem.startswith(message) for problem in problems(tmp_path, content))


def test_entries_that_are_none(tmp_path: Path, content: Content) -> None:
    content["images"].append(7)
    assert problems(tmp_path, content) == ("image at place 2 of its list: no `id` that is a whole number",)


def test_of_many_problems_the_first_are_named(tmp_path: Path, content: Content) -> None:
    content["annotations"] = [{"id": n, "image_id": "5", "category_id": 4} for n in range(500)]
    found = problems(tmp_path, content)
    assert (len(found), found[-1]) == (MOST_PROBLEMS + 1, "and 480 more")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    content: Any = coco_content(draw_scenes(2))
    part = data.draw(st.sampled_from([*content, ""]))
    thing = data.draw(ANYTHING)
    if not part:
        content = thing
    elif data.draw(st.booleans()):
        content[part] = thing
    else:
        entry = data.draw(st.sampled_from(content[part]))
        entry[data.draw(st.sampled_from([*entry, "more"]))] = thing
    try:
        file = read_coco(write(tmp_path, content))
    except DataError:
        return
    assert all(min(picture.size) > 0 for picture in file.pictures)
