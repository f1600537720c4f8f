"""Bodies of answers that are other tools' annotations, as OpenAPI shows them."""

from pydantic import BaseModel, Field

from app.api.schemas import RunLengths, SegmentBody


class CocoImage(BaseModel):
    """The picture."""

    id: int = Field(examples=[1])
    width: int = Field(examples=[500])
    height: int = Field(examples=[375])
    file_name: str = Field(description="As it was sent; `picture` if it had none.", examples=["cat.jpg"])


class CocoCategory(BaseModel):
    """A class of the model."""

    id: int = Field(description="The class id.", examples=[0])
    name: str = Field(examples=["pet"])
    supercategory: str = Field(description="The role of the class, if it has one.", examples=["foreground"])


class CocoAnnotation(BaseModel):
    """A class or a connected component in the picture."""

    id: int = Field(description="From 1 on; the same for the same picture and options.", examples=[1])
    image_id: int = Field(examples=[1])
    category_id: int = Field(examples=[0])
    segmentation: RunLengths | list[list[int]] = Field(
        description="Run lengths, or polygons `[x, y, x, y, …]` at corners of pixels."
    )
    area: int = Field(description="Pixels.", examples=[56250])
    bbox: tuple[int, int, int, int] = Field(description="x, y, width, height.", examples=[[96, 40, 250, 310]])
    iscrowd: int = Field(examples=[0])
    score: float = Field(description="Mean confidence of its pixels.", examples=[0.93])


class CocoBody(BaseModel):
    """Answer of `output=coco`: a data set of one picture."""

    info: dict[str, str]
    licenses: list[dict[str, str]] = Field(description="Empty.")
    images: list[CocoImage]
    categories: list[CocoCategory]
    annotations: list[CocoAnnotation]


class BrushValue(BaseModel):
    """A mask as a bit stream."""

    format: str = Field(examples=["rle"])
    rle: list[int] = Field(description="Bytes.")
    brushlabels: list[str] = Field(examples=[["pet"]])


class BrushResult(BaseModel):
    """A class or a connected component in the picture."""

    id: str = Field(examples=["segserve-1"])
    from_name: str = Field(examples=["tag"])
    to_name: str = Field(examples=["image"])
    original_width: int = Field(examples=[500])
    original_height: int = Field(examples=[375])
    image_rotation: int = Field(examples=[0])
    type: str = Field(examples=["brushlabels"])
    value: BrushValue
    score: float = Field(examples=[0.93])
    readonly: bool = Field(examples=[False])


class BrushPrediction(BaseModel):
    """Answer of `output=label-studio`: an entry for a task's `predictions`."""

    model_version: str = Field(examples=["pets/3"])
    score: float = Field(description="Mean confidence of all pixels that are decided.", examples=[0.93])
    result: list[BrushResult]


class CvatShape(BaseModel):
    """Entry of the answer of `output=cvat`: a class or a connected component."""

    confidence: float = Field(examples=[0.93])
    label: str = Field(examples=["pet"])
    points: list[int] = Field(description="`[x, y, …]`: the outer ring of the largest part.")
    mask: list[int] = Field(description="The box row by row, 0 or 1; then its left, top, right, bottom, inclusive.")
    type: str = Field(examples=["mask"])


class ImageSegment(BaseModel):
    """Entry of the answer of `output=huggingface`: a class."""

    label: str = Field(examples=["pet"])
    mask: str = Field(description="PNG in base64: one channel, the picture's size, 0 or 255.")
    score: float = Field(examples=[0.93])


JsonAnswer = SegmentBody | CocoBody | BrushPrediction | list[CvatShape] | list[ImageSegment]
"""Whatever an answer of type `application/json` is, by its `output`."""
