"""`segserve serve` with an engine that does what a file says: `fail`, `hang` or `nan`; nothing while there is none.

First argument: the file. The others are those of `segserve`.
"""

import sys
import time
from pathlib import Path

import numpy as np

from app.cli import main
from app.inference.engine import Images, Probabilities
from app.inference.openvino_engine import OpenVinoEngine


def spoil(orders: Path) -> None:
    """Puts the file between every engine and its callers."""
    infer = OpenVinoEngine.infer

    def spoiled(engine: OpenVinoEngine, images: Images) -> Probabilities:
        probabilities = infer(engine, images)
        order = orders.read_text() if orders.exists() else ""
        if order == "fail":
            raise RuntimeError("out of order")
        while order == "hang" and orders.exists():
            time.sleep(0.01)
        return np.full_like(probabilities, np.nan) if order == "nan" else probabilities

    OpenVinoEngine.infer = spoiled  # type: ignore[method-assign, assignment]  # that is what it is for


if __name__ == "__main__":
    spoil(Path(sys.argv[1]))
    main(sys.argv[2:])
