"""The model card: what a version is, from what, how good, and what it is not for. Generated from the run."""

import json
import platform

from app.store.manifest import ManifestDraft
from app.training.evaluation.scoring import table
from app.training.machine import processor


def model_card(
    name: str, draft: ManifestDraft, differences: dict[str, float], parameters: int, machines: list[str]
) -> str:
    """Markdown.

    Args:
        name: of the model.
        draft: its manifest.
        differences: largest difference in probability from the Keras network, by form of the network.
        parameters: number of weights.
        machines: what it was trained on, in words.
    """
    height, width = draft.preprocessing.size
    classes = ", ".join(f"{label.id} {label.name}" for label in draft.labels)
    sections = [
        f"# {name}: U-Net Xception",
        f"Segments a picture into {len(draft.labels)} classes ({classes}). {parameters:,} parameters, trained from "
        f"scratch by `segserve train`; input {height}×{width} RGB 0–255, pictures are brought to it by "
        f"`{draft.preprocessing.resize}`.",
        "## Quality",
        table(draft.metrics),
        "IoU, Dice and accuracy are counted over all pixels of a split together, at each mask's own size; undecided "
        "pixels are left out. *Foreground + border* is their union against the rest. Scored once, on publishing, by "
        f"Python {platform.python_version()} on {processor()}.",
        "Largest difference in probability from the Keras network on validation pictures: "
        + ", ".join(f"{form} {difference:.1e}" for form, difference in differences.items())
        + ".",
        "## Data",
        _data(draft),
        "## Limits",
        "Trained on few pictures and from scratch: expect errors on kinds of objects, views and scenes that the data "
        "does not show. Probabilities are not calibrated. A picture without an object still gets a mask, as a rule of "
        "background; nothing is rescaled to make one appear. Small objects in large pictures are lost, since the whole "
        f"picture is brought to {height}×{width}. Not for decisions about people.",
        "## Training",
        f"Trained on: {'; then '.join(machines)}.",
        "```json\n" + json.dumps(draft.training, indent=2) + "\n```",
        "Packages: " + ", ".join(f"{package} {version}" for package, version in draft.packages.items()) + ".",
    ]
    return "\n\n".join(sections) + "\n"


def _data(draft: ManifestDraft) -> str:
    counts = ", ".join(f"{count} {split}" for split, count in draft.data.pictures.items())
    lines = [f"Pictures: {counts}. Fingerprint `{draft.data.fingerprint[:16]}`."]
    if draft.data.credits:
        lines.append("Sources, whose licences hold for what is derived from them:\n")
        lines += [f"- {credit.name}: {credit.authors}; {credit.license}" for credit in draft.data.credits]
    return "\n".join(lines)
