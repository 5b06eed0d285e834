"""Estimates from trajectories are the information of their layers, whatever the estimator and the groups."""

from dataclasses import replace
from math import log2

import numpy as np
import pandas as pd
import pytest
from brute_force import brute_force, entropy_of, kernel_density, same_bits
from reference import small_images

from infoplane import EstimatorSpec, TrainingSpec, binned_information, exact_information, train
from infoplane.artifacts import read_table
from infoplane.datasets import Dataset, save_dataset
from infoplane.errors import UserError
from infoplane.information import estimate, run
from infoplane.information.activations import activations
from infoplane.information.binning import adaptive_bins, quantized, rebinned, uniform_bins
from infoplane.information.estimate import estimate_together
from infoplane.information.replay import replay
from infoplane.networks.inputs import network_labels
from infoplane.trajectory import save_trajectory


def trained(activation, bits, **others):
    settings = {"dataset": "synthetic", "network": "shwartz-ziv", "epochs": 4, "record_every": 3}
    settings |= {"learning_rate": 4e-3, "batch_size": 1024}
    return train(TrainingSpec(**settings | {"activation": activation, "bits": bits} | others), [1, 4])[0]


@pytest.fixture(scope="module")
def trajectories():
    kinds = [("tanh", 8), ("relu", 16), ("tanh", "float32")]
    return {kind: trained(*kind) for kind in kinds}


LAYERS = [{"conv": 2, "kernel": 3}, {"pool": 2}, {"conv": 3, "kernel": 2}, {"pool": 2}, 5]
ON_IMAGES = {
    "published": {"activation": "relu", "bits": 8},
    "controlled": {"activation": "elu", "bits": 4, "protocol": "controlled"},
    "wide": {"activation": "tanh", "bits": {"weights": 4, "activations": 12}, "protocol": "controlled"},
    "float32": {"activation": "gelu", "bits": "float32", "prefit_epochs": 1},
    "prefit": {"activation": "relu", "bits": 8, "protocol": "controlled", "prefit_epochs": 5},
}


@pytest.fixture(scope="module")
def images():
    return small_images(count=200)


@pytest.fixture(scope="module", params=ON_IMAGES)
def on_images(request, images):
    """Trained on images, with the codes and activations of its layers."""
    settings = {"dataset": "small-images", "network": LAYERS, "epochs": 4, "record_every": 3}
    settings |= {"learning_rate": 1e-2, "batch_size": 150}
    trajectory, _ = train(TrainingSpec(**settings | ON_IMAGES[request.param]), [1, 4], images)
    return trajectory, *layers_of(trajectory, images)


def layers_of(trajectory, dataset):
    """T and the activations of each layer, (snapshots, N, outputs)."""
    groups = [each.layers for each in replay(trajectory, dataset)]
    return tuple(
        [
            np.concatenate([getattr(layer, name).swapaxes(1, 2) for layer in layers])
            for layers in zip(*groups, strict=True)
        ]
        for name in ("t", "activations")
    )


def table_values(table, layer):
    rows = table[table["layer"] == layer + 1]
    return [rows[column].to_numpy() for column in ("h_t", "i_xt", "i_ty", "distinct")]


def test_table_of_the_exact_estimate(trajectories, synthetic):
    for trajectory in trajectories.values():
        table = estimate(EstimatorSpec(kind="exact"), trajectory, synthetic)
        assert list(table) == ["repetition", "part", "epoch", "layer", "h_t", "i_xt", "i_ty", "distinct"]
        assert [str(table[each].dtype) for each in ("repetition", "epoch", "layer", "distinct")] == [
            "int32",
            "int32",
            "int8",
            "int32",
        ]
        keys = table[["repetition", "epoch", "layer"]].to_numpy().tolist()
        assert keys == [[r, e, layer] for r in (1, 4) for e in (-1, 0, 3) for layer in range(1, 7)]
        codes, _ = layers_of(trajectory, synthetic)
        for layer in range(6):
            expected = exact_information(codes[layer], synthetic.labels)
            assert same_bits(expected[:3], table_values(table, layer)[:3])
            np.testing.assert_array_equal(expected.distinct, table_values(table, layer)[3])
        h_t, _, i_ty, distinct = table_values(table, 2)
        assert brute_force(codes[2][4], synthetic.labels) == pytest.approx(
            (h_t[4], i_ty[4], distinct[4]), abs=1e-12
        )


