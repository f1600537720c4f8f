from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import DataError, TrainingError
from app.core.labels import UNDECIDED
from app.training.config import TrainingConfig, load_config
from app.training.dataset import Packed
from app.training.run import Run
from app.training.sources.oxford import OxfordPets
from app.training.sources.samples import labelled_for_training
from app.training.training_set import TrainingSet, make_training_set, read_all, sampling_groups, trained_samples

BORDER = 2


@pytest.fixture(scope="module")
def packed(source: OxfordPets, config: TrainingConfig) -> Packed:
    return read_all(source, config)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def made(source: OxfordPets, config_file: Path, run: Run, packed: Packed, *overrides: str) -> TrainingSet:
    config = load_config(config_file, overrides)
    run.open(config)
    return make_training_set(source, config, run, packed)


def test_all_but_those_kept_apart(source: OxfordPets, config_file: Path, run: Run, packed: Packed) -> None:
    data = made(source, config_file, run, packed)
    names = [sample.name for sample in packed.samples]
    assert names == sorted(names)
    assert (len(data.training), len(data.validation)) == (22, 6)
    assert {s.name for s in data.training} | {s.name for s in data.validation} == set(names)
    for index, sample in enumerate(data.training):
        assert np.array_equal(data.pictures[index], packed.pictures[names.index(sample.name)])
        assert np.array_equal(data.masks[index], packed.masks[names.index(sample.name)])
    assert run.validation() == sorted(sample.name for sample in data.validation)
    assert (run.data().fingerprint, run.data().training, run.data().validation) == (packed.fingerprint, 22, 6)
    assert data.missing_classes == []


def test_the_seed_of_the_run_is_not_that_of_the_split(
    source: OxfordPets, config_file: Path, tmp_path: Path, packed: Packed
) -> None:
    def kept(number: int, override: str) -> set[str]:
        data = made(source, config_file, Run(tmp_path / str(number)), packed, override)
        return {sample.name for sample in data.validation}

    assert kept(0, "seed=5") == kept(1, "seed=6")
    assert kept(2, "split_seed=1") != kept(3, "split_seed=2")


def test_nothing_is_kept_apart_when_asked(source: OxfordPets, config_file: Path, run: Run, packed: Packed) -> None:
    data = made(source, config_file, run, packed, "validation_pictures=0")
    assert (len(data.training), data.validation, run.validation()) == (28, [], [])
    again = made(source, config_file, run, packed, "validation_pictures=0")
    assert again.validation == []


def test_a_list_of_the_data_set_is_validated_on(own_data: Path, config_file: Path, tmp_path: Path) -> None:
    listed = own_data / "annotations" / "trainval.txt"
    lines = listed.read_text().splitlines(keepends=True)
    listed.write_text("".join(lines[:20]))
    (own_data / "annotations" / "validation.txt").write_text("".join(lines[20:]))
    source = OxfordPets(own_data)
    config = load_config(config_file, ["validation_pictures=5"])
    packed = read_all(source, config)
    assert len(packed.samples) == 28
    drawn, given = Run(tmp_path / "drawn"), Run(tmp_path / "given")
    drawn.open(config)
    assert len(make_training_set(source, config, drawn, packed).validation) == 5
    config = config.model_copy(update={"validation_pictures": None})
    given.open(config)
    validation = make_training_set(source, config, given, packed).validation
    assert sorted(sample.name for sample in validation) == sorted(line.split()[0] for line in lines[20:])
    (own_data / "annotations" / "validation.txt").write_text("".join(lines[19:]))
    with pytest.raises(DataError, match="listed for training and in validation"):
        read_all(OxfordPets(own_data), config)


def test_some_pictures_are_selected(source: OxfordPets, config_file: Path, run: Run, packed: Packed) -> None:
    data = made(source, config_file, run, packed, 'select=["feral", "oxford/*/2 *"]')
    assert {(s.source, s.stratum) for s in data.training} == {("feral", "1 0"), ("oxford", "2 3")}
    assert len(data.training) == run.data().training


