import pytest

from app.api.label_studio.labelling import Labelling, labelling_of
from app.core.errors import InvalidParameterError
from tests.fixtures.tiny_model import TINY_LABELS

PLAIN = """
<View>
  <Image name="photo" value="$image" zoom="true"/>
  <BrushLabels name="brush" toName="photo">
    <Label value="pet" background="red"/><Label value="background"/>
  </BrushLabels>
</View>
"""


def config(labels: str, picture: str = '<Image name="image" value="$image"/>') -> str:
    return f'<View>{picture}<BrushLabels name="tag" toName="image">{labels}</BrushLabels></View>'


def read(text: str) -> Labelling:
    return labelling_of(text, TINY_LABELS, "label_config")


def test_it_says_what_is_drawn_where() -> None:
    assert read(PLAIN) == Labelling("brush", "photo", "image", {"pet": "pet", "background": "background"})


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ('<Label value="Pet"/>', {"pet": "Pet"}),
        ('<Label value="Animal" alias="pet"/>', {"pet": "pet"}),
        ('<Label value="pet" alias="P"/>', {"pet": "P"}),
        ('<Label value="Animal" predicted_values="pet, border"/>', {"pet": "Animal", "border": "Animal"}),
        ('<Label value="pet" predicted_values="border"/>', {"border": "pet"}),
        ('<Label value="cat"/><View><Label value="border"/></View>', {"border": "border"}),
        ('<Label value="pet"/><Label value="PET"/>', {"pet": "pet"}),
    ],
)
def test_what_labels_mean(labels: str, expected: dict[str, str]) -> None:
    assert read(config(labels)).labels == expected


@pytest.mark.parametrize("encoding", ["UTF-16", "latin-1", "utf-7", "nonsense", "idna"])
def test_a_declared_encoding_says_nothing_of_text(encoding: str) -> None:
    text = config('<Label value="Kätzchen" predicted_values="pet"/>')
    assert read(f'<?xml version="1.0" encoding="{encoding}"?>{text}').labels == {"pet": "Kätzchen"}


def test_the_control_that_fits_is_taken() -> None:
    text = """
    <View><Text name="text" value="$text"/><Image name="page" valueList="$pages"/><Image name="b" value="$b"/>
    <Choices name="c" toName="b"><Choice value="pet"/></Choices>
    <BrushLabels name="pages" toName="page"><Label value="pet"/></BrushLabels>
    <BrushLabels name="cars" toName="b"><Label value="car"/></BrushLabels>
    <BrushLabels name="pets" toName="text, b"><Label value="pet"/></BrushLabels><Label value="border"/></View>
    """
    assert read(text) == Labelling("pets", "b", "b", {"pet": "pet"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no labelling configuration"),
        ("<View>", "no labelling configuration"),
        ("no XML", "no labelling configuration"),
        ("<View></View>", "no BrushLabels for an Image"),
        (config("", '<Image name="other" value="$image"/>'), "no BrushLabels for an Image"),
        (config("", '<Image name="image" value="https://example.org/a.jpg"/>'), "no BrushLabels for an Image"),
        (config('<Label value="car"/><Label/>'), "no label is called like a class"),
        ('<!DOCTYPE v [<!ENTITY a "pet">]>' + config('<Label value="&a;"/>'), "DOCTYPE"),
        ('<!DOCTYPE v SYSTEM "http://example.org/v.dtd">' + PLAIN.strip(), "DOCTYPE"),
        (config('<Label value="&a;"/>'), "no labelling configuration"),
        ("<a>" * 100_000, "no labelling configuration"),
        ("\ud800", "no labelling configuration"),
        (" " * 1_000_001, "more than 1000000"),
    ],
)
def test_what_is_no_configuration(text: str, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message) as caught:
        read(text)
    assert caught.value.parameter == "label_config"
    assert len(caught.value.detail) < 700
