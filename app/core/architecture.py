"""A network as data: its layers, how they are connected and what they cost; no Keras.

`app.nn.summary` computes it from a built model; a server without Keras reads it from a version's `architecture.json`.
"""

import json
from typing import Annotated, Self

from pydantic import Field, JsonValue, TypeAdapter, ValidationError, computed_field, model_validator

from app.core.errors import CorruptVersionError
from app.core.flowchart import flowchart
from app.core.layer_table import layer_table
from app.core.layers import BlockSummary, LayerSummary, Name, Shape, Totals
from app.core.records import Record, SchemaVersion, problems

__all__ = ["ARCHITECTURE", "ArchitectureSummary", "BlockSummary", "LayerSummary", "Shape", "Totals"]

ARCHITECTURE = "architecture.json"
"""Name of the file in a version's folder."""
SCHEMA_VERSION = 1
_COMPUTED = {"blocks", "edges", "totals"}
_DOCUMENT = TypeAdapter(dict[str, JsonValue])


class ArchitectureSummary(Record):
    """A network.

    Blocks, edges and totals follow from the layers: they stand in the JSON for its readers, and are computed anew when
    it is read.

    Args:
        name: of the network.
        config: what it was built from.
        input_shape: (h, w, c).
        output_shape: (h, w, classes).
        layers: inputs before their users; the last one is the output.

    Raises:
        ValueError: a name used twice, or an input that no earlier layer has.
    """

    schema_version: Annotated[int, Field(ge=1, le=SCHEMA_VERSION)] = SCHEMA_VERSION
    name: Name
    config: dict[str, JsonValue]
    input_shape: Shape
    output_shape: Shape
    layers: Annotated[tuple[LayerSummary, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        seen: set[str] = set()
        for layer in self.layers:
            if layer.name in seen:
                raise ValueError(f"two layers are called {layer.name!r}")
            if missing := [name for name in layer.inputs if name not in seen]:
                raise ValueError(f"{layer.name!r} gets its input from {missing}, which no earlier layer is")
            seen.add(layer.name)
        return self

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorators above property
    @property
    def blocks(self) -> tuple[BlockSummary, ...]:
        """The blocks, in order of their first layers."""
        members: dict[str, list[LayerSummary]] = {}
        for layer in self.layers:
            members.setdefault(layer.block, []).append(layer)
        return tuple(
            BlockSummary(
                name=name,
                layers=tuple(layer.name for layer in layers),
                parameters=sum(layer.parameters for layer in layers),
                macs=sum(layer.macs for layer in layers),
            )
            for name, layers in members.items()
        )

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorators above property
    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """(from, to) names of layers, in order of the receiving layers."""
        return tuple((source, layer.name) for layer in self.layers for source in layer.inputs)

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorators above property
    @property
    def totals(self) -> Totals:
        """Sums over the layers, and what one position of the output sees."""
        return Totals(
            layers=len(self.layers),
            parameters=sum(layer.parameters for layer in self.layers),
            trainable_parameters=sum(layer.trainable_parameters for layer in self.layers),
            macs=sum(layer.macs for layer in self.layers),
            receptive_field=self.layers[-1].receptive_field,
        )

    def to_json(self) -> str:
        """As JSON, indented; equal summaries give equal text."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, origin: str = ARCHITECTURE) -> Self:
        """Reads what `to_json` wrote.

        Args:
            text: the JSON.
            origin: what messages call it.

        Raises:
            CorruptVersionError: not a summary, or one of a newer schema.
        """
        try:
            values = _DOCUMENT.validate_json(text)
            schema = SchemaVersion.model_validate(values).schema_version
            if schema > SCHEMA_VERSION:
                raise CorruptVersionError(
                    f"{origin} has schema version {schema}; this release reads up to {SCHEMA_VERSION}: update segserve"
                )
            given = {key: value for key, value in values.items() if key not in _COMPUTED}
            return cls.model_validate_json(json.dumps(given))  # from text: strict validation takes no list for a tuple
        except ValidationError as error:
            raise CorruptVersionError(f"{origin} is not a valid architecture: {problems(error)}") from error

    def to_text(self) -> str:
        """As a table, at most 120 columns wide."""
        return layer_table(self.name, self.blocks, self.layers, self.totals)

    def to_mermaid(self) -> str:
        """As a Mermaid flowchart."""
        return flowchart(self.blocks, self.layers)
