"""Names of the files that a job writes."""

from app.inference.outputs import OUTPUTS, Output
from app.jobs.folder import STATE

JOB = "job.json"
"""What the job is: its model and options."""
MANIFEST = "manifest.jsonl"
"""A line for each picture."""
DATASET = "coco.json"
"""One data set of all pictures, where `coco` is among the kinds of answers."""
PARTS = f"{STATE}/done"
"""Folder with the lines of pictures that are done, as long as they are not in the manifest."""
MARK = f"{STATE}/README"
"""Tells people what the folder is, and whoever looks for pictures that these are answers."""


def answer_path(picture: str, output: Output) -> str:
    """Where the answer for a picture goes: its own name, then `.OUTPUT.EXTENSION`.

    Whatever pictures are called, no two answers share a name: none of these endings is the end of another, and each
    picture keeps all of its own name, so that `c.jpg` and `c.png` are two.
    """
    return f"{picture}{ending(output)}"


def ending(output: Output) -> str:
    """How names of such answers end."""
    return f".{OUTPUTS[output].filename}"
