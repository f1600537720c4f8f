"""The scores that a version is published with: by split, with and without flip, by kind of mask."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.labels import LabelMap
from app.imaging.geometry import ResizeRule
from app.store.scores import SplitMetrics
from app.training.evaluation.pictures import PictureResult, Predict, evaluate_pictures, total_scores, with_flip
from app.training.sources.samples import DataSource, Sample


@dataclass(frozen=True)
class SplitResults:
    """Results of a split.

    Args:
        plain: one for each picture.
        flipped: the same with flip averaging.
    """

    plain: list[PictureResult]
    flipped: list[PictureResult]

    def metrics(self, labels: LabelMap, mask_kind: str | None = None) -> SplitMetrics:
        """Scores over the pictures, or over those whose masks were made in one way."""
        plain, flipped = (
            [result for result in results if mask_kind in (None, result.sample.mask_kind)]
            for results in (self.plain, self.flipped)
        )
        scores = total_scores(plain, labels)
        return SplitMetrics(**dict(scores), pictures=len(plain), flip=total_scores(flipped, labels))

    def by_mask_kind(self, split: str, labels: LabelMap) -> dict[str, SplitMetrics]:
        """Scores of the whole under the split's name and, where masks were made in several ways, of each."""
        kinds = sorted({result.sample.mask_kind for result in self.plain})
        parts = {f"{split}, {kind} masks": self.metrics(labels, kind) for kind in kinds if len(kinds) > 1}
        return {split: self.metrics(labels)} | parts


def score_split(
    predict: Predict, source: DataSource, samples: Sequence[Sample], size: tuple[int, int], rule: ResizeRule
) -> SplitResults:
    """Scores pictures with and without flip averaging."""
    return SplitResults(
        plain=evaluate_pictures(predict, source, samples, size, rule),
        flipped=evaluate_pictures(with_flip(predict), source, samples, size, rule),
    )


def table(metrics: dict[str, SplitMetrics]) -> str:
    """Scores as a Markdown table: a row each for a split with and without flip averaging."""
    classes = list(next(iter(metrics.values())).iou)
    head = ["split", "pictures", "mean IoU", *(f"IoU {name}" for name in classes), "foreground + border IoU"]
    head += ["mean Dice", "pixel accuracy", "cross-entropy"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for split, scores in metrics.items():
        for name, row in ((split, scores), (f"{split}, with flip", scores.flip)):
            if row is None:
                continue
            dice = [value for value in row.dice.values() if value is not None]
            mean_dice = sum(dice) / len(dice) if dice else None
            numbers = [row.mean_iou, *row.iou.values(), row.foreground_iou, mean_dice]
            numbers += [row.pixel_accuracy, row.cross_entropy]
            cells = [name, str(scores.pictures), *("–" if n is None else f"{n:.3f}" for n in numbers)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
