"""What a job is to do, in a form that its workers can be sent and that its folder keeps."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from app import __version__
from app.core.errors import ConfigurationError, JobError
from app.core.settings import Settings
from app.inference.answers import SegmentOptions
from app.inference.loaded import ModelIdentity
from app.jobs.folder import Folder, as_text
from app.jobs.layout import JOB, MARK

SCHEMA_VERSION = 1
FIELDS = (
    "engine",
    "device",
    "precision",
    "threads",
    "streams",
    "engine_nice",
    "max_bytes",
    "max_pixels",
    "max_answer_bytes",
    "max_queue_pixels",
    "decode_timeout_seconds",
)
"""Settings that count for a worker; none is a secret."""


@dataclass(frozen=True)
class Task:
    """What a job is to do.

    Args:
        source: URL of the folder of pictures.
        target: URL of the folder of answers.
        options: how to segment; their `parts` are files of their own.
        model: the version that answers, and how it is computed.
    """

    source: str
    target: str
    options: SegmentOptions
    model: ModelIdentity

    def document(self) -> dict[str, Any]:
        """What decides about the content of the answers: kept as JSON beside them."""
        options = asdict(self.options)
        options["output"] = options.pop("parts") or (self.options.output,)
        return {
            "schema_version": SCHEMA_VERSION,
            "segserve": __version__,
            "source": as_text(self.source),
            "model": asdict(self.model),
            "options": {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()},
        }

    def to_json(self) -> bytes:
        """The content of `job.json`."""
        return json.dumps(self.document(), indent=2).encode() + b"\n"


def begin(task: Task, target: Folder, present: bytes | None) -> None:
    """Writes what the job is into its folder, or finds that it is the same job.

    Args:
        task: the job.
        target: its folder of answers.
        present: content of its `job.json`; None: there is none.

    Raises:
        JobError: the folder holds the answers of another job; it names each difference.
    """
    if present is None:
        target.write(MARK, b"What `segserve segment` has done, while it is not in manifest.jsonl. Leave it here.\n")
        target.write(JOB, task.to_json())
        target.settle([JOB])
        return
    try:
        before = json.loads(present)
    except ValueError as error:
        raise JobError(f"{target.url}/{JOB} is no JSON: choose another folder, or --overwrite") from error
    differences = _differences(before, task.document())
    if differences:
        raise JobError(
            f"{target.url} holds the answers of another job; choose another folder, or --overwrite to begin anew. "
            f"It had {'; '.join(differences)}"
        )


def _differences(before: Any, now: dict[str, Any], prefix: str = "") -> list[str]:
    """`what value, now value` for each difference."""
    if not isinstance(before, dict):
        return [f"{prefix or 'another form'}"]
    found = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new, f"{prefix}{name}.")
        elif old != new:
            found.append(f"{prefix}{name} {_short(old)}, now {_short(new)}")
    return found


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def worker_settings(values: dict[str, Any]) -> Settings:
    """Settings of a worker from what `shared_settings` gave."""
    return Settings(**values)


def shared_settings(settings: Settings, **changes: Any) -> dict[str, Any]:
    """What a worker needs of the settings, with changes."""
    return {name: getattr(settings, name) for name in FIELDS} | changes


def require_apart(source: str, target: str) -> None:
    """Passes folders of pictures and answers that cannot be mixed up.

    Raises:
        ConfigurationError: answers would lie among the pictures, and be taken for some the next time.
    """
    if source == target or source.startswith(f"{target.rstrip('/')}/"):
        raise ConfigurationError(f"--out {target}: the pictures are in it; choose another folder, or one inside it")
