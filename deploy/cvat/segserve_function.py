"""An auto-annotation function of CVAT that asks a segserve service; a file of its own, to copy.

    pip install cvat-cli httpx
    cvat-cli --server-host https://app.cvat.ai --auth USER task auto-annotate 123 \
        --function-file segserve_function.py -p url=str:http://localhost:8000 --allow-unmatched-labels

Labels are matched by name: the task needs at least one that is called like a class of the model.
"""

import io
from collections.abc import Sequence

import cvat_sdk.auto_annotation as cvataa
import cvat_sdk.models as models
import httpx
import numpy as np
import PIL.Image
from cvat_sdk.masks import encode_mask


class Segserve:
    """Masks of a segserve service as annotations.

    Args:
        url: of the service.
        model: NAME[:VERSION|ALIAS]; empty: its default model.
        key: API key, where the service asks for one.
        components: whether each connected part is an annotation of its own.
        skip: classes that are not drawn, with commas between them.
    """

    def __init__(
        self, url: str, model: str = "", key: str = "", components: bool = False, skip: str = "background"
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60.0)
        self._components = components
        self._model = {"model": model} if model else {}
        found = _checked(self._http.get("/model", params=self._model)).json()
        skipped = {name.strip() for name in skip.split(",")}
        self._ids = {label["name"]: label["id"] for label in found["labels"] if label["name"] not in skipped}

    @property
    def spec(self) -> cvataa.DetectionFunctionSpec:
        """The classes of the model."""
        return cvataa.DetectionFunctionSpec(
            labels=[cvataa.label_spec(name, number, type="mask") for name, number in self._ids.items()]
        )

    def detect(
        self, context: cvataa.DetectionFunctionContext, image: PIL.Image.Image
    ) -> Sequence[models.LabeledShapeRequest]:
        """The masks in a picture."""
        file = io.BytesIO()
        image.convert("RGB").save(file, "PNG", compress_level=1)
        parts = self._components or context.conv_mask_to_poly  # a polygon is one ring
        params = self._model | {"output": "cvat", "components": str(parts).lower()}
        shapes = _checked(self._http.post("/segment", params=params, content=file.getvalue())).json()
        least = context.conf_threshold or 0.0
        return [
            self._annotation(shape, context.conv_mask_to_poly)
            for shape in shapes
            if shape["label"] in self._ids and shape["confidence"] >= least
        ]

    def _annotation(self, shape: dict[str, object], polygon: bool) -> models.LabeledShapeRequest:
        number = self._ids[shape["label"]]
        if polygon:
            return cvataa.polygon(number, shape["points"])
        *values, left, top, right, bottom = shape["mask"]
        bitmap = np.zeros((bottom + 1, right + 1), bool)
        bitmap[top:, left:] = np.reshape(values, (bottom - top + 1, right - left + 1))
        return cvataa.mask(number, encode_mask(bitmap, [left, top, right + 1, bottom + 1]))


def _checked(response: httpx.Response) -> httpx.Response:
    """The answer, or an error that says what the service says."""
    if response.is_error:
        raise RuntimeError(f"segserve answers {response.status_code}: {response.text[:500]}")
    return response


def create(
    url: str, model: str = "", key: str = "", components: bool = False, skip: str = "background"
) -> cvataa.DetectionFunction:
    """What cvat-cli calls; its `-p` give the parameters."""
    return Segserve(url, model, key, components, skip)
