"""A training says how many inputs its network can tell apart, and refuses data that it cannot use."""

import json
from dataclasses import replace

import numpy as np
import pytest
from answers import in_process, is_one_line_that_names
from reference import small_images

from infoplane import Dataset, TrainingSpec, UserError, estimate, train
from infoplane.config import DatasetSpec, FigureSpec
from infoplane.datasets import save_dataset
from infoplane.datasets.dataset import with_train_fraction
from infoplane.datasets.images import COUNTS
from infoplane.suitability import InputsMerged, problems_of_data, refuse_unsuitable, report_inputs

SETTINGS = {"activation": "relu", "bits": 8, "epochs": 2, "record_every": 1, "learning_rate": 1e-2}
LABELS = np.arange(1000) % 2
GENERATOR = np.random.default_rng(0)
AROUND_1000 = 1000 + GENERATOR.random((1000, 3))
SMALL_AND_LARGE = np.stack([GENERATOR.random(1000), 10_000 * GENERATOR.random(1000)], 1)


def spec_of(dataset="mine", network=(5, 3), **others):
    layers = network if isinstance(network, str) else list(network)
    return TrainingSpec(**SETTINGS | {"dataset": dataset, "network": layers} | others)


def mine(inputs, **keys):
    return Dataset("mine", inputs, LABELS[: len(inputs)], **keys)


@pytest.mark.parametrize("protocol", ["published", "controlled"])
def test_inputs_far_from_0_are_told_apart(protocol):
    """On the grid of the inputs; the grids of layers, which contain 0, need a range of each feature."""
    dataset, spec = mine(AROUND_1000), spec_of(protocol=protocol)
    with pytest.warns(InputsMerged) as warned:
        train(spec, 2, dataset)
    far = "they lie so far from 0 that a layer has about 0 levels for their differences"
    assert str(warned[0].message) == (
        f"data set mine: 1000 of 1000 distinct inputs remain on the grid of 8 bits; {far}; "
        "scaling: feature gives each feature a range of its own"
    )
    scaled = replace(dataset, scaling="feature")
    assert not report_inputs(spec, scaled).is_warning
    table = estimate("exact", train(spec, 2, scaled)[0], scaled)
    assert (table.query("layer == 1")["h_t"] > 1).all()


@pytest.mark.parametrize(
    "low, high, bits, warns",
    [
        *[(0, 1, 2, False), (-1, 1, 2, False), (9, 10, 8, False), (-10, -9, 8, False), (99, 100, 8, True)],
        *[(-100, -99, 8, True), (99, 100, 16, False), (2, 3, 2, True), (99, 100, "float32", False)],
    ],
)
def test_how_far_from_0_depends_on_the_levels_that_are_left(low, high, bits, warns):
    dataset = mine(low + (high - low) * AROUND_1000 % 1)
    report = report_inputs(spec_of(bits=bits), dataset)
    assert (report is not None and report.is_warning) == warns


def test_a_feature_that_becomes_constant_is_warned_of():
    dataset = mine(SMALL_AND_LARGE)
    with pytest.warns(
        InputsMerged, match="1 features that vary take one value there .number 0, counted from 0.; sca"
    ):
        train(spec_of(), 1, dataset)


def test_scaled_by_feature_it_counts():
    dataset = mine(SMALL_AND_LARGE, scaling="feature")
    report = report_inputs(spec_of(), dataset)
    assert report.text.startswith("data set mine: 99") and not report.is_warning
    alone = replace(dataset, inputs=dataset.inputs * np.float32([1, 0]))
    assert report_inputs(spec_of(), alone).is_warning


@pytest.mark.parametrize("distinct, warns", [(1000, False), (990, False), (989, True), (2, True)])
def test_fewer_than_99_in_100_are_a_warning(distinct, warns, recwarn):
    """Inputs of four features at six levels of the grid, and others less than half a step beside one."""
    inputs = np.arange(1000)[:, None] // 6 ** np.arange(4) % 6 / 5
    inputs[distinct:] = 0
    inputs[distinct:, 0] = 0.0019 * np.arange(1, 1001 - distinct) / 1000
    inputs[1] = 1
    dataset = mine(inputs)
    report = report_inputs(spec_of(), dataset)
    assert f"{distinct} of 1000 distinct" in report.text and report.is_warning == warns
    train(spec_of(), 1, dataset)
    assert [each.category for each in recwarn if each.category is InputsMerged] == [InputsMerged] * warns


def test_whole_numbers_and_float32_networks_need_no_report():
    assert report_inputs(spec_of(), mine(np.arange(3000).reshape(1000, 3))) is None
    assert report_inputs(spec_of(bits="float32"), mine(AROUND_1000)) is None