@pytest.mark.parametrize("bins", [2, 30, 256, 65536])
@pytest.mark.parametrize("chosen", ["layer", "neuron", (-0.5, 0.5)])
def test_binned_estimates_are_binned_information(trajectories, synthetic, bins, chosen):
    for trajectory in trajectories.values():
        table = estimate(EstimatorSpec(kind="uniform", bins=bins, range=chosen), trajectory, synthetic)
        _, activations = layers_of(trajectory, synthetic)
        for layer in range(6):
            expected = binned_information(activations[layer], synthetic.labels, bins, chosen)
            assert same_bits(expected[:3], table_values(table, layer)[:3])


def test_adaptive_estimate_is_adaptive_information(trajectories, synthetic):
    for trajectory in trajectories.values():
        table = estimate(EstimatorSpec(kind="adaptive", bins=30), trajectory, synthetic)
        _, activations = layers_of(trajectory, synthetic)
        for layer in range(6):
            expected = binned_information(activations[layer], synthetic.labels, 30, method="adaptive")
            assert same_bits(expected[:3], table_values(table, layer)[:3])


@pytest.mark.parametrize("chosen", [(0.0, 1.0), (-0.5, 2.0)])
def test_quantized_estimate_is_the_information_of_codes_over_a_range(trajectories, synthetic, chosen):
    """Codes of the network's own bits, by the definition in plain numpy."""
    for trajectory in trajectories.values():
        bits = trajectory.spec.bits
        if bits == "float32":
            continue
        table = estimate(EstimatorSpec(kind="quantized", range=chosen), trajectory, synthetic)
        _, activations = layers_of(trajectory, synthetic)
        top = 2**bits.activations - 1
        scale = (chosen[1] - chosen[0]) / top
        zero = np.floor(-chosen[0] / (chosen[1] - chosen[0]) * top + 0.5)
        for layer in range(6):
            codes = np.clip(np.floor(activations[layer] / scale + zero + 0.5), 0, top).astype(int)
            expected = exact_information(codes, synthetic.labels)
            for found, value in zip(table_values(table, layer), expected, strict=True):
                np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize("kind", ["exact", "rebinned"])
def test_shuffled_labels_are_measured_against(synthetic, kind):
    """Each repetition's I(T;Y) is about the labels it was trained on; H(T) knows no labels."""
    trajectory = trained("relu", 8, labels="shuffled")
    table = estimate(EstimatorSpec(kind=kind), trajectory, synthetic)
    codes, _ = layers_of(trajectory, synthetic)
    hidden = codes[:-1] if kind == "rebinned" else codes
    times = len(trajectory.epochs)
    for layer, its in enumerate(hidden):
        for place, repetition in enumerate([1, 4]):
            own = slice(place * times, (place + 1) * times)
            expected = exact_information(its[own], network_labels(trajectory.spec, synthetic, repetition))
            found = [values[own] for values in table_values(table, layer)]
            assert same_bits(expected[:3], found[:3])


def test_global_range_is_that_of_a_repetition_after_its_first_pass(trajectories, synthetic):
    for trajectory in trajectories.values():
        table = estimate(EstimatorSpec(kind="uniform", bins=30, range="global"), trajectory, synthetic)
        _, activations = layers_of(trajectory, synthetic)
        for place in range(6):
            own = slice(1, 3) if place < 3 else slice(4, 6)  # epochs 0 and 3 of the repetition
            low = min(layer[own].min() for layer in activations)
            high = max(layer[own].max() for layer in activations)
            for layer in range(6):
                expected = binned_information(
                    activations[layer][place], synthetic.labels, 30, (float(low), float(high))
                )
                found = [values[place] for values in table_values(table, layer)]
                assert same_bits(expected[:3], found[:3])


