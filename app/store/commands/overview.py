"""What `segserve models` shows of a store: as JSON, and as text made from that."""

from collections.abc import Sequence
from typing import Any

from app.core.command_line import aligned
from app.core.errors import SegserveError
from app.store.repository import ModelStore

TEST = "test"
"""The split whose score stands in the list."""
HEAD = ("version", "aliases", "created (UTC)", "precision", "input", "test mean IoU", "MB", "problem")


def all_references(store: ModelStore) -> tuple[str, ...]:
    """`NAME:VERSION` of every version."""
    return tuple(f"{name}:{version}" for name in store.names() for version in store.versions(name))


def overview(store: ModelStore) -> list[dict[str, Any]]:
    """A line of facts for each version; one whose manifest cannot be read has its `problem` instead of them."""
    return [_facts(store, reference) for reference in all_references(store)]


def _facts(store: ModelStore, reference: str) -> dict[str, Any]:
    name, _, number = reference.partition(":")
    facts: dict[str, Any] = {"name": name, "version": int(number), "aliases": []}
    try:
        facts["aliases"] = _aliases(store, name, int(number))
        version = store.resolve(reference)
        manifest = store.manifest(version)
    except SegserveError as error:
        return facts | {"problem": error.detail}
    scores = manifest.metrics.get(TEST)
    return facts | {
        "sha256": version.sha256,
        "created": manifest.created.isoformat(),
        "precision": manifest.precision,
        "input_size": list(manifest.preprocessing.size),
        "classes": [label.name for label in manifest.labels],
        "test_mean_iou": scores.mean_iou if scores else None,
        "bytes": sum(file.bytes for file in manifest.files.values()),
        "problem": None,
    }


def _aliases(store: ModelStore, name: str, version: int) -> list[str]:
    return [alias for alias, number in store.aliases(name).items() if number == version]


def overview_rows(entries: Sequence[dict[str, Any]]) -> list[Sequence[str]]:
    """The table, its head first; without the last column where nothing is wrong."""
    rows: list[Sequence[str]] = [HEAD, *map(_row, entries)]
    return rows if any(entry["problem"] for entry in entries) else [row[:-1] for row in rows]


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    known = [f"{entry['name']}:{entry['version']}", ", ".join(entry["aliases"]) or "–"]
    if entry["problem"]:
        return (*known, *["–"] * 5, entry["problem"])
    height, width = entry["input_size"]
    score = "–" if entry["test_mean_iou"] is None else f"{entry['test_mean_iou']:.3f}"
    created = entry["created"][:16].replace("T", " ")
    return (*known, created, entry["precision"], f"{width}×{height}", score, f"{entry['bytes'] / 1e6:.1f}", "")


def details(store: ModelStore, reference: str) -> dict[str, Any]:
    """Everything about a version.

    Raises:
        ModelNotFoundError, CorruptVersionError: as `ModelStore.resolve` and `manifest`.
    """
    version = store.resolve(reference)
    return {
        "name": version.name,
        "version": version.version,
        "sha256": version.sha256,
        "path": str(version.path),
        "aliases": _aliases(store, version.name, version.version),
        "manifest": store.manifest(version).model_dump(mode="json"),
    }


def details_text(found: dict[str, Any]) -> str:
    """The same for people, but for what only programs read."""
    manifest = found["manifest"]
    height, width = manifest["preprocessing"]["size"]
    files = manifest["files"].values()
    pictures = ", ".join(f"{count:,} {split}" for split, count in manifest["data"]["pictures"].items())
    facts = [
        ("version", f"{found['name']}:{found['version']}"),
        ("aliases", ", ".join(found["aliases"]) or "–"),
        ("created", manifest["created"]),
        ("folder", found["path"]),
        ("sha256", found["sha256"]),
        ("files", f"{len(files)}, {sum(file['bytes'] for file in files) / 1e6:.1f} MB"),
        ("input", f"{width}×{height}, {manifest['preprocessing']['resize']}"),
        ("precision", manifest["precision"]),
        ("temperature", f"{manifest['temperature']:g}"),
        ("pictures", pictures or "–"),
        ("licences", ", ".join(sorted({credit["license"] for credit in manifest["data"]["credits"]})) or "–"),
        ("source", manifest["source"] or "–"),
    ]
    labels = [(str(label["id"]), label["name"], label["colour"], label["role"] or "–") for label in manifest["labels"]]
    parts = [aligned(facts), aligned([("id", "class", "colour", "role"), *labels])]
    if manifest["metrics"]:
        parts.append(aligned([("scored on", "pictures", "mean IoU", *_names(manifest)), *_scores(manifest)]))
    return "\n\n".join(parts)


def _names(manifest: dict[str, Any]) -> list[str]:
    return [label["name"] for label in manifest["labels"][:8]]


def _scores(manifest: dict[str, Any]) -> list[tuple[str, ...]]:
    """A row a split: its mean IoU, and that of the first classes."""
    return [
        (
            split,
            str(scores["pictures"]),
            f"{scores['mean_iou']:.3f}",
            *("–" if (iou := scores["iou"][name]) is None else f"{iou:.3f}" for name in _names(manifest)),
        )
        for split, scores in manifest["metrics"].items()
    ]
