import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.errors import DataError
from app.core.labels import UNDECIDED
from app.imaging.geometry import Geometry, resize_mask, resize_picture
from app.imaging.windows import cut, window_rows
from app.training.dataset import pack, read_sample, require_apart
from app.training.sources.oxford import OxfordPets
from app.training.sources.samples import Sample


def paths(root: Path, number: int) -> tuple[Path, Path]:
    """Picture and mask of the so-many-eth sample."""
    sample = OxfordPets(root).samples("trainval")[number]
    return sample.picture, sample.mask


class UndecidedPets(OxfordPets):
    """Trimaps in which 0 is undecided."""

    def mask(self, sample: Sample) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        with Image.open(sample.mask) as image:
            trimap = np.asarray(image)
        return np.where(trimap == 0, UNDECIDED, trimap - 1).astype(np.uint8)


def problems(root: Path) -> tuple[str, ...]:
    source = OxfordPets(root)
    with pytest.raises(DataError) as caught:
        pack(source, source.samples("trainval"), 32, "stretch")
    return caught.value.problems


def test_a_sample_at_its_own_size(source: OxfordPets) -> None:
    sample = source.samples("trainval")[0]
    pixels, mask = read_sample(source, sample)
    with Image.open(sample.picture) as image:
        assert np.array_equal(pixels, np.asarray(image))
    assert mask.shape == pixels.shape[:2]
    assert set(np.unique(mask)) == {0, 1, 2}


@pytest.mark.parametrize("rule", ["stretch", "letterbox"])
def test_packed_as_serving_would_resize(source: OxfordPets, rule: str) -> None:
    samples = source.samples("trainval")[:5]
    packed = pack(source, samples, 48, rule)  # type: ignore[arg-type]  # one of the two
    assert packed.samples == tuple(samples)
    assert (packed.pictures.shape, packed.masks.shape) == ((5, 48, 48, 3), (5, 48, 48))
    assert packed.pictures.dtype == packed.masks.dtype == np.uint8
    pixels, mask = read_sample(source, samples[3])
    geometry = Geometry((mask.shape[0], mask.shape[1]), (48, 48), rule)  # type: ignore[arg-type]
    assert np.array_equal(packed.pictures[3], resize_picture(pixels, geometry))
    assert np.array_equal(packed.masks[3], resize_mask(mask, geometry))
    assert (UNDECIDED in packed.masks[3]) == (rule == "letterbox")


def test_windows_at_the_pictures_own_scale(source: OxfordPets) -> None:
    samples = source.samples("trainval")[:4]
    packed = pack(source, samples, 32, "crop")
    boxes = [window_rows(source.mask(sample).shape, (32, 32), overlap=0.0) for sample in samples]
    cuts = [(index, box) for index, rows in enumerate(boxes) for row in rows for box in row]
    assert packed.owners.tolist() == [index for index, _ in cuts]
    assert len(packed.masks) == len(cuts) > 4
    for (index, box), picture, mask in zip(cuts, packed.pictures, packed.masks, strict=True):
        pixels, truth = read_sample(source, samples[index])
        assert np.array_equal(picture, cut(pixels, box))
        assert np.array_equal(mask, cut(truth, box))
    whole = pack(source, samples, 32, "stretch")
    assert whole.owners.tolist() == [0, 1, 2, 3]
    assert packed.fingerprint == whole.fingerprint
    assert packed.thumbnails.shape == whole.thumbnails.shape == (4, 8, 9)


def test_windows_of_a_picture_that_is_smaller_are_filled_up(source: OxfordPets) -> None:
    packed = pack(source, source.samples("trainval")[:1], 100, "crop")
    height, width = source.mask(source.samples("trainval")[0]).shape
    assert packed.masks.shape == (1, 100, 100)
    assert (packed.masks != UNDECIDED).sum() == height * width


def test_windows_that_teach_nothing_are_left_out(own_data: Path) -> None:
    for number in (0, 1):
        _, mask = paths(own_data, number)
        with Image.open(mask) as image:
            trimap = np.asarray(image).copy()
        trimap[:, 20 * (1 - number) :] = 0  # undecided: all but the left, or all
        Image.fromarray(trimap).save(mask)
    source = UndecidedPets(own_data)
    packed = pack(source, source.samples("trainval")[:2], 32, "crop")
    assert all((mask != UNDECIDED).any() for mask in packed.masks[packed.owners == 0])
    assert (packed.owners == 1).sum() == 1


