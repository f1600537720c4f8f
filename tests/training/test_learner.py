from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import pytest

from app.core.errors import TrainingError
from app.training.config import load_config
from app.training.initial import Initial
from app.training.learner import Learner, class_weights, dtype_policy, learning_rate, optimizer
from app.training.sources.oxford import PETS
from tests.training.drawn_pets import Array

STEPS = 1000
SMALL = ["steps=1000", "size=16", "network.filters=[8]", "ema_momentum=0.9", "warmup=0"]


@dataclass
class Trained:
    """A learner, and what it held after each of its first steps.

    Args:
        learner: after its last step.
        first_weights: trainable weights by path, before the first step.
        losses: what each step returned.
        weights: trainable weights by path, after each step.
    """

    learner: Learner
    first_weights: dict[str, Array]
    losses: list[float]
    weights: list[dict[str, Array]]


def batch() -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    return random.uniform(0, 255, (4, 16, 16, 3)).astype(np.float32), random.integers(0, 3, (4, 16, 16), np.uint8)


def weights_of(network: keras.Model) -> dict[str, Array]:
    return {variable.path: np.array(variable) for variable in network.trainable_variables}


@pytest.fixture(scope="module")
def trained() -> Trained:
    learner = Learner(load_config(None, SMALL), PETS, STEPS)
    first_weights = weights_of(learner._network)
    losses, weights = [], []
    for _ in range(3):
        losses.append(learner.step(*batch()))
        weights.append(weights_of(learner._network))
    return Trained(learner, first_weights, losses, weights)


@pytest.fixture
def restored(trained: Trained) -> Iterator[Learner]:
    """The learner, put back afterwards to where it was."""
    state = trained.learner.state()
    yield trained.learner
    trained.learner.restore(state)


def test_every_weight_learns(trained: Trained) -> None:
    first, *_, last = trained.weights
    assert all(np.isfinite(loss) for loss in trained.losses)
    assert [path for path in first if np.array_equal(first[path], last[path])] == []


def test_the_loss_is_the_mean_since_it_was_forgotten(restored: Learner) -> None:
    restored.forget_loss()
    first = restored.step(*batch())
    state = restored.state()
    both = restored.step(*batch())
    restored.restore(state)
    restored.forget_loss()
    second = restored.step(*batch())
    assert first != second
    assert both == pytest.approx((first + second) / 2, rel=1e-4)


def test_from_a_restored_state_the_next_step_is_the_same(restored: Learner) -> None:
    state = restored.state()
    loss, after = restored.step(*batch()), restored.state()
    assert not all(np.array_equal(one, other) for one, other in zip(state, after, strict=True))
    restored.restore(state)
    assert all(np.array_equal(one, other) for one, other in zip(restored.state(), state, strict=True))
    assert restored.step(*batch()) == pytest.approx(loss, rel=1e-5)
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(restored.state(), after, strict=True))


def test_the_state_of_another_network_is_refused(trained: Trained) -> None:
    state = trained.learner.state()
    for other in (state[:-1], [*state[:-1], np.zeros(3)], []):
        with pytest.raises(ValueError, match="not the state of this network"):
            trained.learner.restore(other)


def test_the_average_is_a_moving_one_of_the_weights(trained: Trained) -> None:
    pictures, _ = batch()
    network = trained.learner.average([pictures])
    momentum = 0.9
    for path, found in weights_of(network).items():
        first, second, third = (weights[path] for weights in trained.weights)
        expected = momentum * (momentum * first + (1 - momentum) * second) + (1 - momentum) * third
        assert np.allclose(found, expected, atol=1e-6), path
    raw = trained.weights[-1]
    assert any(np.abs(found - raw[path]).max() > 1e-4 for path, found in weights_of(network).items())


def test_the_average_has_statistics_of_its_own(trained: Trained) -> None:
    pictures, _ = batch()
    network = trained.learner.average([pictures])
    at_inference = np.asarray(network(pictures, training=False))
    assert np.abs(at_inference - np.asarray(network(pictures, training=True))).max() < 1e-3
    assert np.allclose(at_inference.sum(axis=-1), 1, atol=1e-5)


def test_averaging_leaves_the_training_alone(trained: Trained) -> None:
    before = trained.learner.state()
    trained.learner.average([batch()[0]])
    assert all(np.array_equal(one, other) for one, other in zip(trained.learner.state(), before, strict=True))