def test_prefit_counts_for_no_global_range(on_images, images):
    trajectory, _, activations = on_images
    table = estimate(EstimatorSpec(kind="uniform", bins=30, range="global"), trajectory, images)
    times = len(trajectory.epochs)
    trained = (trajectory.parts == "main") & (trajectory.epochs >= 0)
    for place in range(2 * times):
        own = np.flatnonzero(trained) + place // times * times
        ends = min(layer[own].min() for layer in activations), max(layer[own].max() for layer in activations)
        for layer, outputs in enumerate(activations):
            expected = binned_information(outputs[place], images.labels, 30, tuple(map(float, ends)))
            assert same_bits(expected[:3], [values[place] for values in table_values(table, layer)[:3]])


ESTIMATORS = [
    {"kind": "exact"},
    {"kind": "rebinned"},
    {"kind": "adaptive", "bins": 5},
    {"kind": "uniform", "bins": 7, "range": "layer"},
    {"kind": "uniform", "bins": 7, "range": "neuron"},
    {"kind": "uniform", "bins": 7, "range": [-0.2, 0.6]},
    {"kind": "quantized", "bits": 3, "range": "layer"},
    {"kind": "quantized", "bits": 5, "range": [-0.2, 0.6]},
]


def codes_by(estimator, spec, t, activations):
    """The codes of one layer, (snapshots, N, outputs), ranges being those of all inputs."""
    outputs = activations.swapaxes(1, 2)

    def ends(*axes):
        return outputs.min(axes, keepdims=True), outputs.max(axes, keepdims=True)

    match estimator:
        case {"kind": "exact"}:
            return t
        case {"kind": "rebinned"}:
            bits = 32 if spec.bits == "float32" else spec.bits.activations
            codes = rebinned(outputs, *ends(1, 2), bits)
        case {"kind": "adaptive", "bins": bins}:
            codes = np.stack([adaptive_bins(own, bins) for own in outputs])
        case {"kind": "quantized", "bits": bits, "range": "layer"}:
            codes = quantized(outputs, *ends(1, 2), bits)
        case {"kind": "quantized", "bits": bits, "range": fixed}:
            codes = quantized(outputs, *(np.full((len(outputs), 1, 1), end) for end in fixed), bits)
        case {"bins": bins, "range": "layer"}:
            codes = uniform_bins(outputs, *ends(1, 2), bins)
        case {"bins": bins, "range": "neuron"}:
            codes = uniform_bins(outputs, *ends(2), bins)
        case {"bins": bins, "range": fixed}:
            codes = uniform_bins(outputs, *(np.full((len(outputs), 1, 1), end) for end in fixed), bins)
    return codes.swapaxes(1, 2)


@pytest.mark.parametrize("subset", ["all", "train", "test"])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda spec: "-".join(map(str, spec.values())))
def test_a_subset_is_counted_alone_over_ranges_of_the_whole(on_images, images, estimator, subset):
    trajectory, codes, activations = on_images
    table = estimate(EstimatorSpec(**estimator, subset=subset), trajectory, images)
    counted = {"all": slice(None), "train": images.train_mask, "test": ~images.train_mask}[subset]
    for layer in range(6):
        discrete = codes_by(estimator, trajectory.spec, codes[layer], activations[layer])
        expected = exact_information(discrete[:, counted], images.labels[counted])
        found = table_values(table, layer)
        assert same_bits(expected[:3], found[:3])
        np.testing.assert_array_equal(expected.distinct, found[3])
        if estimator["kind"] == "exact":
            place = len(discrete) - 1
            h_t, i_ty, distinct = brute_force(discrete[place, counted], images.labels[counted])
            assert (found[0][place], found[2][place]) == pytest.approx((h_t, i_ty), abs=1e-12)
            assert found[3][place] == distinct


@pytest.mark.parametrize("subset", ["all", "train", "test"])
@pytest.mark.parametrize("bound", ["upper", "lower"])
def test_kernel_density_is_that_of_the_activations_of_the_subset(on_images, images, bound, subset):
    """By a loop over all pairs of inputs, none of which are taken together."""
    trajectory, _, activations = on_images
    table = estimate(EstimatorSpec(kind="kde", noise=0.01, bound=bound, subset=subset), trajectory, images)
    counted = {"all": slice(None), "train": images.train_mask, "test": ~images.train_mask}[subset]
    labels = images.labels[counted]
    for layer in range(6):
        h_t, i_xt, i_ty, distinct = table_values(table, layer)
        for place in (0, len(h_t) - 1):
            outputs = activations[layer][place][counted]
            expected = kernel_density(outputs, labels, 0.01, bound)
            assert (h_t[place], i_ty[place]) == pytest.approx(expected, abs=1e-12)
            assert h_t[place] == i_xt[place] and distinct[place] == len(np.unique(outputs, axis=0))