def test_so_many_are_drawn_by_the_seed(source: OxfordPets, config_file: Path, tmp_path: Path, packed: Packed) -> None:
    def drawn(*overrides: str) -> list[str]:
        run = Run(tmp_path / "-".join(overrides))
        return [sample.name for sample in made(source, config_file, run, packed, *overrides).training]

    ten = drawn("pictures=10", "seed=1")
    assert len(ten) == 10
    assert ten == sorted(ten)
    assert set(drawn("pictures=5", "seed=1")) < set(ten)  # fewer are a part of more
    assert set(drawn("pictures=10", "seed=2")) != set(ten)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ('select=["lion"]', "select: no training picture is of lion"),
        ("pictures=23", "pictures 23: there are 22 to choose from; ask for fewer"),
        ('ignore={"lion"=["border"]}', "ignore: no training picture is of lion"),
        ('ignore={"feral"=["tail"]}', "ignore: no class tail; there are pet, background, border"),
    ],
)
def test_what_cannot_be_chosen(
    source: OxfordPets, config_file: Path, run: Run, packed: Packed, override: str, message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        made(source, config_file, run, packed, override)


def test_ignored_classes_become_undecided(source: OxfordPets, config_file: Path, run: Run, packed: Packed) -> None:
    data = made(source, config_file, run, packed, 'ignore={"feral"=["border"]}')
    before = {sample.name: mask for sample, mask in zip(packed.samples, packed.masks, strict=True)}
    for sample, mask in zip(data.training, data.masks, strict=True):
        expected = before[sample.name].copy()
        assert BORDER in expected  # the packed masks are as they were
        if sample.source == "feral":
            expected[expected == BORDER] = UNDECIDED
        assert np.array_equal(mask, expected)


def test_a_class_that_only_ignored_pixels_have_is_missing(
    source: OxfordPets, config_file: Path, run: Run, packed: Packed
) -> None:
    assert made(source, config_file, run, packed, 'ignore={"*"=["border"]}').missing_classes == ["border"]


def test_the_first_sampling_pattern_that_fits(source: OxfordPets, config_file: Path, packed: Packed) -> None:
    config = load_config(config_file, ['sampling={"oxford/*/2 *"=1, "oxford"=1}'])
    samples = [*packed.samples, replace(packed.samples[0], source="kitty")]
    groups = sampling_groups(samples, config)
    for sample, group in zip(samples, groups, strict=True):
        expected = {"oxford": "oxford/*/2 *" if sample.stratum.startswith("2") else "oxford"}
        assert group == expected.get(sample.source, "")
    assert len(set(groups)) == 3


def test_windows_belong_to_their_pictures(source: OxfordPets, config_file: Path, run: Run) -> None:
    overrides = ("resize=crop", 'select=["oxford"]', "stored_size=32")
    packed = read_all(source, load_config(config_file, overrides))
    data = made(source, config_file, run, packed, *overrides)
    assert len(data.shown) == len(data.masks) == len(data.pictures) > len(data.training) == run.data().training
    assert set(data.shown) == set(data.training)
    for sample, picture in zip(data.shown, data.pictures, strict=True):
        of_sample = packed.pictures[packed.owners == packed.samples.index(sample)]
        assert any(np.array_equal(picture, window) for window in of_sample)
    assert not set(data.validation) & set(data.shown)


def test_which_pictures_a_run_trains_on(source: OxfordPets, config_file: Path, run: Run, packed: Packed) -> None:
    overrides = ('select=["oxford"]', "pictures=9")
    data = made(source, config_file, run, packed, *overrides)
    kept = [sample.name for sample in data.validation]
    samples = labelled_for_training(source)
    assert trained_samples(samples, load_config(config_file, overrides), kept) == data.training
