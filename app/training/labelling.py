"""Masks for pictures that have none, made by trained networks: a data set of its own for self-training.

Source: Q. Xie and others, "Self-training with Noisy Student improves ImageNet classification", CVPR 2020; pixels that
the networks are not sure of are left out, as a label that is half of each class would teach a blurred border.
"""

import csv
import io
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import DataError, TrainingError
from app.core.labels import UNDECIDED, LabelMap
from app.imaging.probabilities import ResizedProbabilities, restored
from app.imaging.render import mask_png
from app.imaging.winners import winners
from app.training.dataset import read_picture
from app.training.evaluation.candidate import Candidate
from app.training.evaluation.prediction import batch_size, fitted, mirrored, predicted
from app.training.files import replacing, write_file

Array = np.ndarray[Any, np.dtype[Any]]

MADE_BY = "labelled.json"
SOURCE, MASK_KIND = "unlabelled", "pseudo"


class LabelledFolder:
    """A data set in the layout of folders, filled by networks.

    Args:
        folder: made when missing; one that was begun by the same networks is gone on with.
        teachers: the networks; their probabilities are averaged.
        labels: their classes.
        threshold: pixels whose winning probability is below it become undecided, 0–1.
        flip: average over the mirror image, too.

    Raises:
        TrainingError: the folder was begun by other networks, or with another threshold.
    """

    def __init__(
        self, folder: Path, teachers: Sequence[Candidate], labels: LabelMap, threshold: float, flip: bool
    ) -> None:
        self.folder = folder
        self._labels = labels
        self._threshold = threshold
        self._teachers = teachers
        self._flip = flip
        self._begin({"teachers": [t.title for t in teachers], "threshold": threshold, "flip": flip})

    def _begin(self, made_by: dict[str, Any]) -> None:
        path = self.folder / MADE_BY
        try:
            for name in ("images", "masks"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            if path.exists() and json.loads(path.read_text("utf-8")) != made_by:
                raise TrainingError(
                    f"{self.folder} was made otherwise: {path.read_text('utf-8')}; choose another folder"
                )
        except (OSError, ValueError) as error:
            raise TrainingError(f"{self.folder}: cannot be used ({error})") from error
        write_file(path, json.dumps(made_by, ensure_ascii=False).encode())
        write_file(self.folder / "classes.toml", classes_toml(self._labels).encode())

    def fill(
        self, pictures: Mapping[str, Path], strata: Mapping[str, str], report: Callable[[int, int], None]
    ) -> float:
        """Labels pictures, and skips those that have a mask already.

        Args:
            pictures: files by name.
            strata: stratum by name, where it is known.
            report: called with how many pictures are done, and how many there are.

        Returns:
            Share of the pixels that are undecided in the masks made now, 0–1.

        Raises:
            DataError: pictures that cannot be read; the others are labelled.
        """
        todo = [name for name in pictures if not self._mask(name).exists()]
        problems: list[str] = []
        undecided = total = 0
        with ThreadPoolExecutor() as pool:
            batch = min(batch_size(teacher.view) for teacher in self._teachers)
            for first in range(0, len(todo), batch):
                names = todo[first : first + batch]
                read = dict(zip(names, pool.map(lambda name: _read(pictures[name]), names), strict=True))
                good = {name: found for name, found in read.items() if not isinstance(found, DataError)}
                problems += [line for found in read.values() if isinstance(found, DataError) for line in found.problems]
                masks = pool.map(self._decided, self._probabilities(list(good.values()))) if good else ()
                for name, mask in zip(good, masks, strict=True):
                    undecided, total = undecided + int((mask == UNDECIDED).sum()), total + mask.size
                    self._write(name, pictures[name], mask)
                report(len(pictures) - len(todo) + min(first + batch, len(todo)), len(pictures))
        self._write_table(pictures, strata)
        if problems:
            raise DataError(problems)
        return undecided / total if total else 0.0

    def _probabilities(self, pictures: list[Array]) -> list[Array]:
        """Mean over the networks of the probabilities of each picture at its own size, (H, W, C) float32."""
        sums: list[Any] = [0.0] * len(pictures)
        for teacher in self._teachers:
            geometries, seen = fitted(pictures, teacher.view)
            votes = [predicted(teacher.predict, seen, teacher.view)]
            if self._flip:
                votes.append(mirrored(teacher.predict, seen, teacher.view))
            for index, geometry in enumerate(geometries):
                mean = np.stack([vote[index] for vote in votes]).mean(axis=0)
                sums[index] = sums[index] + restored(ResizedProbabilities(mean, geometry)) / len(self._teachers)
        return sums

    def _decided(self, probabilities: Array) -> Array:
        winner, confidence = winners(probabilities)
        return np.where(confidence < self._threshold, UNDECIDED, winner).astype(np.uint8)

    def _mask(self, name: str) -> Path:
        return self.folder / "masks" / f"{name}.png"

    def _write(self, name: str, picture: Path, mask: Array) -> None:
        """The picture first: a mask says that both are there."""
        with replacing(self.folder / "images" / f"{name}{picture.suffix.lower()}") as temporary:
            shutil.copyfile(picture, temporary)
        write_file(self._mask(name), mask_png(mask, self._labels))

    def _write_table(self, pictures: Mapping[str, Path], strata: Mapping[str, str]) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["name", "source", "mask_kind", "stratum"])
        writer.writerows(
            [name, SOURCE, MASK_KIND, strata.get(name, "")] for name in pictures if self._mask(name).exists()
        )
        write_file(self.folder / "samples.csv", text.getvalue().encode())


def _read(path: Path) -> Array | DataError:
    """The pixels of a picture, (H, W, 3) uint8 RGB, or what is wrong with it."""
    try:
        return read_picture(path)
    except DataError as error:
        return error


def classes_toml(labels: LabelMap) -> str:
    """The file that says what values stand for, in the layout of folders."""
    parts = []
    for label in labels:
        role = f'\nrole = "{label.role}"' if label.role else ""
        name = json.dumps(label.name, ensure_ascii=False)  # a JSON string is a TOML string
        parts.append(f'[[classes]]\nname = {name}\nvalue = {label.id}\ncolour = "#{bytes(label.colour).hex()}"{role}\n')
    return f"ignore = [{UNDECIDED}]\n\n" + "\n".join(parts)