@pytest.mark.parametrize(
    ("layers", "expected"), [("output", [6]), ([6, 2], [2, 6]), (range(1, 7), [1, 2, 3, 4, 5, 6])]
)
@pytest.mark.parametrize(
    "estimator", [*ESTIMATORS[:2], {"kind": "uniform", "bins": 9, "range": "global"}], ids=str
)
def test_layers_that_are_chosen_have_the_rows_that_they_have_among_all(
    on_images, images, estimator, layers, expected
):
    whole = estimate(EstimatorSpec(**estimator), on_images[0], images)
    chosen = estimate(EstimatorSpec(**estimator, layers=layers), on_images[0], images)
    pd.testing.assert_frame_equal(chosen, whole[whole["layer"].isin(expected)].reset_index(drop=True))


def test_a_layer_that_the_network_does_not_have_is_refused(on_images, images):
    with pytest.raises(UserError, match="no layer 7 in a network of 6; name some of 1 to 6, or output"):
        estimate(EstimatorSpec(kind="exact", layers=[1, 7]), on_images[0], images)


@pytest.mark.parametrize(
    "estimator", [*ESTIMATORS[:2], {"kind": "uniform", "bins": 9, "range": "global"}], ids=str
)
def test_a_few_epochs_have_the_rows_that_they_have_among_all(images, estimator):
    """The range `global` stays that of all epochs."""
    settings = {"dataset": "small-images", "network": LAYERS, "activation": "relu", "bits": 8}
    lengths = {"epochs": 30, "prefit_epochs": 12, "record_every": 1}
    trajectory, _ = train(TrainingSpec(**settings, **lengths, learning_rate=1e-2), [1, 4], images)
    whole = estimate(EstimatorSpec(**estimator), trajectory, images)
    few = estimate(EstimatorSpec(**estimator, epochs=4), trajectory, images)
    times = few[["part", "epoch"]].drop_duplicates().to_numpy().tolist()
    prefit, main = ([[part, epoch] for epoch in epochs] for part, epochs in FEW.items())
    assert times == prefit + main
    found = whole.merge(few[["repetition", "part", "epoch", "layer"]])
    pd.testing.assert_frame_equal(found, few)


# Nearest to 4 points from 0 to the last epoch, evenly in log(epoch + 1): 1, 2.29, 5.24, 12; 1, 3.11, 9.65, 30
FEW = {"prefit": [-1, 0, 1, 4, 11], "main": [-1, 0, 2, 9, 29]}


def test_hidden_layers_are_exact_as_they_are_rebinned(on_images, images):
    trajectory = on_images[0]
    if trajectory.spec.bits == "float32" or trajectory.spec.bits.activations > 8:
        return
    exact, again = (estimate(EstimatorSpec(kind=kind), trajectory, images) for kind in ("exact", "rebinned"))
    hidden = exact["layer"] < 6
    assert exact[hidden].equals(again[hidden])


def test_table_of_both_parts(on_images, images):
    trajectory = on_images[0]
    table = estimate(EstimatorSpec(kind="exact"), trajectory, images)
    prefit = {0: [], 1: [-1, 0], 5: [-1, 0, 3]}[trajectory.spec.prefit_epochs]
    times = [("prefit", epoch) for epoch in prefit] + [("main", epoch) for epoch in (-1, 0, 3)]
    keys = table[["repetition", "part", "epoch", "layer"]].to_numpy().tolist()
    assert keys == [[r, *time, layer] for r in (1, 4) for time in times for layer in range(1, 7)]
    assert table["h_t"].notna().all()


def test_no_group_of_snapshots_changes_an_estimate(on_images, images, monkeypatch):
    trajectory = on_images[0]
    for estimator in (EstimatorSpec(kind="exact"), EstimatorSpec(kind="uniform", bins=9, range="global")):
        expected = estimate(estimator, trajectory, images)
        for held in (1, 2 * 125 * 200, 10**9):
            with monkeypatch.context() as patch:
                patch.setattr("infoplane.information.replay.AT_ONCE", held)
                assert estimate(estimator, trajectory, images).equals(expected)


