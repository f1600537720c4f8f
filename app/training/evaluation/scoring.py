"""The scores that a version is published with: by split, with and without flip, by kind of mask."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from app.core.labels import LabelMap
from app.imaging.windows import View
from app.store.scores import Scores, SplitMetrics
from app.training.evaluation.pictures import (
    PictureResult,
    flip_averaged,
    score_picture,
    segment_pictures,
    total_scores,
)
from app.training.evaluation.prediction import Predict
from app.training.sources.samples import DataSource, Sample

MOST_COLUMNS = 24
"""Most classes that have a column each."""


@dataclass(frozen=True)
class SplitResults:
    """Results of a split.

    Args:
        plain: one for each picture.
        flipped: the same with flip averaging.
    """

    plain: list[PictureResult]
    flipped: list[PictureResult]

    def metrics(self, labels: LabelMap) -> SplitMetrics:
        """Scores over the pictures."""
        scores = total_scores(self.plain, labels)
        return SplitMetrics(**dict(scores), pictures=len(self.plain), flip=total_scores(self.flipped, labels))

    def by(self, group: Callable[[Sample], str], labels: LabelMap) -> dict[str, SplitMetrics]:
        """Scores of each group of pictures, sorted by name; nothing where all the pictures are one group."""
        names = sorted({group(result.sample) for result in self.plain})
        parts = {name: self._of(name, group) for name in names if len(names) > 1}
        return {name: part.metrics(labels) for name, part in parts.items()}

    def by_mask_kind(self, split: str, labels: LabelMap) -> dict[str, SplitMetrics]:
        """Scores of the whole under the split's name and, where masks were made in several ways, of each."""
        kinds = self.by(lambda sample: sample.mask_kind, labels)
        return {split: self.metrics(labels)} | {f"{split}, {kind} masks": scores for kind, scores in kinds.items()}

    def _of(self, name: str, group: Callable[[Sample], str]) -> "SplitResults":
        return SplitResults(
            [result for result in self.plain if group(result.sample) == name],
            [result for result in self.flipped if group(result.sample) == name],
        )


def score_split(predict: Predict, source: DataSource, samples: Sequence[Sample], view: View) -> SplitResults:
    """Scores pictures with and without flip averaging; each is read once."""
    results = SplitResults([], [])
    with ThreadPoolExecutor() as pool:
        for batch in segment_pictures(predict, source, samples, view):
            results.plain.extend(pool.map(score_picture, batch))
            results.flipped.extend(pool.map(score_picture, flip_averaged(predict, batch, view)))
    return results


def table(
    metrics: Mapping[str, SplitMetrics], title: str = "split", written: Callable[[str], str] = lambda name: name
) -> str:
    """Scores as a Markdown table: a row each with and without flip averaging.

    Args:
        metrics: at least one, by name.
        title: what the names are.
        written: how names are written.
    """
    head = [title, "pictures", *map(written, columns(next(iter(metrics.values()))))]
    return markdown(head, [[written(name), str(pictures), *cells(scores)] for name, pictures, scores in rows(metrics)])


def rows(metrics: Mapping[str, SplitMetrics]) -> list[tuple[str, int, Scores]]:
    """Name, number of pictures and scores of each row of a table."""
    found: list[tuple[str, int, Scores]] = []
    for name, scores in metrics.items():
        found.append((name, scores.pictures, scores))
        if scores.flip is not None:
            found.append((f"{name}, with flip", scores.pictures, scores.flip))
    return found


def columns(scores: Scores) -> list[str]:
    """Titles of what `cells` gives."""
    first = ["mean IoU", *(f"IoU {name}" for name in _with_columns(scores)), "foreground + border IoU", "mean Dice"]
    return [*first, "pixel accuracy", "boundary F-score", "cross-entropy", "calibration error"]


def cells(scores: Scores) -> list[str]:
    """The scores as text, three digits each; those of very many classes are left out."""
    dice = [value for value in scores.dice.values() if value is not None]
    mean_dice = sum(dice) / len(dice) if dice else None
    numbers = [
        scores.mean_iou,
        *_with_columns(scores).values(),
        scores.foreground_iou,
        mean_dice,
        scores.pixel_accuracy,
    ]
    numbers += [scores.boundary_f_score, scores.cross_entropy, scores.expected_calibration_error]
    return [shown(number) for number in numbers]


def _with_columns(scores: Scores) -> dict[str, float | None]:
    """IoU by class, where these are few enough."""
    return scores.iou if len(scores.iou) <= MOST_COLUMNS else {}


def shown(number: float | None) -> str:
    """A score as text: three digits, or a dash for what was not measured."""
    return "–" if number is None else f"{number:.3f}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; `|` in its cells is escaped."""
    lines = ["|".join(cell.replace("|", "\\|") for cell in (f" {cell} " for cell in row)) for row in (head, *rows)]
    return "\n".join([f"|{lines[0]}|", f"|{'---|' * len(head)}", *(f"|{line}|" for line in lines[1:])])