def test_more_pixels_than_can_be_indexed(source: OxfordPets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.training.dataset.MAX_PIXELS", 5000)
    samples = source.samples("trainval")[:4]
    with pytest.raises(DataError, match="lower `stored_size`"):
        pack(source, samples, 48, "stretch")
    with pytest.raises(DataError, match="list fewer pictures"):
        pack(source, samples, 48, "crop")


def test_the_fingerprint_is_of_what_is_known_the_bytes_and_the_masks(source: OxfordPets, own_data: Path) -> None:
    samples = source.samples("trainval")[:3]
    known = pack(source, samples, 16, "stretch").fingerprint
    copied = OxfordPets(own_data)
    copies = copied.samples("trainval")[:3]
    assert pack(copied, copies, 32, "letterbox").fingerprint == known
    assert pack(copied, copies[::-1], 16, "stretch").fingerprint == known
    assert pack(copied, copies[:2], 16, "stretch").fingerprint != known
    renamed = [*copies[:2], replace(copies[2], name="other")]
    assert pack(copied, renamed, 16, "stretch").fingerprint != known
    for field in ("source", "mask_kind", "stratum", "group"):
        told = [replace(copies[0], **{field: "another"}), *copies[1:]]  # type: ignore[arg-type]  # all are text
        assert pack(copied, told, 16, "stretch").fingerprint != known
    mask = np.array(Image.open(copies[0].mask))
    mask[0, 0] = 3
    Image.fromarray(mask).save(copies[0].mask)
    assert pack(copied, copies, 16, "stretch").fingerprint != known
    mask[0, 0] = np.asarray(Image.open(samples[0].mask))[0, 0]
    Image.fromarray(mask).save(copies[0].mask.with_suffix(".bmp"))  # the same mask in another file
    resaved = [replace(copies[0], mask=copies[0].mask.with_suffix(".bmp")), *copies[1:]]
    assert pack(copied, resaved, 16, "stretch").fingerprint == known
    changed = copies[1].picture.read_bytes()
    copies[1].picture.write_bytes(changed + b"\0")
    assert pack(copied, resaved, 16, "stretch").fingerprint != known


def test_every_problem_of_every_file_is_reported_at_once(own_data: Path) -> None:
    (picture, _), (_, no_mask) = paths(own_data, 0), paths(own_data, 1)
    picture.unlink()
    no_mask.unlink()
    _, other_size = paths(own_data, 2)
    with Image.open(other_size) as image:
        width, height = image.size
    Image.fromarray(np.full((height + 2, width), 2, np.uint8)).save(other_size)
    _, unknown = paths(own_data, 3)
    Image.fromarray(np.array([[1, 2], [7, 200]], np.uint8)).save(unknown)
    truncated, broken_mask = paths(own_data, 4)
    truncated.write_bytes(truncated.read_bytes()[:-400])
    broken_mask.write_bytes(broken_mask.read_bytes()[:60])
    no_picture, _ = paths(own_data, 5)
    no_picture.write_text("not a picture")
    empty, empty_mask = paths(own_data, 6)
    empty.write_bytes(b"")
    empty_mask.write_bytes(b"")
    binary_picture, binary = paths(own_data, 7)
    with Image.open(binary_picture) as image:
        Image.new("L", image.size, 255).save(binary)
    folder, _ = paths(own_data, 8)
    folder.unlink()
    folder.mkdir()

    found = problems(own_data)
    expected = [
        (picture, "missing"),
        (no_mask, "missing; it is the mask of"),
        (other_size, f"{width}×{height + 2} pixels, but"),
        (unknown, "unknown value(s) [7, 200]"),
        (truncated, ""),
        (broken_mask, "cannot be read"),
        (no_picture, ""),
        (empty, ""),
        (empty_mask, "cannot be read"),
        (binary, "no labelled pixel, only value(s) [255]"),
        (folder, "cannot be read"),
    ]
    assert len(found) == len(expected)
    for line, (path, words) in zip(found, expected, strict=True):
        assert line.startswith(f"{path}: ")
        assert words in line
        assert len(line) > len(f"{path}: ")
    assert f"{len(expected)} problem(s)" in str(DataError(list(found)))


def test_a_turned_photograph_is_compared_as_people_see_it(own_data: Path) -> None:
    picture, mask = paths(own_data, 0)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    tall = Image.fromarray(np.zeros((40, 60, 3), np.uint8))
    tall.save(picture, exif=exif)
    source = OxfordPets(own_data)
    Image.fromarray(np.full((60, 40), 2, np.uint8)).save(mask)
    assert read_sample(source, source.samples("trainval")[0])[0].shape == (60, 40, 3)
    Image.fromarray(np.full((40, 60), 2, np.uint8)).save(mask)
    with pytest.raises(DataError, match=r"60×40 pixels, but .* has 40×60 as people see it"):
        read_sample(source, source.samples("trainval")[0])


def test_pictures_to_test_on_are_not_trained_on(own_data: Path) -> None:
    source = OxfordPets(own_data)
    training = source.samples("trainval")
    require_apart(source, training, "test")
    both = training[3].name
    with (own_data / "annotations" / "test.txt").open("a") as file:
        file.write(f"{both} 1 1 1\n")
    with pytest.raises(DataError) as refused:
        require_apart(source, training, "test")
    assert refused.value.problems == (f"{both}: listed for training and in test; scores on it would mean nothing",)
    (own_data / "annotations" / "test.txt").unlink()
    require_apart(source, training, "test")


def test_no_sample_at_all(source: OxfordPets) -> None:
    with pytest.raises(DataError, match="no labelled picture"):
        pack(source, [], 32, "stretch")


def test_a_folder_without_masks_names_each(own_data: Path) -> None:
    shutil.rmtree(own_data / "annotations" / "trimaps")
    assert len(problems(own_data)) == 28
