import numpy as np

from app.core.labels import UNDECIDED
from app.imaging.geometry import Geometry, resize_mask, resize_picture
from app.training.config import TrainingConfig
from app.training.dataset import read_sample
from app.training.sheets import COLUMNS, GAP, augmented_sheet, examples_sheet, sheet, tinted
from app.training.sources.oxford import PETS, OxfordPets
from tests.training.drawn_pets import Array

WHITE = (255, 255, 255)


def flat(value: int, side: int = 8) -> Array:
    return np.full((side, side, 3), value, np.uint8)


def cell(canvas: Array, row: int, column: int, side: int) -> Array:
    top, left = (GAP + index * (side + GAP) for index in (row, column))
    return canvas[top : top + side, left : left + side]


def test_a_mask_covers_its_picture() -> None:
    mask = np.array([[0, 1], [2, UNDECIDED]], np.uint8)
    seen = tinted(flat(100, side=2), mask, PETS)
    assert seen.dtype == np.uint8
    assert seen[0, 0].tolist() == [0.4 * 100 + 0.6 * 230 // 1, 98, 40]
    assert seen[0, 1].tolist() == [77, 88, 112]
    assert seen[1, 0].tolist() == [191, 160, 76]
    assert seen[1, 1].tolist() == [0, 0, 0]


def test_pictures_in_rows() -> None:
    canvas = sheet([[flat(10), flat(20), flat(30)], [flat(40)]])
    assert canvas.shape == (2 * 8 + 3 * GAP, 3 * 8 + 4 * GAP, 3)
    assert [np.unique(cell(canvas, *place, 8)).tolist() for place in ((0, 0), (0, 2), (1, 0))] == [[10], [30], [40]]
    assert (cell(canvas, 1, 1, 8) == 255).all()  # nothing there
    assert tuple(canvas[0, 0]) == tuple(canvas[GAP, GAP - 1]) == tuple(canvas[-1, -1]) == WHITE


def test_augmented_pictures_stand_beside_their_masks() -> None:
    pictures = np.stack([flat(10 * number, 16) for number in range(5)]).astype(np.float32) + 0.7
    masks = np.stack([np.full((16, 16), number % 3, np.uint8) for number in range(5)])
    canvas = augmented_sheet(pictures, masks, PETS)
    assert canvas.shape == (2 * 16 + 3 * GAP, 2 * COLUMNS * 16 + (2 * COLUMNS + 1) * GAP, 3)
    assert (cell(canvas, 0, 6, 16) == 30).all()
    assert np.array_equal(cell(canvas, 0, 7, 16), tinted(flat(30, 16), masks[3], PETS))
    assert (cell(canvas, 1, 0, 16) == 40).all()


def test_examples_are_picture_truth_and_prediction(source: OxfordPets, config: TrainingConfig) -> None:
    calls = []

    def predict(pictures: Array) -> Array:
        calls.append(pictures)
        return np.broadcast_to(np.array([0, 0, 1], np.float32), (*pictures.shape[:3], 3))

    canvas = examples_sheet(predict, source, source.samples("test")[:3], config)
    side = config.size
    assert canvas.shape == (2 * side + 3 * GAP, 6 * side + 7 * GAP, 3)
    (pictures,) = calls
    assert pictures.shape == (3, side, side, 3)
    assert pictures.dtype == np.float32
    pixels, mask = read_sample(source, source.samples("test")[1])
    frame = Geometry((mask.shape[0], mask.shape[1]), (side, side), "letterbox")
    shown = resize_picture(pixels, frame)
    assert np.array_equal(cell(canvas, 0, 3, side), shown)
    assert np.array_equal(cell(canvas, 0, 4, side), tinted(shown, resize_mask(mask, frame), PETS))
    border = resize_mask(np.full_like(mask, 2), frame)
    assert np.array_equal(cell(canvas, 0, 5, side), tinted(shown, border, PETS))
    assert (cell(canvas, 1, 0, side) != 255).all()  # the third begins the second row