TOGETHER = [
    {"kind": "exact"},
    {"kind": "exact", "epochs": 4, "subset": "test"},
    {"kind": "rebinned", "layers": "output"},
    {"kind": "uniform", "bins": 30, "range": "global"},
    {"kind": "uniform", "bins": 7, "range": "neuron", "subset": "train", "layers": [2, 5]},
    {"kind": "adaptive", "bins": 9, "epochs": 2},
    {"kind": "kde", "noise": 0.01, "epochs": 3},
]


@pytest.mark.parametrize("chosen", [slice(None), slice(None, None, -1), slice(1, 2), [1, 5, 6], [3, 5]])
@pytest.mark.parametrize("held", [1, 2**21])
@pytest.mark.parametrize("network", ["prefit", "float32"])
def test_estimators_that_share_a_replay_find_what_each_finds_alone(
    images, monkeypatch, network, held, chosen
):
    monkeypatch.setattr("infoplane.information.replay.AT_ONCE", held)
    settings = {"dataset": "small-images", "network": LAYERS, "epochs": 12, "record_every": 1}
    trajectory, _ = train(TrainingSpec(**settings | ON_IMAGES[network]), [1, 4], images)
    parameters = trajectory.parameters.copy()
    parameters[1, 7:] = np.nan
    trajectory = replace(trajectory, parameters=parameters)
    its = TOGETHER[chosen] if isinstance(chosen, slice) else [TOGETHER[number] for number in chosen]
    estimators = [EstimatorSpec(**spec) for spec in its]
    together = estimate_together(estimators, trajectory, images)
    for estimator, table in zip(estimators, together, strict=True):
        pd.testing.assert_frame_equal(table, estimate(estimator, trajectory, images), check_exact=True)


@pytest.mark.parametrize(
    "estimator",
    [*ESTIMATORS, {"kind": "uniform", "bins": 9, "range": "global"}, {"kind": "kde", "noise": 0.1}],
    ids=str,
)
def test_either_engine_replays_for_the_same_table(on_images, images, estimator):
    trajectory = on_images[0]
    tables = [
        estimate(EstimatorSpec(**estimator), replace(trajectory, spec=spec), images)
        for spec in (trajectory.spec, trajectory.spec.model_copy(update={"engine": "torch"}))
    ]
    assert tables[0].equals(tables[1])


def test_progress_is_counted_in_snapshots(on_images, images, monkeypatch, capsys):
    monkeypatch.setattr("infoplane.information.replay.AT_ONCE", 1)
    estimate(EstimatorSpec(kind="exact"), on_images[0], images)
    count = on_images[0].finite.size
    assert f"information: {count}/{count} snapshots (100 %)" in capsys.readouterr().err


@pytest.mark.parametrize("subset", ["all", "train", "test"])
def test_file_says_what_was_counted(on_images, images, tmp_path, subset):
    trajectory = on_images[0]
    dataset_path, trajectory_path, path = (tmp_path / name for name in ("images.npz", "0-1", "1.parquet"))
    save_dataset(dataset_path, images)
    save_trajectory(trajectory_path, trajectory)
    estimator = EstimatorSpec(kind="exact", subset=subset)
    run([estimator], dataset_path, trajectory_path, [path])
    table, description = read_table(path, "information")
    counted = {"all": slice(None), "train": images.train_mask, "test": ~images.train_mask}[subset]
    labels = images.labels[counted].tolist()
    assert description["dataset"]["inputs"] == len(labels) == {"all": 200, "train": 150, "test": 50}[subset]
    assert description["dataset"]["h_y"] == pytest.approx(entropy_of(labels), abs=1e-12)
    assert description["layers"] == 6
    assert TrainingSpec(**description["spec"]["training"]) == trajectory.spec
    assert EstimatorSpec(**description["spec"]["estimator"]) == estimator
    assert (description["repetitions"], description["device"]) == ([1, 4], "cpu")
    pd.testing.assert_frame_equal(table, estimate(estimator, trajectory, images), check_dtype=False)
    assert table["h_t"].max() <= log2(len(labels)) + 1e-12


