"""Training by either engine: against the reference, and what a repetition may depend on."""

import subprocess
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from reference import ReferenceNetwork, shown, small_images
from trainings import (
    CASES,
    ON_IMAGES,
    TRAINED,
    dataset_of,
    in_double_precision,
    name_of,
    orders_of,
    reference_run,
    spec_of,
)

from infoplane import EstimatorSpec, TrainingSpec, UserError, estimate, load_dataset, train
from infoplane.datasets.dataset import with_train_fraction
from infoplane.networks import training as in_torch
from infoplane.networks.inputs import network_labels
from infoplane.networks.schemes import scheme_of


@pytest.fixture(params=["kernels", "torch"])
def engine(request):
    return request.param


def compare(spec, dataset, trajectory, history, near):
    """Hold a training against the reference, repetition by repetition and epoch by epoch.

    `near` holds parameters, ranges and measures against those of the reference. Repetitions are left out in
    which rounding decides about a gradient.

    Returns:
        How many repetitions were compared.
    """
    prefit, compared = spec.prefit_epochs, 0
    of_main = range(prefit, prefit + spec.epochs + 1)
    recorded = [*range(prefit + 1), *of_main] if prefit else of_main
    for place, repetition in enumerate(trajectory.repetitions.tolist()):
        start = torch.from_numpy(trajectory.parameters[place, 0].astype(np.float64))
        network = ReferenceNetwork(spec, dataset, start)
        records = reference_run(spec, dataset, repetition, network)
        if network.closest < 1e-9:
            continue
        compared += 1
        assert trajectory.parameters.shape[1] == len(recorded)
        for time, epoch in enumerate(recorded):
            near(trajectory.parameters[place, time], records[epoch].parameters)
            near(trajectory.ranges[place, time], records[epoch].ranges)
        rows = history[history["repetition"] == repetition]
        measures = rows[["loss", "train_accuracy", "test_accuracy"]].to_numpy()
        near(measures, np.array([each.measures for each in records[1:]]))
    return compared


# The first of the debiased ranges ends at a layer's largest value, whose gradient rounding decides about.
WITHOUT_DEBIASED = [case for case in CASES if not scheme_of(case[0]).starts_from_inputs]


@pytest.mark.parametrize(("spec", "dtype"), WITHOUT_DEBIASED, ids=name_of)
def test_train_in_double_precision_is_the_reference(monkeypatch, spec, dtype):
    """All but what is recorded is float64, without the rounding that moves values to the next level."""
    spec = spec.model_copy(update={"engine": "torch"})
    dataset = dataset_of(spec, dtype)
    monkeypatch.setattr(in_torch, "initial_state", in_double_precision(in_torch.initial_state))
    trajectory, history = train(spec, [3, 5, 6], dataset)

    def near(ours, theirs):
        np.testing.assert_allclose(ours, theirs, rtol=2**-24, atol=1e-12)

    assert compare(spec, dataset, trajectory, history, near)


@pytest.mark.parametrize("spec", [spec for spec, _ in CASES if spec.bits == "float32"], ids=name_of)
def test_train_is_the_reference_but_for_the_rounding_of_float32(spec, engine):
    """Of sums, which is all there is where nothing is quantized."""
    spec = spec.model_copy(update={"engine": engine})
    dataset = dataset_of(spec)
    trajectory, history = train(spec, [3, 5], dataset)

    def near(ours, theirs):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)
        assert np.median(np.abs(ours - theirs)) < 1e-6

    assert compare(spec, dataset, trajectory, history, near) == 2


@pytest.mark.parametrize(
    "spec",
    [
        spec_of("relu", 8, epochs=1, prefit_epochs=1, batch_size=1000),
        spec_of("tanh", "float32", epochs=1, batch_size=255),
        spec_of("elu", 8, protocol="controlled", **ON_IMAGES | {"prefit_epochs": 2, "batch_size": 20}),
        spec_of("relu", 8, **ON_IMAGES | {"network": [40, 30, 7], "batch_size": 13}),
    ],
    ids=name_of,
)
def test_a_repetition_is_the_same_in_any_company(spec, engine):
    spec = spec.model_copy(update={"engine": engine})
    together, history = train(spec, [3, 2, 1, 0], dataset_of(spec))
    for others in ([2], [0, 2]):
        alone, its_history = train(spec, others, dataset_of(spec))
        assert alone.parameters[others.index(2)].tobytes() == together.parameters[1].tobytes()
        assert alone.ranges[others.index(2)].tobytes() == together.ranges[1].tobytes()
        rows, its_rows = (
            each[each["repetition"] == 2].reset_index(drop=True) for each in (history, its_history)
        )
        assert rows.equals(its_rows)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_tests_of_any_size_find_the_same_accuracy(monkeypatch, activation):
    spec = spec_of(activation, 8, learning_rate=1e-2, engine="torch", **ON_IMAGES)
    histories = []
    for held in (500, 10**4, 10**9):
        monkeypatch.setattr("infoplane.networks.forward.MOST_VALUES", held)
        histories.append(train(spec, [0, 1], dataset_of(spec))[1])
    assert histories[0]["test_accuracy"].nunique() > 1
    for other in histories[1:]:
        pd.testing.assert_frame_equal(histories[0], other)


