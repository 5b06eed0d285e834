"""Training of the ensemble against one repetition at a time, and what a repetition may depend on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from reference import ReferenceNetwork, shown, small_images, train_reference

from infoplane import TrainingSpec, load_dataset, train, training
from infoplane.inputs import Streams, network_inputs, network_labels
from infoplane.networks import Intake, Levels, network_of, scheme_of
from infoplane.training import Ensemble, Pace, State, batch_places, shuffled_batches

SETTINGS = {
    "dataset": "synthetic",
    "network": "shwartz-ziv",
    "epochs": 2,
    "record_every": 1,
    "compile": False,
}
TRAINED = 3276
IMAGES = [{"conv": 2, "kernel": 3}, {"pool": 2}, {"conv": 3, "kernel": 2}, {"pool": 2}, 5]
ON_IMAGES = {"dataset": "small-images", "network": IMAGES, "batch_size": 16, "epochs": 3}
COMPILE = [pytest.param(False, id="eager"), pytest.param(True, id="compiled", marks=pytest.mark.slow)]


def spec_of(activation="relu", bits=8, **others):
    return TrainingSpec(**SETTINGS | {"activation": activation, "bits": bits} | others)


def dataset_of(spec, dtype=np.uint8):
    if spec.dataset == "synthetic":
        return load_dataset("synthetic")
    return small_images((14, 13) if spec.network == "conv" else (9, 8), dtype)


@pytest.fixture(scope="module")
def synthetic():
    return load_dataset("synthetic")


def reference_run(spec, dataset, repetition, start, earlier=None):
    """The same repetition by the reference, from the same start and with the same order of inputs."""
    streams = Streams.of(spec, repetition)
    truth = dataset.labels[dataset.train_mask]
    shuffled = truth[streams.prefit.permutation(len(truth))]
    labels = [shuffled] * spec.prefit_epochs + [truth] * spec.epochs
    orders = [streams.shuffling.permutation(len(truth)) for _ in labels]
    return train_reference(ReferenceNetwork(spec, dataset, start), dataset, orders, labels, earlier)


PUBLISHED = [
    spec_of("tanh", 8),
    spec_of("relu", 8),
    spec_of("tanh", 2),
    spec_of("relu", {"weights": 8, "activations": 4}),
    spec_of("tanh", "float32"),
    spec_of("relu", "float32"),
    spec_of("tanh", 8, batch_size=3000),
    spec_of("relu", 8, batch_size=5000),
    spec_of("tanh", 8, epochs=1, prefit_epochs=1, batch_size=1024),
    spec_of("relu", 8, **ON_IMAGES),
    spec_of("tanh", 4, **ON_IMAGES),
    spec_of("gelu", "float32", **ON_IMAGES),
    spec_of("relu", 8, **ON_IMAGES | {"prefit_epochs": 2, "batch_size": 100}),
    spec_of("relu", 8, **ON_IMAGES | {"network": "conv"}),
    spec_of("relu", 8, **ON_IMAGES | {"network": "hourglass"}),
]
CONTROLLED = [
    spec_of("tanh", 8, protocol="controlled"),
    spec_of("relu", 8, protocol="controlled"),
    spec_of("sigmoid", 2, protocol="controlled", batch_size=1024),
    spec_of("elu", "float32", protocol="controlled", batch_size=1024),
    *(
        spec_of(activation, 8, protocol="controlled", **ON_IMAGES)
        for activation in ("relu", "tanh", "leaky-relu", "elu", "gelu", "sigmoid", "hard-tanh", "identity")
    ),
    spec_of("relu", 4, protocol="controlled", **ON_IMAGES | {"prefit_epochs": 2}),
]
OWN = [
    spec_of("relu", 8, beta_1=0.5, beta_2=0.9, epsilon=1e-3, **ON_IMAGES),
    spec_of("relu", 8, initialisation="glorot", **ON_IMAGES),
    spec_of("relu", 8, ranges={"hidden_weights": "ema-debiased", "output_weights": "ema"}, **ON_IMAGES),
    spec_of("tanh", 16, ranges={"hidden_weights": (-0.5, 0.5), "activations": "ema"}, **ON_IMAGES),
    spec_of("elu", 8, protocol="controlled", ranges={"output": "ema-debiased"}, **ON_IMAGES),
    spec_of("elu", 8, protocol="controlled", ranges={"activations": (-0.2, 0.4)}, **ON_IMAGES),
]
CASES = [(spec, np.uint8) for spec in [*PUBLISHED, *CONTROLLED, *OWN]]
CASES += [
    (spec_of(activation, bits, protocol=protocol, **ON_IMAGES), np.float32)
    for protocol, activation, bits in [
        ("published", "relu", 8),
        ("published", "tanh", 8),
        ("controlled", "relu", 4),
        ("controlled", "sigmoid", "float32"),
    ]
]


def name_of(case):
    if isinstance(case, type):
        return case.__name__
    differences = case.model_dump(mode="json", exclude_defaults=True)
    for key in SETTINGS:
        del differences[key]
    return "-".join(map(str, [case.dataset, *differences.values()]))


def steps_in_double_precision(spec, dataset, repetitions, wider):
    """The states of an ensemble before its first and after its last step, in float64."""
    values, scale = network_inputs(dataset, scheme_of(spec).quantized)
    network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
    ensemble = Ensemble(spec, network, scale)
    inputs, labels = values[dataset.train_mask], dataset.labels[dataset.train_mask]
    streams = [Streams.of(spec, repetition) for repetition in repetitions]
    drawn = ensemble.initial_state([each.initialisation for each in streams], torch.from_numpy(inputs.T))
    start = state = State(*(each.double() for each in drawn))
    earlier = 0
    if wider:
        moving = (start.ranges.abs() != 6).any(3, keepdim=True)
        start = state = start._replace(ranges=torch.where(moving, wider * start.ranges, start.ranges))
        earlier = 1
    ensemble.levels = Levels.of(spec.bits, torch.float64)
    ensemble.scale = None if scale is None else torch.tensor(scale, dtype=torch.float64)
    shuffled = np.stack([labels[each.prefit.permutation(len(labels))] for each in streams])
    answers = [shuffled] * spec.prefit_epochs + [np.stack([labels] * len(streams))] * spec.epochs
    step = 0
    for each in answers:
        shufflers = [its.shuffling for its in streams]
        for batch in shuffled_batches(inputs, torch.from_numpy(each), spec.batch_size, shufflers):
            step += 1
            rate = spec.learning_rate * np.sqrt(1 - spec.beta_2**step) / (1 - spec.beta_1**step)
            weights = 1 - 0.999, (1 - 0.999) / (1 - 0.999 ** (earlier + step))
            pace = torch.tensor([rate, *weights], dtype=torch.float64).unbind()
            batch = batch._replace(weights=batch.weights.double())
            state = ensemble.step(state, batch, Pace(pace[0], Intake(*pace[1:])))
    return start, state


@pytest.mark.parametrize(("spec", "dtype"), CASES, ids=name_of)
def test_steps_in_double_precision_are_those_of_the_reference(spec, dtype):
    """Without the rounding of float32, which moves a value to the next level here and there."""
    spec = spec.model_copy(update={"learning_rate": 1e-3})
    dataset = dataset_of(spec, dtype)
    # The first range of a ReLU ends at its largest output, and rounding says if that passes its gradient.
    wider = 1.05 if spec.activation == "relu" and "ema-debiased" in scheme_of(spec) else None
    start, end = steps_in_double_precision(spec, dataset, range(2), wider)
    for repetition in range(2):
        earlier = start.ranges[repetition].numpy() if wider else None
        records = reference_run(spec, dataset, repetition, start.parameters[repetition], earlier)
        np.testing.assert_allclose(start.ranges[repetition], records[0].ranges, rtol=1e-5)
        np.testing.assert_allclose(end.parameters[repetition], records[-1].parameters, rtol=0, atol=1e-12)
        np.testing.assert_allclose(end.ranges[repetition], records[-1].ranges, rtol=0, atol=1e-12)


def agrees(spec, dataset, repetitions):
    """Whether `train` does what the reference does in float32, but for values moved to the next level.

    These are a larger part of a small batch, and of ranges that are those of few batches.
    """
    few = spec.dataset == "small-images" or spec.protocol == "controlled"
    trajectory, history = train(spec, repetitions, dataset)
    prefit = spec.prefit_epochs
    of_main = range(prefit, prefit + spec.epochs + 1)
    recorded = [*range(prefit + 1), *of_main] if prefit else of_main
    assert trajectory.parameters.shape[:2] == (len(repetitions), len(recorded))
    for place, repetition in enumerate(repetitions):
        rows = history[history["repetition"] == repetition]
        start = torch.from_numpy(trajectory.parameters[place, 0])
        records = reference_run(spec, dataset, repetition, start)
        for time, epoch in enumerate(recorded):
            errors = np.abs(trajectory.parameters[place, time] - records[epoch].parameters)
            assert np.median(errors) < (3e-5 if few else 1e-6)
            assert errors.max() < 1e-3
            np.testing.assert_allclose(
                trajectory.ranges[place, time], records[epoch].ranges, rtol=0, atol=1e-3 if few else 1e-4
            )
        found = rows[["loss", "train_accuracy", "test_accuracy"]].to_numpy()
        expected = np.array([each.measures for each in records[1:]])
        np.testing.assert_allclose(found[:, 0], expected[:, 0], rtol=0, atol=5e-3 if few else 1e-5)
        np.testing.assert_allclose(found[:, 1:], expected[:, 1:], rtol=0, atol=1e-5)
    return True


@pytest.mark.parametrize(("spec", "dtype"), CASES, ids=name_of)
def test_train_is_the_reference(spec, dtype):
    assert agrees(spec, dataset_of(spec, dtype), [3, 5])


COMPILED = [spec_of("relu", 8, **ON_IMAGES), spec_of("elu", "float32", **ON_IMAGES)]
COMPILED += [spec_of("tanh", 4, protocol="controlled", **ON_IMAGES | {"prefit_epochs": 1})]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "dtype"),
    [(spec, np.uint8) for spec in [*PUBLISHED[:8], *COMPILED]] + [(COMPILED[0], np.float32)],
    ids=name_of,
)
def test_compiled_train_is_the_reference(spec, dtype):
    spec = spec.model_copy(update={"compile": True})
    assert agrees(spec, dataset_of(spec, dtype), [3, 5])


def test_first_step_of_adam_in_closed_form(synthetic):
    """θ₁ − θ₀ = −α·g/(|g| + ε/√(1 − β₂)): ε stands beside the uncorrected second moment."""
    spec = spec_of("tanh", "float32", batch_size=TRAINED, epochs=1, learning_rate=0.5)
    trajectory, _ = train(spec, [0], synthetic)
    start = torch.from_numpy(trajectory.parameters[0, 0]).double()
    network = ReferenceNetwork(spec, synthetic, start)
    inputs = shown(synthetic, spec, torch.float64)[torch.tensor(synthetic.train_mask)]
    labels = torch.tensor(synthetic.labels[synthetic.train_mask])
    network.loss(network.output(inputs, "train"), labels).backward()
    gradient = torch.cat([each.grad.flatten() for each in network.parameters()])
    expected = -0.5 * gradient / (gradient.abs() + 1e-7 / np.sqrt(0.001))
    np.testing.assert_allclose(trajectory.parameters[0, 1], start + expected, rtol=0, atol=1e-4)


def test_learning_rate_is_corrected_for_bias():
    for spec in (spec_of(), spec_of(beta_1=0.8, beta_2=0.99, learning_rate=0.1)):
        ensemble = Ensemble(spec, network_of(spec, (12,), 2), 1.0)
        for step in (1, 2, 100, 104000):
            expected = spec.learning_rate * np.sqrt(1 - spec.beta_2**step) / (1 - spec.beta_1**step)
            assert ensemble.pace(step).rate.item() == pytest.approx(expected, rel=1e-6)


def test_moving_ranges_take_up_a_thousandth_or_what_debiases_them():
    ensemble = Ensemble(spec_of(), network_of(spec_of(), (12,), 2), 1.0)
    for step in (1, 2, 100, 104000):
        intake = ensemble.pace(step).intake
        assert intake.ema.item() == pytest.approx(0.001, rel=1e-6)
        assert intake.debiased.item() == pytest.approx(0.001 / (1 - 0.999**step), rel=1e-6)
    assert ensemble.pace(1).intake.debiased.item() == 1


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_padding_of_a_batch_changes_nothing(synthetic, activation):
    exact, padded = (
        train(spec_of(activation, 8, batch_size=size, epochs=1), [0], synthetic) for size in (TRAINED, 4000)
    )
    np.testing.assert_allclose(exact[0].parameters, padded[0].parameters, rtol=0, atol=2e-7)
    np.testing.assert_array_equal(exact[0].ranges, padded[0].ranges)
    np.testing.assert_allclose(exact[1]["loss"], padded[1]["loss"], rtol=1e-6)


@pytest.mark.parametrize(("count", "size"), [(10, 4), (12, 4), (3, 7), (45, 16), (3276, 256)])
def test_an_epoch_shows_every_input_once(count, size):
    places, weights = batch_places(count, size)
    assert len(places) == -(-count // size)
    np.testing.assert_array_equal(np.sort(places[weights == 1]), np.arange(count))
    assert set(weights.ravel()) <= {0, 1}
    assert places.shape[1] % 32 == 0
    for batch, its_weights in zip(places, weights, strict=True):
        assert its_weights.sum() <= size
        assert set(batch[its_weights == 0]) <= {batch[0]}


@pytest.mark.parametrize("held", [1, 10**3, 10**9])
def test_batches_hold_inputs_and_their_labels(monkeypatch, held):
    """However many are gathered at a time."""
    monkeypatch.setattr(training, "HELD", held)
    inputs = np.arange(45 * 3, dtype=np.float32).reshape(45, 3)
    labels = torch.stack([torch.arange(45), torch.arange(45, 90)])
    generators = [np.random.default_rng(seed) for seed in (0, 1)]
    batches = list(shuffled_batches(inputs, labels, 16, generators))
    assert len(batches) == 3
    for member in range(2):
        order = np.random.default_rng(member).permutation(45)
        shown_labels = [
            label for each in batches for label in each.labels[member][each.weights == 1].tolist()
        ]
        assert shown_labels == (order + 45 * member).tolist()
        for batch in batches:
            assert torch.equal(batch.inputs[member, 0], (batch.labels[member] - 45 * member) * 3.0)


COMPANY = [
    spec_of("relu", 8, epochs=1),
    spec_of("tanh", 4, epochs=1),
    spec_of("tanh", "float32", epochs=1),
    spec_of("sigmoid", 8, epochs=1, protocol="controlled"),
    spec_of("relu", 8, epochs=1, prefit_epochs=1, batch_size=1000),
    spec_of("tanh", "float32", epochs=1, batch_size=255),
    spec_of("tanh", 8, epochs=1, batch_size=250),
    *(
        spec_of(activation, bits, protocol=protocol, **ON_IMAGES | {"batch_size": size})
        for protocol, activation, bits, size in [
            ("published", "relu", 8, 45),
            ("published", "tanh", 8, 16),
            ("controlled", "relu", 8, 7),
            ("controlled", "gelu", 8, 33),
            ("controlled", "elu", "float32", 45),
        ]
    ),
    spec_of("elu", 8, protocol="controlled", **ON_IMAGES | {"prefit_epochs": 2, "batch_size": 20}),
    spec_of("relu", 8, **ON_IMAGES | {"network": [40, 30, 7], "batch_size": 13}),
]


def is_the_same_in_any_company(spec, dataset, crowd, companies):
    together, history = train(spec, crowd, dataset)
    for others in companies:
        alone, its_history = train(spec, others, dataset)
        place = others.index(2)
        assert alone.parameters[place].tobytes() == together.parameters[crowd.index(2)].tobytes()
        assert alone.ranges[place].tobytes() == together.ranges[crowd.index(2)].tobytes()
        rows, its_rows = (
            each[each["repetition"] == 2].reset_index(drop=True) for each in (history, its_history)
        )
        assert rows.equals(its_rows)
    return True


@pytest.mark.parametrize("compile", COMPILE)
@pytest.mark.parametrize("spec", COMPANY, ids=name_of)
def test_a_repetition_is_the_same_in_any_company(spec, compile):
    spec = spec.model_copy(update={"compile": compile})
    crowd = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]  # more than are trained at once
    assert is_the_same_in_any_company(spec, dataset_of(spec), crowd, [[2], [0, 1, 2, 3]])


@pytest.mark.parametrize("spec", COMPANY, ids=name_of)
def test_a_repetition_is_the_same_at_any_place_of_an_ensemble(spec):
    """Vector code may take data by whether it begins at a multiple of 64 bytes."""
    trajectory, _ = train(spec, [2] * 10, dataset_of(spec))
    for member in range(1, 10):
        assert trajectory.parameters[member].tobytes() == trajectory.parameters[0].tobytes()
        assert trajectory.ranges[member].tobytes() == trajectory.ranges[0].tobytes()


@pytest.mark.parametrize("held", [2000, 16 * 378 * 3])
def test_so_it_is_where_few_are_trained_at_once(monkeypatch, held):
    monkeypatch.setattr(training, "HELD", held)
    spec = spec_of("elu", 8, protocol="controlled", **ON_IMAGES)
    dataset = dataset_of(spec)
    assert is_the_same_in_any_company(spec, dataset, [4, 3, 2, 1, 0], [[2], [1, 2], [2, 1, 0, 3]])


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_tests_in_blocks_find_the_same_accuracy(monkeypatch, activation):
    spec = spec_of(activation, 8, learning_rate=1e-2, **ON_IMAGES)
    histories = []
    for held in (500, 10**4, 10**9):
        monkeypatch.setattr(training, "HELD", held)
        histories.append(train(spec, [0, 1], dataset_of(spec))[1])
    assert histories[0]["test_accuracy"].nunique() > 1
    for other in histories[1:]:
        np.testing.assert_array_equal(histories[0]["test_accuracy"], other["test_accuracy"])
        np.testing.assert_allclose(histories[0]["loss"], other["loss"], rtol=1e-4)


def test_every_repetition_has_its_own_start_and_its_own_orders(synthetic):
    spec = spec_of()
    trajectory, _ = train(spec, range(4), synthetic)
    starts = trajectory.parameters[:, 0]
    assert len({start.tobytes() for start in starts}) == 4
    reseeded, _ = train(spec_of(seed=1), range(4), synthetic)
    assert not {start.tobytes() for start in starts} & {
        start.tobytes() for start in reseeded.parameters[:, 0]
    }
    streams = [Streams.of(spec, repetition) for repetition in range(4)]
    orders = {its.shuffling.permutation(TRAINED).tobytes() for its in streams for _ in range(3)}
    assert len(orders | {its.labels.permutation(TRAINED).tobytes() for its in streams}) == 16


def test_recorded_are_the_start_and_every_multiple_of_the_interval(synthetic):
    often, history = train(spec_of(epochs=5, batch_size=1024), [0], synthetic)
    rarely, same_history = train(spec_of(epochs=5, batch_size=1024, record_every=3), [0], synthetic)
    assert often.epochs.tolist() == [-1, *range(5)]
    assert rarely.epochs.tolist() == [-1, 0, 3]
    assert set(often.parts) == set(rarely.parts) == {"main"}
    np.testing.assert_array_equal(rarely.parameters, often.parameters[:, [0, 1, 4]])
    np.testing.assert_array_equal(rarely.ranges, often.ranges[:, [0, 1, 4]])
    assert history.equals(same_history)
    assert history["epoch"].tolist() == list(range(5))


def test_main_begins_where_prefit_ended():
    spec = spec_of("elu", 8, protocol="controlled", **ON_IMAGES | {"prefit_epochs": 4, "record_every": 2})
    dataset = dataset_of(spec)
    trajectory, history = train(spec, [0, 1], dataset)
    often, same_history = train(spec.model_copy(update={"record_every": 1}), [0, 1], dataset)
    assert trajectory.parts.tolist() == ["prefit"] * 3 + ["main"] * 3
    assert trajectory.epochs.tolist() == [-1, 0, 2, -1, 0, 2]
    for name in ("parameters", "ranges"):
        recorded, every = getattr(trajectory, name), getattr(often, name)
        np.testing.assert_array_equal(every[:, 4], every[:, 5])  # the prefit's last epoch, 3, and main's −1
        np.testing.assert_array_equal(recorded[:, 3], every[:, 4])
        np.testing.assert_array_equal(recorded[:, 2], every[:, 3])
        assert (every[:, 6] != every[:, 5]).any()
    assert history.equals(same_history)
    assert history["part"].tolist() == (["prefit"] * 4 + ["main"] * 3) * 2
    assert history["epoch"].tolist() == [0, 1, 2, 3, 0, 1, 2] * 2


def test_prefit_shuffles_the_training_labels_alone(synthetic):
    """What is learnt of shuffled labels is not told by the accuracy of the test."""
    settings = {"learning_rate": 2e-2}
    _, history = train(spec_of("tanh", 8, epochs=6, prefit_epochs=6, **settings), [0, 1], synthetic)
    last = history[history["epoch"] == 5].set_index(["part", "repetition"])
    assert (last.loc["main", "test_accuracy"] > 0.8).all()
    assert (last.loc["prefit", "train_accuracy"] < 0.65).all()
    assert last.loc["prefit", "test_accuracy"].between(0.35, 0.65).all()


@pytest.mark.parametrize("prefit_epochs", [0, 1])
def test_shuffled_labels_are_those_of_a_data_set_whose_labels_were_permuted(synthetic, prefit_epochs):
    """Per repetition: training and test labels alike, and nothing else changes."""
    spec = spec_of("relu", 8, prefit_epochs=prefit_epochs, labels="shuffled")
    together, history = train(spec, [0, 3], synthetic)
    for place, repetition in enumerate([0, 3]):
        labels = network_labels(spec, synthetic, repetition)
        permuted = replace(synthetic, labels=labels)
        alone, its_history = train(spec_of("relu", 8, prefit_epochs=prefit_epochs), [repetition], permuted)
        np.testing.assert_array_equal(together.parameters[place], alone.parameters[0])
        np.testing.assert_array_equal(together.ranges[place], alone.ranges[0])
        own = history[history["repetition"] == repetition].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, its_history)


def test_every_repetition_permutes_all_labels_in_its_own_way(synthetic):
    spec = spec_of("relu", 8, labels="shuffled")
    shuffled = [network_labels(spec, synthetic, repetition) for repetition in range(5)]
    agreement = np.corrcoef([synthetic.labels, *shuffled])
    assert np.abs(agreement[~np.eye(6, dtype=bool)]).max() < 0.1  # six standard errors: 6/√4096
    for labels in shuffled:
        np.testing.assert_array_equal(np.bincount(labels), np.bincount(synthetic.labels))
    np.testing.assert_array_equal(network_labels(spec, synthetic, 4), shuffled[4])
    np.testing.assert_array_equal(network_labels(spec_of("relu", 8), synthetic, 4), synthetic.labels)


def test_moving_ranges_start_at_six_and_move_only_where_they_are_used(synthetic):
    for activation, bits, moved in [("relu", 8, list(range(6))), ("tanh", 8, [5]), ("tanh", "float32", [])]:
        trajectory, _ = train(spec_of(activation, bits, epochs=1), [0], synthetic)
        np.testing.assert_array_equal(trajectory.ranges[0, 0], [[[-6.0, 6.0]] * 2] * 6)
        changed = (trajectory.ranges[0, 1] != trajectory.ranges[0, 0]).any(axis=2)
        assert np.argwhere(changed).tolist() == [[layer, 1] for layer in moved]
    trajectory, _ = train(spec_of("relu", 8, epochs=1), [0], synthetic)
    low = trajectory.ranges[0, 1, :5, 1, 0]  # the lowest output of a ReLU is 0 in nearly every batch
    np.testing.assert_allclose(low, -6 * 0.999**13, rtol=1e-3)


def test_debiased_ranges_start_as_those_of_the_training_inputs():
    spec = spec_of("elu", 8, protocol="controlled", **ON_IMAGES)
    dataset = dataset_of(spec)
    trajectory, _ = train(spec, [0], dataset)
    ranges = trajectory.ranges[0, 0]
    np.testing.assert_array_equal(ranges[:, 0], [[-6.0, 6.0]] * 6)  # kernels have ranges of their own
    np.testing.assert_array_equal(ranges[[1, 3, 5], 1], [[-6.0, 6.0]] * 3)  # so have pools and the softmax
    network = ReferenceNetwork(spec, dataset, torch.from_numpy(trajectory.parameters[0, 0]))
    inputs = shown(dataset, spec, torch.float32)[torch.tensor(dataset.train_mask)]
    with torch.no_grad():
        network.output(inputs, "start")
    np.testing.assert_allclose(ranges, network.ranges, rtol=1e-5)
    assert (ranges[[0, 2, 4], 1, 0] < 0).all() and (ranges[[0, 2, 4], 1, 0] > -1).all()


def test_nan_stays_with_its_member(synthetic):
    spec = spec_of("relu", 8)
    ensemble = Ensemble(spec, network_of(spec, (12,), 2), 1.0)
    inputs = synthetic.inputs[synthetic.train_mask]
    labels = torch.from_numpy(synthetic.labels[synthetic.train_mask]).expand(10, -1)

    def trained(poison):
        streams = [Streams.of(spec, member) for member in range(10)]
        state = ensemble.initial_state([its.initialisation for its in streams], torch.from_numpy(inputs.T))
        state.parameters[4, 100] = poison
        batches = shuffled_batches(inputs, labels, spec.batch_size, [its.shuffling for its in streams])
        for step, batch in enumerate(batches, start=1):
            state = ensemble.step(state, batch, ensemble.pace(step))
        return state

    others = np.arange(10) != 4
    clean = trained(0.0)
    for poison in (torch.nan, torch.inf):
        poisoned = trained(poison)
        assert poisoned.tally[4, 0].isnan()
        assert poisoned.parameters[4].isnan().any()
        for ours, theirs in zip(clean, poisoned, strict=True):
            assert ours[others].numpy().tobytes() == theirs[others].numpy().tobytes()


@pytest.mark.parametrize(
    "spec",
    [
        spec_of("relu", 8, learning_rate=1e38, epochs=3),
        spec_of("relu", 8, **ON_IMAGES | {"learning_rate": 1e38}),
        spec_of("tanh", 8, protocol="controlled", **ON_IMAGES | {"learning_rate": 1e38}),
    ],
    ids=name_of,
)
def test_a_failed_repetition_shows_in_the_history(spec):
    trajectory, history = train(spec, [0, 1], dataset_of(spec))
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
