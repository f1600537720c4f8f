import pytest

from app.core.errors import InvalidParameterError, ModelNotFoundError
from app.store.names import Reference, is_alias, is_name, parse_reference, require_alias, require_name, shown

TRICKS = [
    "",
    ".",
    "..",
    "../pets",
    "pets/../..",
    "pets/1",
    "/etc/passwd",
    "pets\\1",
    "pets\0",
    "pets\n",
    ".hidden",
    "-rf",
    "_x",
    "Pets",
    "pets 2",
    "pét",
    "pets²",
    "٣",
    "a" * 65,
    "%2e%2e",
]


@pytest.mark.parametrize("name", ["pets", "7", "a", "cats-and.dogs_2", "a..b", "a" * 64])
def test_plain_names_pass(name: str) -> None:
    assert is_name(name)
    require_name(name)


@pytest.mark.parametrize("name", TRICKS)
def test_nothing_that_could_leave_its_folder_is_a_name(name: str) -> None:
    assert not is_name(name)
    assert not is_alias(name)
    with pytest.raises(ModelNotFoundError, match="no model"):
        require_name(name)
    with pytest.raises(ModelNotFoundError, match="no model"):
        parse_reference(name)


@pytest.mark.parametrize("alias", ["production", "v2", "2-0", "2024.11", "canary_1"])
def test_aliases_look_like_names(alias: str) -> None:
    assert is_alias(alias)
    require_alias(alias)


@pytest.mark.parametrize("alias", ["1", "007", "123456789012", "", "..", "a/b"])
def test_an_alias_never_reads_as_a_version(alias: str) -> None:
    with pytest.raises(InvalidParameterError, match=r"alias: .* is no alias"):
        require_alias(alias)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("pets", Reference("pets", None)),
        ("pets:3", Reference("pets", 3)),
        ("pets:999999999", Reference("pets", 999_999_999)),
        ("pets:production", Reference("pets", "production")),
        ("pets:3-b", Reference("pets", "3-b")),
    ],
)
def test_references(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference


@pytest.mark.parametrize(
    "text", ["pets:", ":3", "pets:0", "pets:03", "pets:-1", "pets:1:2", "pets:../1", "pets:1234567890", "pets:1\n"]
)
def test_what_is_no_reference_is_no_model(text: str) -> None:
    with pytest.raises(ModelNotFoundError, match="no model"):
        parse_reference(text)


def test_messages_repeat_only_a_readable_part_of_the_text() -> None:
    assert shown("a\0b\u202e") == r"'a\x00b\u202e'"
    assert shown("x" * 10_000) == "'" + "x" * 80 + "...'"
