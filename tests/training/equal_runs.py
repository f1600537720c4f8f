"""Whether two runs are the same bit by bit."""

import keras
import numpy as np

from app.training.checkpoint import Checkpoints, TrainingState
from app.training.run import Run


def last_state(run: Run) -> TrainingState:
    state = Checkpoints(run.checkpoints).load()
    assert state is not None
    return state


def require_equal(run: Run, unbroken: Run) -> None:
    """Bit by bit: history, validation list, both networks, the whole state at the end."""
    for name in ("history.csv", "validation.txt", "config.json", "data.json", "augmented.png", "examples.png"):
        assert (run.folder / name).read_bytes() == (unbroken.folder / name).read_bytes(), name
    state, expected = last_state(run), last_state(unbroken)
    assert (state.step, state.best, state.history) == (expected.step, expected.best, expected.history)
    assert [a.tobytes() for a in state.arrays] == [a.tobytes() for a in expected.arrays]
    for name in ("best.keras", "last.keras"):
        found, network = (keras.saving.load_model(r.folder / name, compile=False) for r in (run, unbroken))
        weights, expected_weights = found.get_weights(), network.get_weights()
        assert len(weights) > 30
        assert all(np.array_equal(one, other) for one, other in zip(weights, expected_weights, strict=True)), name
