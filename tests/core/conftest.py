from dataclasses import dataclass, field

import pytest

from app.core.architecture import ArchitectureSummary, LayerSummary, Shape


@dataclass
class Draughtsman:
    """Draws the article's network layer by layer, with numbers from the formulas of each kind."""

    layers: list[LayerSummary] = field(default_factory=list)
    block: str = "stem"

    def add(
        self, name: str, kind: str, inputs: tuple[str, ...], shape: Shape, counts: tuple[int, int, int] = (0, 0, 0)
    ) -> str:
        shapes = {layer.name: layer.output_shape for layer in self.layers}
        parameters, trainable, macs = counts
        self.layers.append(
            LayerSummary(
                name=name,
                kind=kind,
                block=self.block,
                input_shapes=tuple(shapes[source] for source in inputs),
                output_shape=shape,
                parameters=parameters,
                trainable_parameters=trainable,
                macs=macs,
                receptive_field=(len(self.layers) + 1, len(self.layers) + 1),
                inputs=inputs,
                shortcut="shortcut" in name,
            )
        )
        return name

    def convolution(self, name: str, kind: str, source: str, filters: int, kernel: int, stride: int = 1) -> str:
        height, width, channels = self.layers[[layer.name for layer in self.layers].index(source)].output_shape
        shape = (height // stride, width // stride, filters)
        weights = kernel**2 * channels + channels * filters if "Separable" in kind else kernel**2 * channels * filters
        counts = (weights + filters, weights + filters, weights * shape[0] * shape[1])
        return self.add(name, kind, (source,), shape, counts)

    def unit(self, prefix: str, number: int, kind: str, source: str, filters: int) -> str:
        """ReLU, convolution, BatchNormalization."""
        word = "sepconv" if "Separable" in kind else "convt"
        shape = next(layer.output_shape for layer in self.layers if layer.name == source)
        active = self.add(f"{prefix}_relu{number}", "ReLU", (source,), shape)
        convolved = self.convolution(f"{prefix}_{word}{number}", kind, active, filters, 3)
        shape = (*shape[:2], filters)
        counts = (4 * filters, 2 * filters, 0)
        return self.add(f"{prefix}_bn{number}", "BatchNormalization", (convolved,), shape, counts)


@pytest.fixture
def unet() -> ArchitectureSummary:
    """The article's network, 160×160×3 → 3 classes, as DESIGN describes it; receptive fields are made up."""
    pen = Draughtsman()
    here = pen.add("image", "InputLayer", (), (160, 160, 3))
    here = pen.add("rescaling", "Rescaling", (here,), (160, 160, 3))
    here = pen.convolution("stem_conv", "Conv2D", here, 32, 3, stride=2)
    here = pen.add("stem_bn", "BatchNormalization", (here,), (80, 80, 32), (128, 64, 0))
    here = before = pen.add("stem_relu", "ReLU", (here,), (80, 80, 32))
    side = 80
    for number, filters in enumerate((64, 128, 256), start=1):
        pen.block, side = f"down{number}", side // 2
        for step in (1, 2):
            here = pen.unit(pen.block, step, "SeparableConv2D", here, filters)
        here = pen.add(f"{pen.block}_pool", "MaxPooling2D", (here,), (side, side, filters))
        around = pen.convolution(f"{pen.block}_shortcut", "Conv2D", before, filters, 1, stride=2)
        here = before = pen.add(f"{pen.block}_add", "Add", (here, around), (side, side, filters))
    for number, filters in enumerate((256, 128, 64, 32), start=1):
        pen.block, side = f"up{number}", side * 2
        for step in (1, 2):
            here = pen.unit(pen.block, step, "Conv2DTranspose", here, filters)
        channels = pen.layers[[layer.name for layer in pen.layers].index(before)].output_shape[2]
        here = pen.add(f"{pen.block}_upsample", "UpSampling2D", (here,), (side, side, filters))
        around = pen.add(f"{pen.block}_shortcut_upsample", "UpSampling2D", (before,), (side, side, channels))
        around = pen.convolution(f"{pen.block}_shortcut", "Conv2D", around, filters, 1)
        here = before = pen.add(f"{pen.block}_add", "Add", (here, around), (side, side, filters))
    pen.block = "head"
    pen.convolution("head_conv", "Conv2D", here, 3, 3)
    return ArchitectureSummary(
        name="unet_xception",
        config={"input_size": [160, 160], "classes": 3},
        input_shape=(160, 160, 3),
        output_shape=(160, 160, 3),
        layers=tuple(pen.layers),
    )
