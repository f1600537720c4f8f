import pytest
from pydantic import ValidationError

from app.core.layers import LayerSummary

VALUES: dict[str, object] = {
    "name": "stem_conv",
    "kind": "Conv2D",
    "block": "stem",
    "input_shapes": ((160, 160, 3),),
    "output_shape": (80, 80, 32),
    "parameters": 896,
    "trainable_parameters": 896,
    "macs": 5_529_600,
    "receptive_field": (3, 3),
    "inputs": ("image",),
}


def test_a_layer_is_on_the_main_path_unless_said_otherwise() -> None:
    layer = LayerSummary.model_validate(VALUES)
    assert not layer.shortcut
    assert layer.output_shape == (80, 80, 32)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("output_shape", (80, 0, 32)),
        ("output_shape", (None, 80, 32)),
        ("parameters", -1),
        ("macs", 1.5),
        ("receptive_field", (3,)),
        ("receptive_field", (0, 3)),
    ],
)
def test_impossible_numbers_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        LayerSummary.model_validate({**VALUES, name: value})
