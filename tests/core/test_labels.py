import dataclasses
import time

import pytest

from app.core.errors import InvalidParameterError
from app.core.labels import UNDECIDED, Label, LabelMap

PET = Label(0, "pet", (255, 140, 0), "foreground")
BACKGROUND = Label(1, "background", (0, 0, 0), "background")
BORDER = Label(2, "border", (255, 255, 255), "border")
PETS = LabelMap((PET, BACKGROUND, BORDER))


def numbered(count: int) -> tuple[Label, ...]:
    return tuple(Label(number, f"class {number}", (number, 0, 0)) for number in range(count))


def test_iterates_in_order_of_ids() -> None:
    assert list(PETS) == [PET, BACKGROUND, BORDER]
    assert len(PETS) == 3


def test_finds_a_class_by_name() -> None:
    assert PETS.named("border") is BORDER


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        InvalidParameterError, match=r"no class 'cat'; this model has pet, background, border"
    ) as caught:
        PETS.named("cat")
    assert caught.value.parameter == "classes"


def test_names_are_matched_exactly() -> None:
    with pytest.raises(InvalidParameterError):
        PETS.named("Pet")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a", ["a"]),
        ("c, a", ["c", "a"]),
        ("a,b", ["a, b"]),  # the longest name that fits
        ("b,a", ["b", "a"]),
        (" a , b ,c", ["a, b", "c"]),
        ("b,a, b", ["b", "a, b"]),
        ("c,a,b,c", ["c", "a, b", "c"]),
        ("1,000,c", ["1,000", "c"]),
        ("1,001", ["1", "001"]),
        ("a,b,c,d,e", ["a, b", "c,d,e"]),
        ("a,,x", ["a", "", "x"]),
        ("", [""]),
    ],
)
def test_names_in_a_list(text: str, names: list[str]) -> None:
    known = ["a", "b", "a, b", "c", "1,000", "c,d,e"]
    labels = LabelMap(tuple(Label(number, name, (number, 0, 0)) for number, name in enumerate(known)))
    assert labels.listed(text) == tuple(names)


def test_a_long_list_is_read_at_once() -> None:
    """5,000 names, each the beginning of one that holds commas."""
    labels = LabelMap((Label(0, "a", (0, 0, 0)), Label(1, ",".join("a" * 50) + ",b", (1, 0, 0))))
    start = time.process_time()
    assert labels.listed(",".join("a" * 5000)) == ("a",) * 5000
    assert time.process_time() - start < 2


def test_ids_by_role() -> None:
    animals = LabelMap((PET, BACKGROUND, Label(2, "cat", (1, 2, 3), "foreground"), Label(3, "void", (4, 5, 6))))
    assert animals.ids("foreground") == (0, 2)
    assert animals.ids("background") == (1,)
    assert animals.ids("border") == ()


@pytest.mark.parametrize("count", [0, 1, 256])
def test_fewer_than_2_or_more_than_255_classes_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"2 to 255 classes, not {count}"):
        LabelMap(numbered(count))


def test_the_largest_map_leaves_the_undecided_value_free() -> None:
    largest = LabelMap(numbered(255))
    assert [label.id for label in largest][-1] == UNDECIDED - 1


@pytest.mark.parametrize("ids", [(1, 2), (0, 2), (1, 0), (0, 0)])
def test_ids_count_from_zero_without_gaps(ids: tuple[int, int]) -> None:
    first, second = ids
    with pytest.raises(ValueError, match="ids must be 0, 1, 2"):
        LabelMap((Label(first, "a", (0, 0, 0)), Label(second, "b", (0, 0, 0))))


def test_a_name_used_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="names must be unique"):
        LabelMap((PET, dataclasses.replace(BACKGROUND, name="pet")))