@pytest.mark.parametrize(
    "inputs",
    [np.full((1000, 3), 0.5), np.zeros((1000, 3)), np.full((1000, 3), -1e3), np.full((1000, 1), 2.0**20)],
)
def test_inputs_that_are_one_to_the_network_are_refused(inputs):
    dataset = mine(inputs)
    assert report_inputs(spec_of(), dataset).text.startswith("data set mine: 1 of 1 distinct inputs")
    with pytest.raises(UserError, match="its 1000 inputs are identical for the network; give") as error:
        train(spec_of(), 1, dataset)
    assert "\n" not in str(error.value)
    outlier = inputs.copy()
    outlier[3] += 1  # a test input that lies beyond the range of those trained on
    with pytest.raises(UserError, match="identical for the network"):
        train(spec_of(), 1, mine(outlier, train_mask=np.arange(1000) != 3))


def test_the_log_of_a_training_says_how_many_inputs_remain(tmp_path):
    for inputs, words in [
        (AROUND_1000 - 1000, "data set mine: 1000 of 1000 distinct inputs remain"),
        (SMALL_AND_LARGE, "warning: data set mine: "),
        (np.arange(2000).reshape(1000, 2), ""),
    ]:
        save_dataset(tmp_path / "mine.npz", mine(inputs))
        status, output, errors = in_process(
            *(
                "training",
                "--spec",
                json.dumps(spec_of().differences()),
                "--dataset",
                str(tmp_path / "mine.npz"),
            ),
            *("--repetitions", "0-1", "--trajectory", str(tmp_path / "t"), "--history", str(tmp_path / "h")),
        )
        assert status == 0, errors
        assert output.startswith(words) and output.count("\n") == bool(words)


def test_sums_that_float64_would_round_are_refused():
    """Whole numbers of 24 bits and weights of 16 bits have exact sums of up to 8,192 products."""
    exact, rounded = (
        Dataset("mine", 1000 + GENERATOR.random((8, count)), np.arange(8) % 2) for count in (8100, 8500)
    )
    refuse_unsuitable(spec_of(bits=16), exact)
    for bits in (8, {"weights": 15, "activations": 16}, "float32"):
        refuse_unsuitable(spec_of(bits=bits), rounded)
    with pytest.raises(UserError, match=r"bits: a sum of 8500 products .* fewer bits, or scaling: feature"):
        refuse_unsuitable(spec_of(bits=16), rounded)
    refuse_unsuitable(spec_of(bits=16), replace(rounded, scaling="feature"))


ASKED = {
    "dense": spec_of(),
    "conv": spec_of(network=[{"conv": 2, "kernel": 9}, 3]),
    "pool": spec_of(network=[{"pool": 12}, 3]),
}


def problems(tmp_path, trainings=ASKED, keys=None, **arrays):
    path = tmp_path / "mine.npz"
    if arrays:
        np.savez(path, **arrays)
    return problems_of_data(DatasetSpec(name="mine", kind="npz", path=str(path), **keys or {}), trainings)


