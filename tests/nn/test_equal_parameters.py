import pytest

from app.core.architecture import ArchitectureSummary
from app.nn.config import Block, UNetXceptionConfig
from app.nn.equal_parameters import encoder_parameters, plain_filters, plain_parameters, separable_parameters
from app.nn.summary import summarise
from app.nn.unet_xception import unet_xception

ARTICLE = UNetXceptionConfig()


def counted(block: Block, filters: tuple[int, ...] = ARTICLE.filters) -> ArchitectureSummary:
    config = UNetXceptionConfig(block=block, filters=filters, decoder=ARTICLE.decoder_filters)
    return summarise(unet_xception(config), config)


def of_encoder(summary: ArchitectureSummary) -> int:
    return sum(block.parameters for block in summary.blocks if block.name.startswith(("stem", "down")))


def test_the_three_encoders_of_the_study_have_as_many_parameters_within_a_hundredth() -> None:
    separable, inception = counted("separable"), counted("inception")
    plain = counted("conv", plain_filters(ARTICLE.filters))
    assert of_encoder(separable) == 184_032
    assert of_encoder(inception) == pytest.approx(184_032, rel=0.01)
    assert of_encoder(plain) == pytest.approx(184_032, rel=0.01)


def test_counted_by_formula_as_in_the_network() -> None:
    assert encoder_parameters(ARTICLE.filters, separable_parameters) == of_encoder(counted("separable"))
    assert encoder_parameters((28, 52, 96), plain_parameters) == of_encoder(counted("conv", (28, 52, 96)))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [((64, 128, 256), (28, 52, 96)), ((64, 128), (28, 48)), ((64, 128, 256, 512), (28, 52, 96, 196))],
)
def test_plain_filters(filters: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert plain_filters(filters) == expected
    found, wanted = encoder_parameters(expected, plain_parameters), encoder_parameters(filters, separable_parameters)
    assert found == pytest.approx(wanted, rel=0.01)


def test_the_narrowest_that_there_is() -> None:
    assert plain_filters((4, 4)) == (4, 4)


def test_separable_convolutions_hold_6_6_per_cent_of_the_parameters() -> None:
    summary = summarise(unet_xception(ARTICLE), ARTICLE)
    separable = sum(layer.parameters for layer in summary.layers if layer.kind == "SeparableConv2D")
    assert (separable, summary.totals.parameters) == (135_968, 2_058_979)
    assert 100 * separable / summary.totals.parameters == pytest.approx(6.6, abs=0.01)
