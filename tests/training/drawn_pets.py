"""Drawn data in the layout of the Oxford-IIIT Pet archive: ellipses ("pets") before a rough background."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, np.dtype[Any]]

OBJECT, BACKGROUND, RING = 1, 2, 3
"""Values of a trimap."""


@dataclass(frozen=True)
class DrawnPet:
    """One picture to draw.

    Args:
        name: of its files.
        row: what follows the name in the list: class, species, breed.
        source: where it is said to come from.
        mask_kind: how its mask is said to be made.
    """

    name: str
    row: str
    source: str
    mask_kind: str


def pets(first: int, count: int) -> list[DrawnPet]:
    """So many pictures to draw: three of four from `oxford` with `own` masks, the rest from `feral` with `outline`."""
    drawn = []
    for number in range(first, first + count):
        breed = number % 3 + 1
        if number % 4 < 3:
            drawn.append(DrawnPet(f"breed{breed}_{number}", f"{breed} {1 + breed // 3} {breed}", "oxford", "own"))
        else:
            drawn.append(DrawnPet(f"feral_{number}", "0 1 0", "feral", "outline"))
    return drawn


def draw_pet(random: np.random.Generator) -> tuple[Array, Array]:
    """A picture (H, W, 3) uint8 and its trimap (H, W) uint8, sides of 40 to 72 pixels."""
    height, width = random.integers(40, 73, 2)
    y, x = np.mgrid[:height, :width]
    row, column = height * random.uniform(0.4, 0.6), width * random.uniform(0.4, 0.6)
    radii = height * random.uniform(0.25, 0.38), width * random.uniform(0.25, 0.38)
    distance = np.hypot((y - row) / radii[0], (x - column) / radii[1])
    trimap = np.select([distance < 0.85, distance < 1.15], [OBJECT, RING], BACKGROUND).astype(np.uint8)
    blotches = Image.fromarray(random.integers(0, 120, (6, 7, 3), np.uint8))
    picture = np.asarray(blotches.resize((int(width), int(height)), Image.Resampling.BICUBIC)).astype(float)
    picture[..., 2] += 60
    fur = np.array([220, 160, 60]) + random.normal(0, 15, 3)
    picture[distance < 1] = fur
    picture += random.normal(0, 6, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8), trimap


def write_data_set(root: Path, training: list[DrawnPet], test: list[DrawnPet], seed: int = 5) -> Path:
    """Draws pictures and trimaps, writes them and the lists, and returns `root`."""
    (root / "images").mkdir(parents=True)
    (root / "annotations" / "trimaps").mkdir(parents=True)
    random = np.random.default_rng(seed)
    for pet in training + test:
        picture, trimap = draw_pet(random)
        Image.fromarray(picture).save(root / "images" / f"{pet.name}.jpg", quality=95)
        Image.fromarray(trimap).save(root / "annotations" / "trimaps" / f"{pet.name}.png")
    for split, listed in (("trainval", training), ("test", test)):
        lines = [f"{pet.name} {pet.row}\n" for pet in listed]
        (root / "annotations" / f"{split}.txt").write_text("# Image CLASS SPECIES BREED\n" + "".join(lines))
    sources = "".join(f"{pet.name} {pet.source} {pet.mask_kind}\n" for pet in training + test)
    (root / "annotations" / "sources.txt").write_text(sources)
    return root
