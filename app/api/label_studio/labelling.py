"""A project's labelling configuration: which control draws on which picture, and which classes its labels mean."""

from dataclasses import dataclass, field
from xml.parsers import expat

from app.core.errors import InvalidParameterError
from app.core.labels import LabelMap

LONGEST_CONFIG = 1_000_000
"""Characters."""


@dataclass(frozen=True)
class Labelling:
    """What of a configuration concerns masks.

    Args:
        from_name: name of its `BrushLabels`.
        to_name: name of the `Image` that they are drawn on.
        data_key: of a task's data, where its picture stands.
        labels: name of the label for each class of the model that has one.
    """

    from_name: str
    to_name: str
    data_key: str
    labels: dict[str, str]


@dataclass
class _Label:
    """A label as the configuration has it.

    Args:
        name: what results call it: its `alias` if it has one, else its `value`.
        means: what may be the name of a class, exactly.
    """

    name: str
    means: tuple[str, ...]


@dataclass
class _Control:
    name: str
    to_names: list[str]
    labels: list[_Label] = field(default_factory=list)


def labelling_of(config: str, classes: LabelMap, parameter: str) -> Labelling:
    """Reads a configuration.

    A label means the classes that its attribute `predicted_values` lists; without it the class that has its alias or
    value as name; exactly, or but for upper and lower case where no class has it exactly.

    Args:
        config: XML.
        classes: of the model.
        parameter: what to call it where it is wrong.

    Raises:
        InvalidParameterError: it is not XML, has a DOCTYPE, or no brush labels for these classes on a picture.
    """
    if len(config) > LONGEST_CONFIG:
        raise InvalidParameterError(parameter, f"has more than {LONGEST_CONFIG} characters")
    reader = _Reader()
    try:
        reader.read(config)
    except (expat.ExpatError, ValueError, UnicodeError) as error:
        raise InvalidParameterError(parameter, f"is no labelling configuration: {error}") from error
    drawn = [
        (control, to_name, reader.pictures[to_name])
        for control in reader.controls
        for to_name in control.to_names
        if to_name in reader.pictures
    ]
    if not drawn:
        needed = '<Image name="image" value="$image"/> and <BrushLabels name="tag" toName="image"> with labels'
        raise InvalidParameterError(parameter, f"has no BrushLabels for an Image: it needs {needed}")
    for control, to_name, key in drawn:
        if labels := _matched(control.labels, classes):
            return Labelling(control.name, to_name, key, labels)
    names = ", ".join(label.name for label in classes)[:500]
    raise InvalidParameterError(
        parameter, f'no label is called like a class of the model ({names}); <Label … predicted_values="CLASS"/> maps'
    )


def _matched(labels: list[_Label], classes: LabelMap) -> dict[str, str]:
    names = [label.name for label in classes]
    folded = {name.casefold(): name for name in names}
    found: dict[str, str] = {}
    for label in labels:
        exact = [name for name in label.means if name in names]
        loose = [folded[name.casefold()] for name in label.means if name.casefold() in folded]
        for name in exact or loose:
            found.setdefault(name, label.name)
    return found


class _Reader:
    """Takes out of the XML what is needed; builds no tree and expands nothing."""

    def __init__(self) -> None:
        self.controls: list[_Control] = []
        self.pictures: dict[str, str] = {}
        self._inside: list[_Control | None] = []

    def read(self, config: str) -> None:
        parser = expat.ParserCreate("utf-8")  # it is text, whatever it declares
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse
        parser.Parse(config.encode(), True)

    def _refuse(self, *declaration: object) -> None:
        raise ValueError("a DOCTYPE is not read")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        control = self._inside[-1] if self._inside else None
        name, kind = attributes.get("name", ""), tag.lower()
        if kind == "brushlabels" and name:
            control = _Control(name, [item.strip() for item in attributes.get("toName", "").split(",")])
            self.controls.append(control)
        elif kind == "image" and name and attributes.get("value", "").startswith("$"):
            self.pictures[name] = attributes["value"][1:]
        elif kind == "label" and control is not None and attributes.get("value"):
            control.labels.append(_label(attributes))
        self._inside.append(control)

    def _end(self, tag: str) -> None:
        self._inside.pop()


def _label(attributes: dict[str, str]) -> _Label:
    value = attributes["value"]
    alias = attributes.get("alias") or value
    listed = tuple(item.strip() for item in attributes.get("predicted_values", "").split(",") if item.strip())
    return _Label(alias, listed or (alias, value))