def test_more_bins_than_can_be_told_apart_are_refused():
    with pytest.raises(ValueError, match="65536"):
        EstimatorSpec(kind="uniform", bins=65537, range="layer")


VALUES = ["h_t", "i_xt", "i_ty"]
BY = [
    EstimatorSpec(kind="exact"),
    EstimatorSpec(kind="rebinned"),
    EstimatorSpec(kind="adaptive", bins=30),
    EstimatorSpec(kind="uniform", bins=30, range="global"),
    EstimatorSpec(kind="uniform", bins=30, range="neuron"),
    EstimatorSpec(kind="quantized", bits=4, range="layer"),
    EstimatorSpec(kind="kde", noise=0.1),
]


def is_missing(rows):
    return rows[VALUES].isna().all(axis=None) and (rows["distinct"] == 0).all()


@pytest.mark.parametrize("estimator", BY, ids=lambda spec: f"{spec.kind}-{spec.range}")
def test_rows_of_a_failed_repetition_are_nan(synthetic, estimator):
    table = estimate(estimator, trained("relu", 8, learning_rate=1e38), synthetic)
    assert is_missing(table[table["epoch"] >= 0])
    start = table[table["epoch"] == -1]
    if estimator.range == "global":  # no epoch is left to take it from
        assert is_missing(start)
    else:
        assert start[VALUES].notna().all(axis=None)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("estimator", BY, ids=lambda spec: f"{spec.kind}-{spec.range}")
def test_a_snapshot_that_is_not_finite_leaves_all_others_alone(on_images, images, estimator, value):
    """Its range is left out of the global one, which the first repetition takes from its other snapshots."""
    trajectory = on_images[0]
    parameters, ranges = trajectory.parameters.copy(), trajectory.ranges.copy()
    last = np.full(trajectory.finite.shape, False)
    last[0, -1] = True
    broken = {}
    for name, array in {"parameters": parameters, "ranges": ranges}.items():
        array[0, -1].flat[-1] = value
        broken[name] = replace(trajectory, **{name: array})
    tables = [estimate(estimator, each, images) for each in broken.values()]
    expected = estimate(estimator, trajectory, images)
    failed = np.repeat(last.ravel(), 6)
    for table in tables:
        assert is_missing(table[failed]) and table.equals(tables[0])
        alone = ~failed if estimator.range != "global" else expected["repetition"] == 4
        assert table[alone].equals(expected[alone])
        assert table.loc[~failed, VALUES].notna().all(axis=None)


def test_the_global_range_is_that_of_the_snapshots_that_are_finite(on_images, images):
    trajectory, _, activations = on_images
    parameters = trajectory.parameters.copy()
    parameters[0, -1, 0] = np.nan
    broken = replace(trajectory, parameters=parameters)
    table = estimate(EstimatorSpec(kind="uniform", bins=30, range="global"), broken, images)
    times = len(trajectory.epochs)
    first = times - 2  # epoch 0 of the main part: the only one that is left
    ends = min(each[first].min() for each in activations), max(each[first].max() for each in activations)
    for place in range(times - 1):
        for layer, outputs in enumerate(activations):
            expected = binned_information(outputs[place], images.labels, 30, tuple(map(float, ends)))
            assert same_bits(expected[:3], [values[place] for values in table_values(table, layer)[:3]])


@pytest.mark.parametrize(
    ("layers", "numbers"), [(None, [*range(1, 130)]), ([1, 128], [1, 128]), ("output", [129])]
)
def test_the_layers_of_a_deep_network_have_their_numbers(layers, numbers):
    """More of them than int8 can number."""
    dataset = Dataset("few", np.arange(16).reshape(8, 2), np.arange(8) % 2)
    settings = {"dataset": "few", "network": [2] * 128, "activation": "tanh", "bits": 8, "epochs": 1}
    spec = TrainingSpec(**settings, record_every=1, batch_size=4)
    trajectory = train(spec, 1, dataset)[0]
    table = estimate(EstimatorSpec(kind="exact", layers=layers), trajectory, dataset)
    assert table["layer"].tolist() == numbers * 2 and table["layer"].dtype == np.int16
    assert set(activations(trajectory, dataset)["layer"]) == {128}
