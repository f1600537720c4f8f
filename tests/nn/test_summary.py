from pathlib import Path
from typing import Any

import keras
import pytest
from keras import layers

from app.core.architecture import ArchitectureSummary
from app.core.layers import LayerSummary
from app.nn.config import UNetXceptionConfig
from app.nn.summary import multiply_accumulates, summarise
from app.nn.unet_xception import unet_xception
from tests.nn.configurations import COMBINATIONS, drawn_graph, drawn_network, each_configuration

ARTICLE = UNetXceptionConfig()


@pytest.fixture(scope="module")
def summary() -> ArchitectureSummary:
    """Of the article's network."""
    return summarise(drawn_network(ARTICLE), ARTICLE)


@pytest.fixture(scope="module")
def rewritten() -> ArchitectureSummary:
    """Of its inference graph."""
    return summarise(drawn_graph(ARTICLE), ARTICLE)


def layer_of(summary: ArchitectureSummary, name: str) -> LayerSummary:
    (layer,) = (layer for layer in summary.layers if layer.name == name)
    return layer


def built(layer: Any, shape: tuple[int, int, int]) -> Any:
    layer(keras.Input(shape))
    return layer


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        (layers.Conv2D(5, 3, padding="same"), (4 * 6) * 9 * 2 * 5),
        (layers.Conv2D(5, 3, strides=2, padding="same"), (2 * 3) * 9 * 2 * 5),
        (layers.Conv2D(5, 1, use_bias=False), (4 * 6) * 2 * 5),
        (layers.DepthwiseConv2D(3, padding="same"), (4 * 6) * 9 * 2),
        (layers.SeparableConv2D(5, 3, padding="same"), (4 * 6) * (9 * 2 + 2 * 5)),
        (layers.Conv2DTranspose(5, 3, padding="same"), (4 * 6) * 9 * 2 * 5),
        (layers.Conv2DTranspose(5, 4, strides=2, padding="same"), (4 * 6) * 16 * 2 * 5),
        (layers.BatchNormalization(), 0),
        (layers.MaxPooling2D(3, strides=2, padding="same"), 0),
        (layers.UpSampling2D(2), 0),
        (layers.ReLU(), 0),
    ],
)
def test_multiply_accumulates_by_hand(layer: Any, macs: int) -> None:
    assert multiply_accumulates(built(layer, (4, 6, 2))) == macs


def test_totals_of_the_article_network(summary: ArchitectureSummary) -> None:
    totals = summary.totals
    assert (totals.parameters, totals.trainable_parameters) == (2_058_979, 2_055_203)
    assert totals.receptive_field == (215, 215)
    assert totals.layers == len(drawn_network(ARTICLE).layers)


def test_multiply_accumulates_of_the_article_network_by_formula(summary: ArchitectureSummary) -> None:
    stem = 80**2 * 27 * 32
    down = sum(
        side**2 * (9 * narrow + narrow * wide + 9 * wide + wide * wide) + (side // 2) ** 2 * narrow * wide
        for side, narrow, wide in ((80, 32, 64), (40, 64, 128), (20, 128, 256))
    )
    up = sum(
        side**2 * 9 * (wide * narrow + narrow * narrow) + (2 * side) ** 2 * wide * narrow
        for side, wide, narrow in ((10, 256, 256), (20, 256, 128), (40, 128, 64), (80, 64, 32))
    )
    head = 160**2 * 9 * 32 * 3
    assert summary.totals.macs == stem + down + up + head == 997_427_200


def test_rewritten_graph_does_the_same_for_less(summary: ArchitectureSummary, rewritten: ArchitectureSummary) -> None:
    """Up blocks and head by formula: shortcuts before the upsampling, 16 taps a pixel in place of 9 for each of 4."""
    up = sum(
        (side // 2) ** 2 * (16 * wide * narrow + wide * narrow) + side**2 * 9 * narrow * narrow
        for side, wide, narrow in ((20, 256, 128), (40, 128, 64), (80, 64, 32))
    )
    first = 10**2 * (2 * 9 + 1) * 256 * 256
    head = 80**2 * 16 * 32 * 3
    before = sum(block.macs for block in summary.blocks if block.name.startswith(("stem", "down")))
    assert rewritten.totals.macs == before + first + up + head == 621_414_400
    assert rewritten.totals.receptive_field == summary.totals.receptive_field
    assert rewritten.output_shape == summary.output_shape


def test_blocks_are_those_of_the_network(summary: ArchitectureSummary, rewritten: ArchitectureSummary) -> None:
    names = ("stem", "down1", "down2", "down3", "up1", "up2", "up3", "up4", "head")
    assert tuple(block.name for block in summary.blocks) == names
    assert tuple(block.name for block in rewritten.blocks) == names
    assert summary.blocks[0].layers == ("image", "pixel_scaling", "stem_conv", "stem_batchnorm", "stem_relu")


def test_facts_of_single_layers(summary: ArchitectureSummary) -> None:
    assert layer_of(summary, "image").inputs == ()
    assert layer_of(summary, "down1_sepconv1") == LayerSummary(
        name="down1_sepconv1",
        kind="SeparableConv2D",
        block="down1",
        input_shapes=((80, 80, 32),),
        output_shape=(80, 80, 64),
        parameters=9 * 32 + 32 * 64 + 64,
        trainable_parameters=9 * 32 + 32 * 64 + 64,
        macs=80 * 80 * (9 * 32 + 32 * 64),
        receptive_field=(7, 7),
        inputs=("down1_relu1",),
    )
    normalization = layer_of(summary, "stem_batchnorm")
    assert (normalization.parameters, normalization.trainable_parameters) == (4 * 32, 2 * 32)
    assert layer_of(summary, "down2_add").inputs == ("down2_pool", "down2_shortcut")
    assert layer_of(summary, "down2_shortcut").inputs == ("down1_add",)


def test_shortcuts_are_marked(summary: ArchitectureSummary) -> None:
    marked = {layer.name for layer in summary.layers if layer.shortcut}
    downward = {f"down{number}_shortcut" for number in (1, 2, 3)}
    upward = {f"up{number}_shortcut{part}" for number in (1, 2, 3, 4) for part in ("", "_upsample")}
    assert marked == downward | upward


@each_configuration
def test_summary_holds_for_each_configuration_and_both_graphs(config: UNetXceptionConfig) -> None:
    for network in (drawn_network(config), drawn_graph(config)):
        summary = summarise(network, config)
        assert summary.totals.parameters == network.count_params()
        assert summary.input_shape == (*config.input_size, 3)
        assert summary.output_shape == (*config.input_size, config.classes)
        assert UNetXceptionConfig.from_dict(summary.config) == config
        assert ArchitectureSummary.from_json(summary.to_json()) == summary
        used = {source for layer in summary.layers for source in layer.inputs}
        assert {layer.name for layer in summary.layers} - used == {"head_softmax"}


def test_reloaded_network_has_the_same_summary(tmp_path: Path) -> None:
    config = COMBINATIONS[0]
    drawn_network(config).save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras")
    assert summarise(reloaded, config) == summarise(drawn_network(config), config)


def test_sides_may_differ() -> None:
    config = UNetXceptionConfig(input_size=(8, 64), filters=(4, 4))
    summary = summarise(unet_xception(config), config)
    height, width = summary.totals.receptive_field
    assert height == width > 64
    assert layer_of(summary, "stem_conv").output_shape == (4, 32, 2)
