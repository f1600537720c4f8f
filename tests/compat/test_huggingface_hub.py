"""Hugging Face's client, unmodified, pointed at the service."""

import io

import numpy as np
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from PIL import Image

from tests.compat.served import Served


def test_an_image_segmentation(served: Served, jpeg: bytes) -> None:
    client = InferenceClient(model=f"{served.url}/huggingface")
    segments = client.image_segmentation(jpeg)
    assert [segment.label for segment in segments] == ["pet", "background", "border"]
    masks = [np.asarray(segment.mask) for segment in segments]
    assert {mask.shape for mask in masks} == {Image.open(io.BytesIO(jpeg)).size[::-1]}
    assert (np.sum([mask // 255 for mask in masks], axis=0) == 1).all()
    least = sorted(float(segment.score or 0.0) for segment in segments)[1]
    assert len(client.image_segmentation(jpeg, threshold=least, subtask="semantic")) == 2


def test_keys_and_errors(locked: Served, jpeg: bytes) -> None:
    url = f"{locked.url}/huggingface"
    assert InferenceClient(model=url, token=locked.key).image_segmentation(jpeg)
    with pytest.raises(HfHubHTTPError, match="401"):
        InferenceClient(model=url, token="wrong").image_segmentation(jpeg)
    with pytest.raises(HfHubHTTPError, match="mask_threshold"):
        InferenceClient(model=url, token=locked.key).image_segmentation(jpeg, mask_threshold=0.5)
