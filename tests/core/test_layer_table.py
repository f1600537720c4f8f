import pytest

from app.core.architecture import ArchitectureSummary
from app.core.layer_table import WIDTH, humanise, layer_table, shape_text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (1000, "1.00 k"),
        (9_994, "9.99 k"),
        (9_995, "10.0 k"),
        (99_949, "99.9 k"),
        (99_950, "100 k"),
        (999_499, "999 k"),
        (999_500, "1.00 M"),
        (635_904_000, "636 M"),
        (2_500_000_000, "2.50 G"),
        (1_000_000_000_000, "1.00 T"),
        (5_000_000_000_000_000, "5000 T"),
    ],
)
def test_counts_have_three_digits_and_a_unit(count: int, text: str) -> None:
    assert humanise(count) == text


def test_shapes_are_written_with_crosses() -> None:
    assert shape_text((80, 80, 32)) == "80×80×32"
    assert shape_text(()) == ""


def table_of(summary: ArchitectureSummary) -> list[str]:
    return layer_table(summary.name, summary.blocks, summary.layers, summary.totals).splitlines()


def line_of(lines: list[str], name: str) -> str:
    return next(line for line in lines if line.startswith(name + " "))


def test_a_line_a_layer_in_at_most_120_columns(unet: ArchitectureSummary) -> None:
    lines = table_of(unet)
    assert max(map(len, lines)) == WIDTH == 120
    names = [layer.name for layer in unet.layers]
    assert [word for line in lines for word in line.split()[:1] if word in names] == names


def test_columns_are_aligned(unet: ArchitectureSummary) -> None:
    lines = table_of(unet)
    heading = lines[2]
    for name in ("image", "down1_sepconv1", "up1_convt1"):
        line = line_of(lines, name)
        kind, end = heading.index("Kind"), heading.index("Parameters") + len("Parameters")
        assert line[kind - 1] == " "
        assert line[kind] != " "
        assert line[end - 1].isdigit()
        assert line[end] == " "


def test_a_layers_line_says_what_it_costs(unet: ArchitectureSummary) -> None:
    cells = line_of(table_of(unet), "up1_convt1").split()
    assert cells == ["up1_convt1", "Conv2DTranspose", "10×10×256", "590,080", "59.0", "M", "34×34"]


def test_only_inputs_from_elsewhere_than_the_line_above_are_named(unet: ArchitectureSummary) -> None:
    lines = table_of(unet)
    assert line_of(lines, "down1_shortcut").endswith("  stem_relu")
    assert line_of(lines, "down1_add").endswith("  down1_pool, down1_shortcut")
    assert line_of(lines, "down1_pool").endswith("12×12")


def test_blocks_are_ruled_off_with_their_sums(unet: ArchitectureSummary) -> None:
    rules = [line for line in table_of(unet) if line.startswith("── ")]
    assert [rule.split()[1] for rule in rules] == [block.name for block in unet.blocks]
    assert all(len(rule) == WIDTH for rule in rules)
    assert rules[-1].endswith(" 867 parameters, 22.1 M MACs ──")


def test_the_totals_stand_below(unet: ArchitectureSummary) -> None:
    assert table_of(unet)[-4:] == [
        "Layers           73",
        "Parameters       2,058,979 (2,055,203 trainable, 3,776 not)",
        f"MACs             997 M a picture ({unet.totals.macs:,})",
        "Receptive field  73×73 pixels of the input",
    ]


def test_overlong_names_are_cut_not_the_frame_broken(unet: ArchitectureSummary) -> None:
    first = unet.layers[0]
    long = first.model_copy(update={"name": "x" * 200, "kind": "K" * 200, "block": "b" * 200})
    lines = table_of(unet.model_copy(update={"layers": (long,)}))
    assert max(map(len, lines)) == WIDTH
    assert any(line.startswith("x" * 29 + "…  " + "K" * 17 + "…  ") for line in lines)