IMAGES = small_images((9, 8)).inputs
CLASSES = np.arange(60) % 3
REFUSED = {
    "no file": ({}, "mine.npz: missing; "),
    "one class in training": (
        {"inputs": IMAGES, "labels": CLASSES, "train_mask": CLASSES == 1},
        "mine.npz: labels of all training inputs are 1; ",
    ),
    "channels last": ({"inputs": np.zeros((60, 8, 8, 3)), "labels": CLASSES}, "np.moveaxis(inputs, -1, 1)"),
    "NaN": ({"inputs": np.full((60, 2), np.nan), "labels": CLASSES}, "inputs hold NaN"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_of_a_file_is_found_before_any_job(tmp_path, name):
    arrays, words = REFUSED[name]
    found = problems(tmp_path, **arrays)
    assert len(found) == 1 and words in found[0] and "\n" not in found[0]


def test_what_networks_refuse_is_found_before_any_job(tmp_path):
    found = problems(tmp_path, inputs=IMAGES, labels=CLASSES)
    assert [line.partition(": ")[0] for line in found] == ["experiments.conv", "experiments.pool"]
    assert "9 × 9" in found[0] and "(1, 9, 8)" in found[0]
    assert problems(tmp_path, inputs=np.tile(IMAGES, (1, 2, 2)), labels=CLASSES) == []
    found = problems(tmp_path, inputs=IMAGES.reshape(60, -1), labels=CLASSES)
    assert len(found) == 2 and all("(72,)" in line for line in found)
    found = problems(tmp_path, inputs=np.full((60, 18, 18), 0.3), labels=CLASSES)
    assert len(found) == 3 and all("identical for the network" in line for line in found)
    found = problems(tmp_path, keys={"fraction": 0.01}, inputs=IMAGES, labels=CLASSES)
    assert len(found) == 1 and "datasets.mine.fraction" in found[0]


def test_of_public_data_the_shape_is_known_without_a_download(tmp_path):
    spec = DatasetSpec(name="mnist", kind="mnist")
    assert problems_of_data(spec, {"conv": spec_of("mnist", [{"conv": 2, "kernel": 28}, 3])}) == []
    (line,) = problems_of_data(spec, {"conv": spec_of("mnist", [{"conv": 2, "kernel": 29}, 3])})
    assert "29 × 29" in line
    (line,) = problems_of_data(
        DatasetSpec(name="synthetic", kind="synthetic"), {"conv": spec_of("synthetic", [{"conv": 2}, 3])}
    )
    assert line.startswith("experiments.conv: network: ") and "(12,)" in line
    (line,) = problems_of_data(DatasetSpec(name="mnist", kind="mnist", folder=str(tmp_path)), {})
    assert line.startswith(f"{tmp_path}: no train-images-idx3-ubyte there")


@pytest.mark.parametrize("command", ["datasets", "training"])
def test_what_is_found_before_is_what_the_jobs_refuse(tmp_path, command):
    if command == "datasets":
        arrays, _ = REFUSED["one class in training"]
        (line,) = problems(tmp_path, **arrays)
        spec = {"name": "mine", "kind": "npz", "path": str(tmp_path / "mine.npz")}
        answer = in_process("datasets", "--spec", json.dumps(spec), "--output", str(tmp_path / "made.npz"))
    else:
        (line,) = problems(tmp_path, {"conv": ASKED["conv"]}, inputs=IMAGES, labels=CLASSES)
        line = line.removeprefix("experiments.conv: ")
        answer = in_process(
            *("training", "--spec", json.dumps(ASKED["conv"].differences())),
            *("--dataset", str(tmp_path / "mine.npz"), "--repetitions", "0-0"),
            *("--trajectory", str(tmp_path / "t"), "--history", str(tmp_path / "h")),
        )
    assert answer.status == 1 and answer.errors == f"infoplane: {line}\n"
    assert is_one_line_that_names(answer.errors, "")


def test_a_scatter_of_a_network_without_two_neurons_is_found_before_any_job():
    def scatter(*experiments):
        return FigureSpec(kind="scatter", category="mine", experiments=experiments)

    spec, trainings = (
        DatasetSpec(name="synthetic", kind="synthetic"),
        {
            "narrow": spec_of("synthetic", [4, 2]),
            "wide": spec_of("synthetic", [4, 3]),
        },
    )
    figures = {"pair": scatter("narrow"), "none": scatter("narrow", "wide")}
    (line,) = problems_of_data(spec, trainings, figures)
    assert line.startswith("figures.none: wide has no hidden layer of two neurons; ")
    pooled = {"pooled": spec_of("mnist", [{"conv": 2, "kernel": 28}, 3])}  # two channels of 1 × 1
    mnist = DatasetSpec(name="mnist", kind="mnist")
    assert problems_of_data(mnist, pooled, {"pair": scatter("pooled")}) == []


def test_a_share_of_training_inputs_that_is_not_there_is_a_problem_of_the_experiment():
    """Which `infoplane check` tells before anything is trained."""
    spec = spec_of("synthetic", "shwartz-ziv", train_fraction=0.9)
    (problem,) = problems_of_data(DatasetSpec(name="synthetic", kind="synthetic"), {"one": spec}, {})
    assert problem.startswith("experiments.one: train_fraction: 0.9 of each class of data set synthetic is ")
    with pytest.raises(UserError, match=r"train_fraction: 0\.9 of each class"):
        train(spec, 1)


@pytest.mark.parametrize(
    ("name", "fits", "exceeds"),
    [("mnist", 5958 / 6990, 0.855), ("fashion-mnist", 0.857, 0.8573), ("mnist", 0.0015, 1e-4)],
)
def test_a_share_of_public_images_is_refused_as_by_the_job(name, fits, exceeds):
    """Which splits data of the same numbers of each class."""
    train_counts, test_counts = COUNTS[name]
    labels = np.concatenate([np.repeat(np.arange(10), counts) for counts in (train_counts, test_counts)])
    assert (train_counts.sum(), len(labels)) == (60_000, 70_000)
    pixels = (np.arange(len(labels)) % 2)[:, None]
    dataset = Dataset(name, pixels, labels, np.arange(len(labels)) < 60_000)
    spec = DatasetSpec(name=name, kind=name)
    assert problems_of_data(spec, {"one": spec_of(name, train_fraction=fits)}) == []
    assert with_train_fraction(dataset, fits).train_mask.sum() == int(fits * 70_000)
    with pytest.raises(UserError) as caught:
        with_train_fraction(dataset, exceeds)
    assert problems_of_data(spec, {"one": spec_of(name, train_fraction=exceeds)}) == [
        f"experiments.one: {caught.value}"
    ]


def test_reliability_of_few_inputs_is_found_before_any_job(tmp_path):
    figures = {"parts": FigureSpec(kind="reliability", category="mine", experiments=["few"])}
    for count, words in [(7, ["figures.parts: few has 7 inputs, and parts of N/8 take 8 of them"]), (8, [])]:
        path = tmp_path / f"{count}.npz"
        inputs = np.arange(count, dtype=float)[:, None] ** 2
        np.savez(path, inputs=inputs, labels=np.arange(count) % 2, train_mask=np.arange(count) < 4)
        spec = DatasetSpec(name="mine", kind="npz", path=str(path))
        found = problems_of_data(spec, {"few": spec_of("mine", [2])}, figures)
        assert [line.partition(";")[0] for line in found] == words
