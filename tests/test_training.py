"""Training of the ensemble against one repetition at a time, and what a repetition may depend on."""

import numpy as np
import pytest
import torch
from reference import PublishedNetwork, bits_of, train_reference

from infoplane import TrainingSpec, load_dataset, train
from infoplane.networks import Levels, network_of, scheme_of
from infoplane.training import (
    Ensemble,
    State,
    corrected_rate,
    initial_state,
    random_streams,
    shuffled_batches,
)

SETTINGS = {
    "dataset": "synthetic",
    "network": "shwartz-ziv",
    "epochs": 2,
    "record_every": 1,
    "compile": False,
}
TRAINED = 3276


def spec_of(activation="relu", bits=8, **others):
    return TrainingSpec(**SETTINGS | {"activation": activation, "bits": bits} | others)


@pytest.fixture(scope="module")
def synthetic():
    return load_dataset("synthetic")


def reference_run(spec, synthetic, repetition, start):
    """The same repetition by the reference, from the same start and with the same order of inputs."""
    _, shuffling = random_streams(spec, repetition)
    return train_reference(
        PublishedNetwork(spec.activation, bits_of(spec), start),
        torch.tensor(synthetic.inputs, dtype=start.dtype),
        torch.tensor(synthetic.labels),
        torch.tensor(synthetic.train_mask),
        [shuffling.permutation(TRAINED) for _ in range(spec.epochs)],
        spec.batch_size,
        spec.learning_rate,
    )


CASES = [
    ("tanh", 8, 256),
    ("relu", 8, 256),
    ("tanh", 2, 256),
    ("relu", {"weights": 8, "activations": 4}, 256),
    ("tanh", "float32", 256),
    ("relu", "float32", 256),
    ("tanh", 8, 3000),
    ("relu", 8, 5000),
]


@pytest.mark.parametrize(("activation", "bits", "batch_size"), CASES)
def test_steps_in_double_precision_are_those_of_the_reference(synthetic, activation, bits, batch_size):
    """Without the rounding of float32, which moves a value to the next level here and there."""
    spec = spec_of(activation, bits, batch_size=batch_size, learning_rate=1e-3)
    network = network_of(spec, 12, 2)
    ensemble = Ensemble(network, scheme_of(spec), Levels.of(spec.bits, torch.float64))
    initialisers, shufflers = zip(*(random_streams(spec, repetition) for repetition in range(2)), strict=True)
    state = State(*(each.double() for each in initial_state(network, spec, initialisers)))
    starts = state.parameters.clone()
    epochs = shuffled_batches(synthetic, spec, shufflers)
    batches = [batch for _ in range(spec.epochs) for batch in next(epochs)]
    for step, batch in enumerate(batches, start=1):
        rate = spec.learning_rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        state = ensemble.step(state, batch._replace(weights=batch.weights.double()), rate)
    for repetition in range(2):
        parameters, ranges, _ = reference_run(spec, synthetic, repetition, starts[repetition])[-1]
        np.testing.assert_allclose(state.parameters[repetition], parameters, rtol=0, atol=1e-12)
        np.testing.assert_allclose(state.ranges[repetition], ranges, rtol=0, atol=1e-12)


def agrees(spec, synthetic, repetitions):
    """Whether `train` does what the reference does in float32, but for values moved to the next level."""
    trajectory, history = train(spec, repetitions, synthetic)
    for place, repetition in enumerate(repetitions):
        rows = history[history["repetition"] == repetition]
        start = torch.from_numpy(trajectory.parameters[place, 0])
        for epoch, expected in enumerate(reference_run(spec, synthetic, repetition, start)):
            parameters, ranges, measures = expected
            errors = np.abs(trajectory.parameters[place, epoch + 1] - parameters)
            assert np.median(errors) < 1e-6
            assert errors.max() < 1e-3
            np.testing.assert_allclose(trajectory.ranges[place, epoch + 1], ranges, rtol=0, atol=1e-4)
            found = rows.iloc[epoch][["loss", "train_accuracy", "test_accuracy"]].to_numpy(float)
            np.testing.assert_allclose(found, measures, rtol=0, atol=1e-5)
    return True


