"""The model card: what a version is, from what, how good, and what it is not for. Generated from the run."""

import json
import platform
import re

from app.store.manifest import ManifestDraft
from app.store.scores import Scores
from app.training.evaluation.scoring import MOST_COLUMNS, markdown, shown, table
from app.training.machine import processor

SPECIAL = re.compile(r"[\\`*\[<~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|^[-+#>]|^\d+[.)]")
"""What has a meaning in Markdown, were it not escaped; of `|` the table takes care."""


def model_card(
    name: str,
    draft: ManifestDraft,
    differences: dict[str, float],
    parameters: int,
    machines: list[str],
    before: Scores | None,
    step: int | None = None,
) -> str:
    """Markdown.

    Args:
        name: of the model.
        draft: its manifest.
        differences: largest difference in probability from the Keras network, by form of the network.
        parameters: number of weights.
        machines: what it was trained on, in words.
        before: scores on the validation pictures before calibration; None without such pictures.
        step: after how many gradient steps the network is that of the run; None where nobody knows.
    """
    height, width = draft.preprocessing.size
    classes = ", ".join(f"{label.id} {literal(label.name)}" for label in draft.labels)
    sections = [
        f"# {name}: U-Net Xception",
        f"Segments a picture into {len(draft.labels)} classes ({classes}). {parameters:,} parameters, {_origin(draft)} "
        f"by `segserve train`; input {height}×{width} RGB 0–255, pictures are brought to it by "
        f"`{draft.preprocessing.resize}`.",
        "## Quality",
        _scores(draft) if draft.metrics else "Not scored: no labelled picture was kept out of training.",
        "IoU, Dice and accuracy are counted over all pixels of a split together, at each mask's own size; undecided "
        "pixels are left out. *Foreground + border* is their union against the rest. *Boundary F-score*: contours that "
        "lie within 0.75 % of the diagonal of each other, mean of the classes. Cross-entropy in nats; *calibration "
        "error*: expected gap between winning probability and accuracy, 15 bins. Scored once, on publishing, by Python "
        f"{platform.python_version()} on {processor()}.",
        "Largest difference in probability from the Keras network on real pictures: "
        + ", ".join(f"{form} {difference:.1e}" for form, difference in differences.items())
        + ".",
        "## Calibration",
        _calibration(draft, before),
        "## Data",
        _data(draft),
        "## Limits",
        "Expect errors on kinds of objects, views and scenes that the data does not show. A picture without an object "
        f"still gets a mask, as a rule of background; nothing is rescaled to make one appear. {_scale(draft)} "
        "Not for decisions about people.",
        "## Training",
        f"Trained on: {'; then '.join(map(literal, machines))}.{_length(draft, step)}",
        "```json\n" + json.dumps(draft.training, indent=2) + "\n```",
        "Packages: " + ", ".join(f"{package} {version}" for package, version in draft.packages.items()) + ".",
    ]
    return "\n\n".join(sections) + "\n"


def literal(text: str) -> str:
    """A line of text that Markdown shows as it is."""
    return SPECIAL.sub(lambda found: f"{found.group()[:-1]}\\{found.group()[-1]}", text)


def _scale(draft: ManifestDraft) -> str:
    height, width = draft.preprocessing.size
    if draft.preprocessing.resize == "crop":
        return (
            f"It sees windows of {height}×{width} pixels: what is larger, or shown at another scale, it does not know."
        )
    return f"Small objects in large pictures are lost, since the whole picture is brought to {height}×{width}."


def _origin(draft: ManifestDraft) -> str:
    init = draft.training.get("init")
    return f"trained from the weights of {literal(str(init))}" if init else "trained from scratch"


def _length(draft: ManifestDraft, step: int | None) -> str:
    steps = draft.training.get("steps")
    return (f" The network is that of step {step:,}" + (f" of {steps:,}." if steps else ".")) if step else ""


def _scores(draft: ManifestDraft) -> str:
    """A table; a second one for the IoU of classes that are too many for columns of the first."""
    tables = [table(draft.metrics, written=literal)]
    if len(draft.labels) > MOST_COLUMNS:
        head = ["IoU of", *map(literal, draft.metrics)]
        names = [label.name for label in draft.labels]
        scores = draft.metrics.values()
        tables.append(markdown(head, [[literal(name), *(shown(each.iou[name]) for each in scores)] for name in names]))
    return "\n\n".join(tables)


def _calibration(draft: ManifestDraft, before: Scores | None) -> str:
    divided = f"The logits are divided by a temperature of {draft.temperature:g}; it is part of the weights."
    after = draft.metrics.get("validation")
    if before is None or after is None:
        if draft.temperature == 1:
            return f"{divided} There were no pictures to fit it on: probabilities may promise too much."
        return f"{divided} It was given on publishing, as the run kept no pictures apart to fit it on."
    return (
        f"{divided} On the validation pictures that took the cross-entropy from {shown(before.cross_entropy)} to "
        f"{shown(after.cross_entropy)} and the calibration error from {shown(before.expected_calibration_error)} to "
        f"{shown(after.expected_calibration_error)}. On pictures of another kind probabilities promise more than they "
        "keep."
    )


def _data(draft: ManifestDraft) -> str:
    counts = ", ".join(f"{count} {split}" for split, count in draft.data.pictures.items())
    lines = [f"Pictures: {counts}. Fingerprint `{draft.data.fingerprint[:16]}`."]
    if draft.data.credits:
        lines.append("Sources, whose licences hold for what is derived from them:\n")
        lines += [f"- {literal(f'{c.name}: {c.authors}; {c.license}')}" for c in draft.data.credits]
    return "\n".join(lines)
