"""Bodies of Label Studio's requests and of the answers; what it sends beside these fields is of no concern here."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.api.annotation_bodies import BrushPrediction

MOST_TASKS = 10_000


class Project(BaseModel):
    """What all of them have."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    project: str | None = Field(None, max_length=200, examples=["1.1732620000"])


class Setup(Project):
    """Body of `/setup`."""

    label_schema: str = Field(alias="schema", description="The labelling configuration, XML.")
    hostname: str | None = Field(None, max_length=2000, examples=["http://label-studio.lan:8080"])
    access_token: str | None = Field(None, max_length=4096, description="Of Label Studio's API.")


class Task(BaseModel):
    """A task."""

    model_config = ConfigDict(frozen=True)

    data: dict[str, Any] = Field(description="Holds the picture, by URL or as a data URL, where the `Image` says.")


class Predict(Project):
    """Body of `/predict`."""

    tasks: list[Task] = Field(max_length=MOST_TASKS)
    label_config: str | None = Field(None, description="Without it that of the setup.")


class TaskError(BaseModel):
    """Why a task has no result."""

    code: str = Field(examples=["picture_not_fetched"])
    detail: str


class FailedPrediction(BaseModel):
    """The result of a task that failed."""

    result: list[Any] = Field(description="Empty.")
    score: float = Field(examples=[0.0])
    model_version: str = Field(examples=["pets/3"])
    error: TaskError


class Predictions(BaseModel):
    """Answer of `/predict`: a result for each task, in order."""

    results: list[BrushPrediction | FailedPrediction]
    model_version: str = Field(examples=["pets/3"])


class ModelVersion(BaseModel):
    """Answer of `/setup`."""

    model_version: str = Field(examples=["pets/3"])


class Versions(BaseModel):
    """Answer of `/versions`."""

    versions: list[str] = Field(examples=[["pets/3"]])


class Up(BaseModel):
    """Answer of `/health`."""

    status: str = Field(examples=["UP"])
    model_class: str = Field(examples=["pets/3"])