@pytest.mark.parametrize(("activation", "bits", "batch_size"), CASES)
def test_train_is_the_reference(synthetic, activation, bits, batch_size):
    assert agrees(spec_of(activation, bits, batch_size=batch_size), synthetic, [3, 5])


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "bits", "batch_size"), CASES)
def test_compiled_train_is_the_reference(synthetic, activation, bits, batch_size):
    assert agrees(spec_of(activation, bits, batch_size=batch_size, compile=True), synthetic, [3, 5])


def test_first_step_of_adam_in_closed_form(synthetic):
    """θ₁ − θ₀ = −α·g/(|g| + ε/√(1 − β₂)): ε stands beside the uncorrected second moment."""
    spec = spec_of("tanh", "float32", batch_size=TRAINED, epochs=1, learning_rate=0.5)
    trajectory, _ = train(spec, [0], synthetic)
    start = torch.from_numpy(trajectory.parameters[0, 0]).double()
    network = PublishedNetwork("tanh", None, start)
    inputs, labels = (
        torch.tensor(each[synthetic.train_mask]) for each in (synthetic.inputs, synthetic.labels)
    )
    torch.nn.functional.cross_entropy(network.logits(inputs.double(), True), labels).backward()
    gradient = torch.cat([each.grad.flatten() for each in network.parameters()])
    expected = -0.5 * gradient / (gradient.abs() + 1e-7 / np.sqrt(0.001))
    np.testing.assert_allclose(trajectory.parameters[0, 1], start + expected, rtol=0, atol=1e-4)


def test_learning_rate_is_corrected_for_bias():
    spec = spec_of()
    for step in (1, 2, 100, 104000):
        expected = 1e-4 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        assert corrected_rate(spec, step).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_padding_of_a_batch_changes_nothing(synthetic, activation):
    exact, padded = (
        train(spec_of(activation, 8, batch_size=size, epochs=1), [0], synthetic) for size in (TRAINED, 4000)
    )
    np.testing.assert_allclose(exact[0].parameters, padded[0].parameters, rtol=0, atol=2e-7)
    np.testing.assert_array_equal(exact[0].ranges, padded[0].ranges)
    np.testing.assert_allclose(exact[1]["loss"], padded[1]["loss"], rtol=1e-6)


@pytest.mark.parametrize(
    "compile", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["eager", "compiled"]
)
@pytest.mark.parametrize(("activation", "bits"), [("relu", 8), ("tanh", 4), ("tanh", "float32")])
def test_a_repetition_is_the_same_in_any_company(synthetic, activation, bits, compile):
    spec = spec_of(activation, bits, compile=compile, epochs=1)
    crowd = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]  # more than are trained at once
    together, history = train(spec, crowd, synthetic)
    for others in ([2], [0, 1, 2, 3]):
        alone, its_history = train(spec, others, synthetic)
        place = others.index(2)
        assert alone.parameters[place].tobytes() == together.parameters[crowd.index(2)].tobytes()
        assert alone.ranges[place].tobytes() == together.ranges[crowd.index(2)].tobytes()
        rows, its_rows = (
            each[each["repetition"] == 2].reset_index(drop=True) for each in (history, its_history)
        )
        assert rows.equals(its_rows)


def test_every_repetition_has_its_own_start_and_its_own_orders(synthetic):
    spec = spec_of()
    trajectory, _ = train(spec, range(4), synthetic)
    starts = trajectory.parameters[:, 0]
    assert len({start.tobytes() for start in starts}) == 4
    reseeded, _ = train(spec_of(seed=1), range(4), synthetic)
    assert not {start.tobytes() for start in starts} & {
        start.tobytes() for start in reseeded.parameters[:, 0]
    }
    shufflers = [random_streams(spec, repetition)[1] for repetition in range(4)]
    orders = {shuffler.permutation(TRAINED).tobytes() for shuffler in shufflers for _ in range(3)}
    assert len(orders) == 12


