import json

import pytest
from pydantic import ValidationError

from app.core.architecture import ArchitectureSummary, Totals
from app.core.errors import CorruptVersionError


def document(summary: ArchitectureSummary) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(summary.to_json())
    return loaded


def test_totals_are_the_sums_over_the_layers(unet: ArchitectureSummary) -> None:
    totals = unet.totals
    assert (totals.layers, totals.parameters, totals.trainable_parameters) == (73, 2_058_979, 2_055_203)
    assert totals.macs == sum(layer.macs for layer in unet.layers)
    assert totals.receptive_field == unet.layers[-1].receptive_field


def test_blocks_come_in_order_and_hold_every_layer_once(unet: ArchitectureSummary) -> None:
    assert [block.name for block in unet.blocks] == [
        "stem", "down1", "down2", "down3", "up1", "up2", "up3", "up4", "head"
    ]  # fmt: skip
    assert [name for block in unet.blocks for name in block.layers] == [layer.name for layer in unet.layers]
    assert sum(block.parameters for block in unet.blocks) == unet.totals.parameters
    assert sum(block.macs for block in unet.blocks) == unet.totals.macs


def test_edges_follow_from_the_inputs(unet: ArchitectureSummary) -> None:
    assert len(unet.edges) == 72 + 7
    assert unet.edges[0] == ("image", "rescaling")
    assert ("down3_shortcut", "down3_add") in unet.edges
    assert ("up3_add", "up4_shortcut_upsample") in unet.edges


def test_json_round_trip(unet: ArchitectureSummary) -> None:
    again = ArchitectureSummary.from_json(unet.to_json())
    assert again == unet
    assert again.to_json() == unet.to_json()


def test_the_json_tells_its_readers_what_follows_from_the_layers(unet: ArchitectureSummary) -> None:
    read = document(unet)
    assert read["schema_version"] == 1
    assert read["totals"] == json.loads(unet.totals.model_dump_json())
    assert read["edges"] == [list(edge) for edge in unet.edges]
    assert isinstance(read["blocks"], list)
    assert len(read["blocks"]) == 9


def test_what_follows_is_not_believed_but_computed(unet: ArchitectureSummary) -> None:
    forged = {**document(unet), "totals": {"parameters": 1}, "edges": []}
    again = ArchitectureSummary.from_json(json.dumps(forged))
    assert again.totals == unet.totals
    assert again.edges == unet.edges


def test_renderings_need_nothing_but_the_json(unet: ArchitectureSummary) -> None:
    again = ArchitectureSummary.from_json(unet.to_json().encode())
    assert again.to_text() == unet.to_text()
    assert again.to_text().startswith("unet_xception\n")
    assert again.to_mermaid() == unet.to_mermaid()
    assert again.to_mermaid().startswith("flowchart TD\n")


def test_a_newer_schema_is_named(unet: ArchitectureSummary) -> None:
    newer = json.dumps({**document(unet), "schema_version": 2, "colours": []})
    with pytest.raises(CorruptVersionError, match=r"pets/3/architecture.json has schema version 2; .* up to 1"):
        ArchitectureSummary.from_json(newer, "pets/3/architecture.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', '{"schema_version": 1}', '{"schema_version": "1"}'])
def test_something_else_is_refused(text: str) -> None:
    with pytest.raises(CorruptVersionError, match=r"architecture.json is not a valid architecture"):
        ArchitectureSummary.from_json(text)


def test_unknown_fields_are_refused(unet: ArchitectureSummary) -> None:
    with pytest.raises(CorruptVersionError, match="colours: Extra inputs are not permitted"):
        ArchitectureSummary.from_json(json.dumps({**document(unet), "colours": []}))


def test_two_layers_of_one_name_are_refused(unet: ArchitectureSummary) -> None:
    values = dict(unet) | {"layers": (*unet.layers, unet.layers[0])}
    with pytest.raises(ValidationError, match="two layers are called 'image'"):
        ArchitectureSummary.model_validate(values)


def test_a_layer_cannot_come_before_its_input(unet: ArchitectureSummary) -> None:
    values = dict(unet) | {"layers": (unet.layers[1], unet.layers[0])}
    with pytest.raises(ValidationError, match=r"'rescaling' gets its input from \['image'\]"):
        ArchitectureSummary.model_validate(values)


def test_a_network_has_a_layer(unet: ArchitectureSummary) -> None:
    with pytest.raises(ValidationError, match="layers"):
        ArchitectureSummary.model_validate(dict(unet) | {"layers": ()})


def test_a_network_of_one_layer(unet: ArchitectureSummary) -> None:
    single = unet.model_copy(update={"layers": unet.layers[:1]})
    assert single.edges == ()
    assert single.totals == Totals(layers=1, parameters=0, trainable_parameters=0, macs=0, receptive_field=(1, 1))
