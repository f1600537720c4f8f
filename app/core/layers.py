"""The parts of an architecture summary: layers, blocks, totals."""

from typing import Annotated

from pydantic import Field

from app.core.records import Record

Count = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Shape = tuple[Annotated[int, Field(ge=1)], ...]
"""Without the batch: (h, w, c)."""
Extent = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
"""(h, w) in pixels of the network's input."""


class LayerSummary(Record):
    """One layer.

    Args:
        name: unique in the network.
        kind: class of the layer, for example `SeparableConv2D`.
        block: part of the network that it belongs to: `stem`, `down1` …, `up4`, `head`.
        input_shapes: shape of each input, in the order of `inputs`.
        output_shape: of its output.
        parameters: all numbers it holds, moving statistics included.
        trainable_parameters: those that training changes.
        macs: multiply–accumulate operations for one picture.
        receptive_field: extent of the input that one output position can see, the largest over the positions.
        inputs: names of the layers it gets its input from; they stand before it.
        shortcut: whether it lies on the path around a block.
    """

    name: Name
    kind: Name
    block: Name
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    parameters: Count
    trainable_parameters: Count
    macs: Count
    receptive_field: Extent
    inputs: tuple[Name, ...] = ()
    shortcut: bool = False


class BlockSummary(Record):
    """Layers that belong together.

    Args:
        name: of the block.
        layers: their names.
        parameters: sum.
        macs: sum.
    """

    name: Name
    layers: tuple[Name, ...]
    parameters: Count
    macs: Count


class Totals(Record):
    """The whole network.

    Args:
        layers: number.
        parameters: sum.
        trainable_parameters: sum.
        macs: sum, for one picture.
        receptive_field: of one position of the output.
    """

    layers: Count
    parameters: Count
    trainable_parameters: Count
    macs: Count
    receptive_field: Extent