def test_recorded_are_the_start_and_every_multiple_of_the_interval(synthetic):
    often, history = train(spec_of(epochs=5, batch_size=1024), [0], synthetic)
    rarely, same_history = train(spec_of(epochs=5, batch_size=1024, record_every=3), [0], synthetic)
    assert often.epochs.tolist() == [-1, *range(5)]
    assert rarely.epochs.tolist() == [-1, 0, 3]
    np.testing.assert_array_equal(rarely.parameters, often.parameters[:, [0, 1, 4]])
    np.testing.assert_array_equal(rarely.ranges, often.ranges[:, [0, 1, 4]])
    assert history.equals(same_history)
    assert history["epoch"].tolist() == list(range(5))


def test_moving_ranges_start_at_six_and_move_only_where_they_are_used(synthetic):
    for activation, bits, moved in [("relu", 8, list(range(6))), ("tanh", 8, [5]), ("tanh", "float32", [])]:
        trajectory, _ = train(spec_of(activation, bits, epochs=1), [0], synthetic)
        np.testing.assert_array_equal(trajectory.ranges[0, 0], [[-6.0, 6.0]] * 6)
        changed = (trajectory.ranges[0, 1] != trajectory.ranges[0, 0]).any(axis=1)
        assert np.flatnonzero(changed).tolist() == moved
    trajectory, _ = train(spec_of("relu", 8, epochs=1), [0], synthetic)
    low = trajectory.ranges[0, 1, :5, 0]  # the lowest output of a ReLU is 0 in nearly every batch
    np.testing.assert_allclose(low, -6 * 0.999**13, rtol=1e-3)


def test_nan_stays_with_its_member(synthetic):
    spec = spec_of("relu", 8)
    network = network_of(spec, 12, 2)
    ensemble = Ensemble(network, scheme_of(spec), Levels.of(spec.bits, torch.float32))

    def trained(poison):
        state = initial_state(network, spec, [random_streams(spec, member)[0] for member in range(10)])
        state.parameters[4, 100] = poison
        shufflers = [random_streams(spec, member)[1] for member in range(10)]
        for step, batch in enumerate(next(shuffled_batches(synthetic, spec, shufflers))):
            state = ensemble.step(state, batch, corrected_rate(spec, step + 1))
        return state

    others = np.arange(10) != 4
    clean = trained(0.0)
    for poison in (torch.nan, torch.inf):
        poisoned = trained(poison)
        assert poisoned.tally[4, 0].isnan()
        assert poisoned.parameters[4].isnan().any()
        for ours, theirs in zip(clean, poisoned, strict=True):
            assert ours[others].numpy().tobytes() == theirs[others].numpy().tobytes()


def test_a_failed_repetition_shows_in_the_history(synthetic):
    trajectory, history = train(spec_of("relu", 8, learning_rate=1e38, epochs=3), [0, 1], synthetic)
    assert history["loss"].isna().any()
    assert not trajectory.finite[:, -1].any()
    assert trajectory.finite[:, 0].all()


def test_table_of_the_history(synthetic):
    _, history = train(spec_of(epochs=2), [5, 7], synthetic)
    assert history.dtypes.astype(str).to_dict() == {
        "repetition": "int32",
        "part": history["part"].dtype.name,
        "epoch": "int32",
        "loss": "float64",
        "train_accuracy": "float64",
        "test_accuracy": "float64",
    }
    assert history["repetition"].tolist() == [5, 5, 7, 7]
    assert set(history["part"]) == {"main"}
    for column, count in [("train_accuracy", TRAINED), ("test_accuracy", 820)]:
        hits = history[column] * count
        np.testing.assert_allclose(hits, np.round(hits), atol=1e-3)
