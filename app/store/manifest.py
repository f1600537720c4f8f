"""The manifest of a version: what it is, what it was made from, how good it is, and the checksum of every file."""

from datetime import UTC
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, JsonValue, ValidationError, model_validator

from app.core.errors import CorruptVersionError
from app.core.labels import Label, LabelMap, Role
from app.core.records import Record, SchemaVersion, problems
from app.imaging.geometry import ResizeRule
from app.store.names import NAME_PATTERN
from app.store.scores import ReferenceDistribution, SplitMetrics

MANIFEST = "manifest.json"
SCHEMA_VERSION = 2
"""Rises with every new field: readers refuse what they don't know, and say so by this number."""
MAX_MANIFEST_BYTES = 4_000_000
MAX_FILES = 1000

_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
RelativePath = Annotated[str, Field(pattern=rf"^{_PART}(/{_PART})*$", max_length=200)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Side = Annotated[int, Field(ge=1, le=16384)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
UtcTime = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class LabelEntry(Record):
    """A class as the manifest writes it; the colour is `#rrggbb`."""

    id: Annotated[int, Field(ge=0, le=254)]
    name: Text
    colour: Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
    role: Role | None = None

    @classmethod
    def of(cls, label: Label) -> Self:
        """The entry of a label."""
        return cls(id=label.id, name=label.name, colour="#" + bytes(label.colour).hex(), role=label.role)

    @property
    def label(self) -> Label:
        """The label of this entry."""
        red, green, blue = bytes.fromhex(self.colour[1:])
        return Label(self.id, self.name, (red, green, blue), self.role)


class Preprocessing(Record):
    """How a picture becomes the network's input; training and serving do the same.

    Args:
        size: (h, w) of the network's input.
        resize: `stretch` to it, `letterbox` into it, or `crop`: windows of that size at the picture's own scale.
    """

    size: tuple[Side, Side]
    resize: ResizeRule


class Credit(Record):
    """Where data comes from and under which licence."""

    name: Text
    authors: Text
    license: Text
    url: Text | None = None


class DataSummary(Record):
    """The data of the run.

    Args:
        fingerprint: hash of the data set's files and lists.
        pictures: number by split.
        credits: the sources.
    """

    fingerprint: Text
    pictures: dict[str, Count]
    credits: tuple[Credit, ...]


class FileEntry(Record):
    """Checksum and size of a file of the version."""

    sha256: Sha256
    bytes: Count


class Identity(Record):
    """Which version it is; publishing fills it in."""

    schema_version: Annotated[int, Field(ge=1, le=SCHEMA_VERSION)] = SCHEMA_VERSION
    name: Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")]
    version: Annotated[int, Field(ge=1, lt=10**9)]
    created: UtcTime


class ManifestDraft(Record):
    """What a training run knows of a version before it is published.

    Args:
        labels: the classes, ids 0 … n − 1.
        precision: arithmetic that the stored weights are meant for.
        architecture: the network's configuration, as JSON.
        training: the run's configuration, as JSON.
        metrics: by split.
        packages: version by distribution name.
        source: git commit of the code, or None.
        temperature: what the logits of the trained network were divided by to calibrate its probabilities; the stored
            weights have it in them, so nothing is left to do when serving.
    """

    labels: tuple[LabelEntry, ...]
    preprocessing: Preprocessing
    precision: Literal["float32", "int8"]
    architecture: dict[str, JsonValue]
    training: dict[str, JsonValue]
    data: DataSummary
    reference: ReferenceDistribution
    metrics: dict[str, SplitMetrics]
    packages: dict[str, str]
    source: Text | None = None
    temperature: Annotated[float, Field(gt=0.0)] = 1.0

    @model_validator(mode="after")
    def _class_names(self) -> Self:
        names = {label.name for label in self.label_map}
        if set(self.reference.class_share) != names:
            raise ValueError("reference.class_share must have exactly the classes of `labels`")
        for split, metrics in self.metrics.items():
            for scores in (metrics, metrics.flip):
                if scores is not None and not (set(scores.iou) == names and set(scores.dice) <= names):
                    raise ValueError(f"metrics.{split}: `iou` must have exactly the classes of `labels`")
        return self

    @property
    def label_map(self) -> LabelMap:
        """The classes as the other layers use them."""
        return LabelMap(tuple(entry.label for entry in self.labels))


class Manifest(ManifestDraft, Identity):
    """Everything about a version.

    Args:
        files: by path relative to the version's folder, `/` between its parts; all files but the manifest.
    """

    files: Annotated[dict[RelativePath, FileEntry], Field(max_length=MAX_FILES)]

    def to_json(self) -> bytes:
        """The manifest as UTF-8 JSON, indented, one way only: equal manifests give equal bytes."""
        return self.model_dump_json(indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes, origin: str) -> Self:
        """Reads what `to_json` wrote.

        Args:
            data: content of the file.
            origin: what messages call it, for example `pets/3/manifest.json`.

        Raises:
            CorruptVersionError: not a manifest, or one of a newer schema.
        """
        try:
            schema = SchemaVersion.model_validate_json(data).schema_version
            if schema > SCHEMA_VERSION:
                raise CorruptVersionError(
                    f"{origin} has schema version {schema}; this release reads up to {SCHEMA_VERSION}: update segserve"
                )
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise CorruptVersionError(f"{origin} is not a valid manifest: {problems(error)}") from error
