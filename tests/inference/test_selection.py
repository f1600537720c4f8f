import pytest

from app.core.errors import ConfigurationError
from app.core.settings import DeviceChoice, EngineChoice, Settings
from app.inference.engine import KERAS_FILE, OPENVINO_FILE
from app.inference.selection import Platform, choose_engine, is_installed

BOTH = (KERAS_FILE, OPENVINO_FILE)
ALL = ("openvino", "tensorflow")


def platform(visible: int, usable: int, packages: tuple[str, ...] = ALL) -> Platform:
    return Platform(lambda: visible, lambda: usable, lambda name: name in packages)


@pytest.mark.parametrize(
    ("engine", "device", "visible", "usable", "packages", "files", "expected"),
    [
        ("auto", "auto", 0, 0, ALL, BOTH, ("openvino", "cpu", 0)),
        ("auto", "auto", 1, 1, ALL, BOTH, ("tensorflow", "gpu", 0)),
        ("auto", "cpu", 1, 1, ALL, BOTH, ("openvino", "cpu", 0)),
        ("auto", "gpu", 1, 1, ALL, BOTH, ("tensorflow", "gpu", 0)),
        ("auto", "auto", 2, 0, ALL, BOTH, ("openvino", "cpu", 2)),
        ("auto", "auto", 2, 2, ("openvino",), BOTH, ("openvino", "cpu", 2)),
        ("auto", "auto", 0, 0, ("tensorflow",), BOTH, ("tensorflow", "cpu", 0)),
        ("auto", "auto", 0, 0, ALL, (KERAS_FILE,), ("tensorflow", "cpu", 0)),
        ("openvino", "auto", 1, 1, ALL, BOTH, ("openvino", "cpu", 0)),
        ("tensorflow", "auto", 0, 0, ALL, BOTH, ("tensorflow", "cpu", 0)),
        ("tensorflow", "auto", 1, 0, ALL, BOTH, ("tensorflow", "cpu", 1)),
        ("tensorflow", "auto", 1, 1, ALL, BOTH, ("tensorflow", "gpu", 0)),
        ("tensorflow", "cpu", 1, 1, ALL, BOTH, ("tensorflow", "cpu", 0)),
    ],
)
def test_choice(
    engine: EngineChoice,
    device: DeviceChoice,
    visible: int,
    usable: int,
    packages: tuple[str, ...],
    files: tuple[str, ...],
    expected: tuple[str, str, int],
) -> None:
    chosen = choose_engine(Settings(engine=engine, device=device), files, platform(visible, usable, packages))
    assert (chosen.engine, chosen.device, chosen.unused_gpus) == expected


@pytest.mark.parametrize(
    ("settings", "machine", "files", "message"),
    [
        (Settings(device="gpu"), platform(0, 0), BOTH, "shows no GPU"),
        (Settings(device="gpu"), platform(1, 0), BOTH, "shows 1 GPU.* TensorFlow can use none"),
        (Settings(device="gpu"), platform(1, 1, ("openvino",)), BOTH, "TensorFlow is not installed"),
        (Settings(device="gpu", engine="openvino"), platform(1, 1), BOTH, "openvino engine computes on the CPU"),
        (Settings(engine="openvino"), platform(0, 0, ("tensorflow",)), BOTH, r"pip install segserve\[cpu\]"),
        (Settings(engine="openvino"), platform(0, 0), (KERAS_FILE,), f"needs {OPENVINO_FILE}"),
        (Settings(engine="tensorflow"), platform(0, 0, ("openvino",)), BOTH, "pip install tensorflow"),
        (Settings(engine="tensorflow"), platform(0, 0), (OPENVINO_FILE,), f"needs {KERAS_FILE}"),
        (Settings(), platform(0, 0, ()), BOTH, "not installed"),
        (Settings(precision="bfloat16"), platform(1, 1), BOTH, "bfloat16 needs the openvino engine"),
        (Settings(precision="bfloat16"), platform(0, 0, ("tensorflow",)), BOTH, "OpenVINO is not installed"),
    ],
)
def test_what_cannot_be_had(settings: Settings, machine: Platform, files: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        choose_engine(settings, files, machine)


def test_reason_names_what_decided() -> None:
    assert choose_engine(Settings(), BOTH, platform(0, 0)).reason == "no GPU to use, OpenVINO is installed"
    assert choose_engine(Settings(device="cpu"), BOTH, platform(1, 1)).reason.startswith("device=cpu is set")
    assert choose_engine(Settings(engine="tensorflow"), BOTH, platform(0, 0)).reason == "engine=tensorflow is set"
    assert choose_engine(Settings(), BOTH, platform(2, 0)).reason.startswith("the driver shows 2 GPU(s), but")
    assert "no openvino/model.xml" in choose_engine(Settings(), (KERAS_FILE,), platform(0, 0)).reason


def test_a_cpu_server_does_not_import_tensorflow_to_find_out() -> None:
    def forbidden() -> int:
        raise AssertionError("asked for TensorFlow's GPUs")

    machine = Platform(lambda: 0, forbidden, lambda name: True)
    assert choose_engine(Settings(), BOTH, machine).engine == "openvino"


def test_this_machine_is_asked_by_default() -> None:
    assert is_installed("numpy")
    assert not is_installed("no_such_package")
    assert choose_engine(Settings(engine="tensorflow", device="cpu"), BOTH).device == "cpu"
