from pathlib import Path

import pytest
from pydantic import ValidationError

from app.core.errors import TrainingError
from app.training.config import TrainingConfig, load_config
from tests.training.conftest import TINY_RUN

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.toml"))


def test_there_are_shipped_configurations() -> None:
    assert "pets.toml" in {path.name for path in CONFIGS}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_shipped_configurations_are_valid(path: Path) -> None:
    config = load_config(path)
    assert config.total_steps(1000) >= 1
    assert config.architecture(3).classes == 3


def test_a_file_and_its_defaults(config_file: Path) -> None:
    config = load_config(config_file)
    assert (config.steps, config.size, config.network.filters) == (40, 32, (8,))
    assert config.sampling == {"oxford": 0.75, "feral": 0.25}
    assert (config.seed, config.resize, config.network.block, config.augmentation.flip) == (
        0,
        "stretch",
        "separable",
        0.5,
    )


@pytest.mark.parametrize(
    ("override", "name", "value"),
    [
        ("batch_size=4", "batch_size", 4),
        (" learning_rate = 5e-4 ", "learning_rate", 5e-4),
        ("resize=letterbox", "resize", "letterbox"),
        ('resize="letterbox"', "resize", "letterbox"),
        ("validation_masks=own", "validation_masks", "own"),
        ("deterministic=true", "deterministic", True),
        ("sampling.kitty=0.2", "sampling", {"oxford": 0.75, "feral": 0.25, "kitty": 0.2}),
        ("sampling={}", "sampling", {}),
        ('ignore={"feral"=["border"]}', "ignore", {"feral": ("border",)}),
        ("class_weights.border=2", "class_weights", {"border": 2.0}),
        ('select=["oxford/*/2 *"]', "select", ("oxford/*/2 *",)),
        ("validation_pictures=0", "validation_pictures", 0),
    ],
)
def test_an_override(config_file: Path, override: str, name: str, value: object) -> None:
    assert getattr(load_config(config_file, [override]), name) == value


def test_overrides_without_a_file() -> None:
    config = load_config(None, ["epochs=2", "network.filters=[8, 16, 32]", "augmentation.rotation=0"])
    assert (config.epochs, config.network.filters, config.augmentation.rotation) == (2, (8, 16, 32), 0)
    assert load_config(None, ["steps=1", "steps=2"]).steps == 2


def test_steps_and_epochs_replace_each_other(config_file: Path) -> None:
    config = load_config(config_file, ["epochs=1.5"])
    assert (config.steps, config.epochs) == (None, 1.5)
    config = load_config(config_file, ["epochs=1.5", "steps=7"])
    assert (config.steps, config.epochs) == (7, None)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["stpes=3", "augmentation.flop=1", "network.depth=2"], ["stpes", "augmentation.flop", "network.depth"]),
        (["batch_size=0", "learning_rate=fast", "precision=float16"], ["batch_size", "learning_rate", "precision"]),
        (["size=30"], ["30", "multiples of 4"]),
        (["network.filters=[8, 6]"], ["filters", "multiple of 4"]),
        (["network.block=conv", "network.intermediate_activation=elu"], ["intermediate_activation", "separable"]),
        (["augmentation.scale_min=1.5"], ["scale_min 1.5 is above scale_max 1.15"]),
        (["batch_size=7"], ["batch_size must be even", "4 channels"]),
        (["sampling.oxford=-1"], ["sampling.oxford"]),
        (["clip_norm=inf"], ["clip_norm", "finite"]),
        (["sampling.oxford=nan"], ["sampling.oxford"]),
        (["seed=-1", "ema_momentum=1.0"], ["seed", "ema_momentum"]),
        (["validate_every=2.5"], ["validate_every"]),
        (["steps"], ["'steps'", "name=value"]),
        (["=3"], ["name=value"]),
        (["steps.first=3"], ["steps is not a section"]),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_named(config_file: Path, overrides: list[str], words: list[str]) -> None:
    with pytest.raises(TrainingError) as caught:
        load_config(config_file, overrides)
    assert not [word for word in words if word not in caught.value.detail]


def test_either_steps_or_epochs(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="give either `steps` or `epochs`"):
        load_config(None)
    path = tmp_path / "both.toml"
    path.write_text("steps = 3\nepochs = 2")
    with pytest.raises(TrainingError, match="give either `steps` or `epochs`"):
        load_config(path)


@pytest.mark.parametrize("content", [b"steps = = 3", b"steps = '\xff'", None], ids=["syntax", "encoding", "missing"])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "run.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"run\.toml: "):
        load_config(path)


def test_survives_its_json() -> None:
    config = load_config(None, ["epochs=1.7", "learning_rate=0.1e-2", "network.filters=[8]", "sampling.a=0.3"])
    assert TrainingConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("override", "expected"),
    [("filters=[24, 48]", True), ("filters=[32, 64]", False), ("filters=[64, 8]", True), ("residual=false", False)],
)
def test_narrow_shortcuts_are_trained_without_onednn(config_file: Path, override: str, expected: bool) -> None:
    assert load_config(config_file, [f"network.{override}"]).too_narrow_for_onednn is expected


def test_odd_batches_are_for_wider_networks_or_those_without_shortcuts(config_file: Path) -> None:
    for wider in ("network.filters=[32, 64]", "network.residual=false"):
        assert load_config(config_file, ["batch_size=7", wider]).batch_size == 7


def test_is_frozen(config: TrainingConfig) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        config.steps = 3  # type: ignore[misc]  # that is the point


def test_the_network() -> None:
    config = load_config(None, ["steps=1", "size=64", "network.filters=[8, 16]", "network.residual=false"])
    network = config.architecture(classes=5)
    assert (network.input_size, network.classes, network.filters, network.residual) == ((64, 64), 5, (8, 16), False)
    assert config.architecture(5, size=32).input_size == (32, 32)
    with pytest.raises(ValueError, match="multiples of 8"):
        config.architecture(5, size=36)


@pytest.mark.parametrize(("pictures", "expected"), [(5, 1), (28, 2), (500, 50), (7000, 120)])
def test_a_tenth_is_kept_for_validation(pictures: int, expected: int) -> None:
    assert load_config(None, ["steps=1"]).validation_count(pictures) == expected
    assert load_config(None, ["steps=1", "validation_pictures=3"]).validation_count(pictures) == 3


@pytest.mark.parametrize(("epochs", "steps"), [("2", 25), ("0.5", 6), ("0.001", 1)])
def test_epochs_become_steps(epochs: str, steps: int) -> None:
    config = load_config(None, [f"epochs={epochs}", "batch_size=8"])
    assert config.total_steps(pictures=100) == steps
    assert load_config(None, ["steps=7"]).total_steps(pictures=100) == 7


def test_the_tiny_run_is_what_these_tests_take_it_for(config: TrainingConfig) -> None:
    """Others rely on it: 20 steps end between two checkpoints, before the second validation."""
    assert "deterministic = true" in TINY_RUN
    assert config.checkpoint_every < 20 < 2 * config.validate_every < (config.steps or 0)
    assert 20 % config.checkpoint_every
    assert 20 % config.validate_every


def test_windows_are_cut_out_of_what_is_stored() -> None:
    with pytest.raises(TrainingError, match="stored_size 64 is less than size 160"):
        load_config(None, ["steps=1", "resize=crop", "stored_size=64"])
    assert load_config(None, ["steps=1", "resize=crop", "stored_size=320"]).view == 0.5
    assert load_config(None, ["steps=1", "stored_size=320"]).view == 1.0