def test_kernels_run_on_a_processor_alone(synthetic):
    with pytest.raises(UserError, match=r"^engine kernels: runs on a processor, not on cuda; write .*torch"):
        train(spec_of(), [0], synthetic, "cuda")


def test_a_device_is_not_left_to_the_machine(synthetic, engine):
    with pytest.raises(UserError, match=r"^device: auto would .*; write cpu or cuda$"):
        train(spec_of(engine=engine), [0], synthetic, "auto")


def test_a_training_by_kernels_does_not_wait_for_torch():
    code = """
import sys
import infoplane.cli, infoplane.training
from infoplane.training import engine_of
from infoplane.config import TrainingSpec
engine_of(TrainingSpec(dataset="synthetic", network="shwartz-ziv", activation="relu", bits=8, epochs=1,
                       record_every=1), "cpu")
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_repetition_has_its_own_start_and_its_own_orders(synthetic, engine):
    spec = spec_of(engine=engine)
    trajectory, _ = train(spec, range(4), synthetic)
    starts = trajectory.parameters[:, 0]
    assert len({start.tobytes() for start in starts}) == 4
    reseeded, _ = train(spec_of(seed=1, engine=engine), range(4), synthetic)
    assert not {start.tobytes() for start in starts} & {
        start.tobytes() for start in reseeded.parameters[:, 0]
    }
    orders = {its.tobytes() for repetition in range(4) for its in orders_of(spec, repetition, TRAINED)}
    assert len(orders) == 4 * spec.epochs


def test_recorded_are_the_start_and_every_multiple_of_the_interval(synthetic, engine):
    often, history = train(spec_of(epochs=5, batch_size=1024, engine=engine), [0], synthetic)
    rarely, same_history = train(
        spec_of(epochs=5, batch_size=1024, record_every=3, engine=engine), [0], synthetic
    )
    assert often.epochs.tolist() == [-1, *range(5)]
    assert rarely.epochs.tolist() == [-1, 0, 3]
    assert set(often.parts) == set(rarely.parts) == {"main"}
    np.testing.assert_array_equal(rarely.parameters, often.parameters[:, [0, 1, 4]])
    np.testing.assert_array_equal(rarely.ranges, often.ranges[:, [0, 1, 4]])
    assert history.equals(same_history)
    assert history["epoch"].tolist() == list(range(5))


def test_main_begins_where_prefit_ended(engine):
    settings = ON_IMAGES | {"prefit_epochs": 4, "record_every": 2, "engine": engine}
    spec = spec_of("elu", 8, protocol="controlled", **settings)
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


def test_prefit_shuffles_the_training_labels_alone(synthetic, engine):
    """What is learnt of shuffled labels is not told by the accuracy of the test."""
    settings = {"learning_rate": 2e-2, "engine": engine}
    _, history = train(spec_of("tanh", 8, epochs=6, prefit_epochs=6, **settings), [0, 1], synthetic)
    last = history[history["epoch"] == 5].set_index(["part", "repetition"])
    assert (last.loc["main", "test_accuracy"] > 0.8).all()
    assert (last.loc["prefit", "train_accuracy"] < 0.65).all()
    assert last.loc["prefit", "test_accuracy"].between(0.35, 0.65).all()


@pytest.mark.parametrize("prefit_epochs", [0, 1])
def test_shuffled_labels_are_those_of_a_data_set_whose_labels_were_permuted(synthetic, prefit_epochs, engine):
    """Per repetition: training and test labels alike, and nothing else changes."""
    spec = spec_of("relu", 8, prefit_epochs=prefit_epochs, labels="shuffled", engine=engine)
    together, history = train(spec, [0, 3], synthetic)
    for place, repetition in enumerate([0, 3]):
        labels = network_labels(spec, synthetic, repetition)
        permuted = replace(synthetic, labels=labels)
        given = spec.model_copy(update={"labels": "given"})
        alone, its_history = train(given, [repetition], permuted)
        np.testing.assert_array_equal(together.parameters[place], alone.parameters[0])
        np.testing.assert_array_equal(together.ranges[place], alone.ranges[0])
        own = history[history["repetition"] == repetition].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, its_history)


def test_moving_ranges_start_at_six_and_move_only_where_they_are_used(synthetic, engine):
    for activation, bits, moved in [("relu", 8, list(range(6))), ("tanh", 8, [5]), ("tanh", "float32", [])]:
        trajectory, _ = train(spec_of(activation, bits, epochs=1, engine=engine), [0], synthetic)
        np.testing.assert_array_equal(trajectory.ranges[0, 0], [[[-6.0, 6.0]] * 2] * 6)
        changed = (trajectory.ranges[0, 1] != trajectory.ranges[0, 0]).any(axis=2)
        assert np.argwhere(changed).tolist() == [[layer, 1] for layer in moved]
    trajectory, _ = train(spec_of("relu", 8, epochs=1, engine=engine), [0], synthetic)
    low = trajectory.ranges[0, 1, :5, 1, 0]  # the lowest output of a ReLU is 0 in nearly every batch
    np.testing.assert_allclose(low, -6 * 0.999**13, rtol=1e-3)


def test_debiased_ranges_start_as_those_of_the_training_inputs(engine):
    spec = spec_of("elu", 8, protocol="controlled", engine=engine, **ON_IMAGES)
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


@pytest.mark.parametrize(
    "spec",
    [
        spec_of("relu", 8, learning_rate=1e38, epochs=3),
        spec_of("relu", 8, **ON_IMAGES | {"learning_rate": 1e38}),
        spec_of("tanh", 8, protocol="controlled", **ON_IMAGES | {"learning_rate": 1e38}),
    ],
    ids=name_of,
)
def test_a_failed_repetition_shows_in_the_history(spec, engine):
    spec = spec.model_copy(update={"engine": engine})
    trajectory, history = train(spec, [0, 1], dataset_of(spec))
    assert history["loss"].isna().any()
    assert not trajectory.finite[:, -1].any()
    assert trajectory.finite[:, 0].all()


def test_table_of_the_history(synthetic, engine):
    _, history = train(spec_of(epochs=2, engine=engine), [5, 7], synthetic)
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


def test_a_number_of_repetitions_is_those_from_0(synthetic):
    expected, history = train(spec_of(epochs=1), [0, 1], synthetic)
    for given in (2, np.int64(2), range(2), (0, 1), np.arange(2), torch.arange(2)):
        trajectory, its_history = train(spec_of(epochs=1), given)
        np.testing.assert_array_equal(trajectory.parameters, expected.parameters)
        pd.testing.assert_frame_equal(its_history, history)


@pytest.mark.parametrize(
    "given", [0, -1, 2.0, True, "two", [], [0, 0], [-1], [0.5], [2**31], [None]], ids=repr
)
def test_what_are_no_repetitions_is_one_line(given):
    with pytest.raises(UserError) as error:
        train(spec_of(epochs=1), given)
    line = str(error.value)
    assert line.startswith(f"repetitions: {given!r} ") and "; give how many, or " in line and "\n" not in line


def test_data_of_another_name_than_the_spec_says_are_refused(synthetic):
    with pytest.raises(UserError, match="dataset: the spec names 'synthetic', and 'mine' is given; give"):
        train(spec_of(epochs=1), 1, replace(synthetic, name="mine"))


@pytest.mark.parametrize("network, epochs", [([2**20, 2**20], 1000), ([2**31 - 1] * 2, 1)])
def test_records_that_no_memory_holds_are_refused(synthetic, network, epochs):
    with pytest.raises(UserError, match=r"GiB of memory; train fewer at a time \(chunk\), record less often"):
        train(spec_of(epochs=epochs, network=network), 1000, synthetic)


def test_a_share_of_the_inputs_is_trained_on_as_if_the_data_were_split_so(engine):
    """Parameters, accuracies, and information on all inputs, training inputs and test inputs.

    The inputs are no whole numbers: the grid that networks read them on is that of the training inputs.
    """
    own = small_images((5, 7), np.float32)
    split = with_train_fraction(own, 0.4)
    keys = ON_IMAGES | {"network": [5], "engine": engine}
    share, history = train(spec_of("relu", 8, train_fraction=0.4, **keys), [0, 1], own)
    whole, expected = train(spec_of("relu", 8, **keys), [0, 1], split)
    assert share.parameters.tobytes() == whole.parameters.tobytes()
    assert history.equals(expected)
    assert share.dataset == own.description
    for kind, subset in product(("exact", "rebinned"), ("all", "train", "test")):
        estimator = EstimatorSpec(kind=kind, subset=subset)
        assert estimate(estimator, share, own).equals(estimate(estimator, whole, split))
    inputs = torch.from_numpy(own.inputs)
    assert torch.equal(share.module(0, 2, own)(inputs), whole.module(0, 2, split)(inputs))


def test_data_that_have_no_file_of_their_own_must_be_given():
    spec = TrainingSpec(dataset="mine", network=[4], activation="relu", bits=8, epochs=1, record_every=1)
    with pytest.raises(
        UserError, match=r"^dataset: the spec names 'mine', which is not given; give dataset="
    ):
        train(spec, 1)


def test_nothing_is_shown_without_progress(capfd):
    spec = TrainingSpec(dataset="synthetic", network=[3], activation="relu", bits=8, epochs=1, record_every=1)
    dataset = load_dataset("synthetic")
    for engine in ("kernels", "torch"):
        trajectory, _ = train(TrainingSpec(**spec.differences(), engine=engine), 1, dataset, progress=False)
        estimate("exact", trajectory, dataset, progress=False)
        assert capfd.readouterr() == ("", "")
    estimate("exact", trajectory, dataset)
    assert "information: " in capfd.readouterr().err