@pytest.mark.parametrize("head", [True, False])
def test_it_begins_with_the_weights_of_another(trained: Trained, head: bool) -> None:
    config = load_config(None, [*SMALL, "seed=7"])
    network = trained.learner.average([batch()[0]])
    learner = Learner(config, PETS, STEPS)
    fresh = weights_of(learner._network)
    learner.begin_with(Initial(network, head))
    begun, given = weights_of(learner._network), weights_of(network)
    for path, weights in begun.items():
        expected = given if head or not path.startswith("head_conv") else fresh
        assert np.array_equal(weights, expected[path]), path
    statistics = learner._network.get_layer("stem_batchnorm").moving_variance
    assert np.array_equal(statistics, network.get_layer("stem_batchnorm").moving_variance)


def test_weights_of_classes() -> None:
    config = load_config(None, [*SMALL, "class_weights.border=2.5"])
    assert class_weights(config, PETS) == [1.0, 1.0, 2.5]
    assert class_weights(load_config(None, SMALL), PETS) is None
    with pytest.raises(TrainingError, match="class_weights: no class tail; there are pet, background, border"):
        class_weights(load_config(None, [*SMALL, "class_weights.tail=2"]), PETS)


@pytest.mark.parametrize(("seed", "same"), [(0, True), (1, False)])
def test_the_seed_determines_the_first_weights(trained: Trained, seed: int, same: bool) -> None:
    found = weights_of(Learner(load_config(None, [*SMALL, f"seed={seed}"]), PETS, STEPS)._network)
    kernels = [path for path in found if path.endswith("kernel")]
    assert len(kernels) > 8
    assert {np.array_equal(found[path], trained.first_weights[path]) for path in kernels} == {same}


def test_half_precision_is_for_training_alone() -> None:
    learner = Learner(load_config(None, [*SMALL, "precision=mixed_bfloat16"]), PETS, STEPS)
    training, kept = learner._network, learner._exported
    assert training.get_layer("stem_conv").compute_dtype == "bfloat16"
    assert training.get_layer("stem_conv").kernel.dtype == "float32"
    assert training.output.dtype == "float32"
    assert {layer.compute_dtype for layer in kept.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


def test_the_policy_is_put_back_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), dtype_policy("mixed_bfloat16"):
        1 / (keras.layers.Dense(1).compute_dtype != "bfloat16")  # fails, as it is to do
    assert keras.config.dtype_policy().name == "float32"


def rates(steps: int, *overrides: str) -> list[float]:
    schedule = learning_rate(load_config(None, [f"steps={steps}", "learning_rate=0.5", *overrides]), steps)
    return [float(schedule(step)) for step in range(steps + 1)]


def test_the_learning_rate_rises_then_falls_to_zero() -> None:
    found = rates(100, "warmup=0.1")
    assert found[:11] == pytest.approx(np.linspace(0, 0.5, 11))
    assert max(found) == pytest.approx(0.5)
    assert np.all(np.diff(found[10:]) < 0)
    assert found[55] == pytest.approx(0.25)  # half way down a cosine
    assert found[100] == pytest.approx(0, abs=1e-7)


def test_a_learning_rate_without_warm_up() -> None:
    found = rates(10, "warmup=0")
    assert found[0] == pytest.approx(0.5)
    assert found[5] == pytest.approx(0.25)
    assert found[10] == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.03), (1, 1), (2, 1), (20, 1)])
def test_the_shortest_runs_have_a_learning_rate(steps: int, warmup: float) -> None:
    found = rates(steps, f"warmup={warmup}")
    assert np.isfinite(found).all()
    assert max(found[:-1]) > 0
    assert found[-1] == pytest.approx(0, abs=1e-7)


def test_biases_and_norms_do_not_decay() -> None:
    config = load_config(None, ["steps=10", "weight_decay=0.5"])
    shrinking = optimizer(config, 0.1, 10)
    variables = [keras.Variable(np.ones(2), name=name) for name in ("kernel", "bias", "gamma", "beta")]
    shrinking.apply([keras.ops.zeros(2) for _ in variables], variables)
    assert [float(variable[0]) for variable in variables] == pytest.approx([1 - 0.1 * 0.5, 1, 1, 1])


@pytest.mark.parametrize(("steps", "momentum"), [(10, 0.0), (100, 0.8), (10**6, 0.998)])
def test_the_average_reaches_over_a_twentieth_of_a_run_at_most(steps: int, momentum: float) -> None:
    assert optimizer(load_config(None, ["steps=1"]), 0.1, steps).ema_momentum == pytest.approx(momentum)
