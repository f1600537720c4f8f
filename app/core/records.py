"""Base of the data that is kept as JSON."""

from pydantic import BaseModel, ConfigDict, ValidationError

_LONGEST = 200  # characters of one problem: a key of the file may be part of it


class Record(BaseModel):
    """Frozen, strict, no unknown fields, no NaN or infinity."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class SchemaVersion(BaseModel):
    """The one field that every schema of a file has; read first, so that newer files are refused by their number."""

    model_config = ConfigDict(strict=True)

    schema_version: int


def problems(error: ValidationError, most: int = 3) -> str:
    """The first problems of a failed validation in one line: where and what."""
    lines = [f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']}" for item in error.errors()[:most]]
    return "; ".join(line if len(line) <= _LONGEST else line[:_LONGEST] + "…" for line in lines)
