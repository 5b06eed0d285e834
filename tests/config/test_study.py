"""A config is resolved as it says, and a mistake in it is one line that names file, key and remedy."""

import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane.config import (
    ConvSpec,
    DenseSpec,
    EstimatorSpec,
    Experiment,
    PoolSpec,
    TrainingSpec,
)
from infoplane.config.study import Sections, load_config, resolve
from infoplane.config.validation import parse_spec
from infoplane.errors import UserError

CONFIGS = Path(__file__).parents[2] / "config"

STUDY = {
    "defaults": {
        "dataset": "synthetic",
        "network": "shwartz-ziv",
        "activation": "relu",
        "bits": 8,
        "epochs": 100,
        "record_every": 5,
        "repetitions": 50,
        "chunk": 20,
    },
    "experiments": {"one": {}, "two": {"bits": "float32"}},
    "estimators": {
        "exact": {"kind": "exact"},
        "uniform": {"kind": "uniform", "bins": 30, "range": "global", "experiments": ["two"]},
    },
    "figures": {
        "plane": {"kind": "plane", "category": "main", "experiments": "all", "estimators": ["exact"]}
    },
}


def refusal(config) -> str:
    with pytest.raises(UserError) as caught:
        resolve(config, "mine.yaml")
    return str(caught.value)


def changed(path: str, value) -> dict:
    """The study with one key set."""
    config = deepcopy(STUDY)
    *parents, last = path.split("/")
    section = config
    for parent in parents:
        section = section.setdefault(parent, {})
    section[last] = value
    return config


def test_experiments_override_defaults():
    study = resolve(STUDY, "mine.yaml")
    assert study.experiments["one"].bits.model_dump() == {"weights": 8, "activations": 8}
    assert study.experiments["two"].bits == "float32"
    assert study.experiments["two"].epochs == 100


def test_estimators_apply_to_all_or_to_those_named():
    assert resolve(STUDY, "mine.yaml").pairs == [("one", "exact"), ("two", "exact"), ("two", "uniform")]


def test_order_changes_nothing():
    backwards = {key: dict(reversed(section.items())) for key, section in reversed(STUDY.items())}
    assert resolve(backwards, "mine.yaml") == resolve(STUDY, "mine.yaml")


@given(repetitions=st.integers(1, 200), chunk=st.integers(1, 60))
def test_chunks_cover_every_repetition_once(repetitions, chunk):
    experiment = resolve(
        changed("experiments/one", {"repetitions": repetitions, "chunk": chunk}), "mine.yaml"
    ).experiments["one"]
    ends = [map(int, name.split("-")) for name in experiment.chunks]
    ranges = [range(first, last + 1) for first, last in ends]
    assert [each for chunk in ranges for each in chunk] == list(range(repetitions))
    assert all(len(each) == chunk for each in ranges[:-1])


def test_training_is_not_told_of_repetitions():
    spec = resolve(STUDY, "mine.yaml").experiments["one"].spec
    assert type(spec) is TrainingSpec
    others = set(Experiment.model_fields) - set(TrainingSpec.model_fields)
    assert others == {"repetitions", "chunk", "control", "label"}
    assert parse_spec(TrainingSpec, spec.model_dump_json()) == spec


def test_learning_rate_may_lack_its_point():
    """`1e-4` is a string to YAML 1.1."""
    study = resolve(changed("defaults/learning_rate", "1e-4"), "mine.yaml")
    assert study.experiments["one"].learning_rate == 1e-4


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("defaults/epocs", 3, "defaults.epocs: unknown key; did you mean 'epochs'?"),
        ("experiments/one/epocs", 3, "experiments.one.epocs: unknown key; did you mean 'epochs'?"),
        ("experimentz", {}, "experimentz: unknown key; did you mean 'experiments'?"),
        ("defaults/epochs", 0, "defaults.epochs: 0 is refused; it must be greater than 0"),
        ("defaults/epochs", "100", "defaults.epochs: '100' is refused; it must be a whole number"),
        ("defaults/repetitions", 0, "defaults.repetitions: 0 is refused; it must be greater than 0"),
        ("defaults/chunk", 2.5, "defaults.chunk: 2.5 is refused; it must be a whole number"),
        ("defaults/seed", -1, "defaults.seed: -1 is refused; it must be greater than or equal to 0"),
        ("defaults/compile", False, "defaults.compile: has no meaning any more; remove it"),
        ("experiments/one/compile", True, "experiments.one.compile: has no meaning any more; remove it"),
        ("defaults/engine", "kernel", "defaults.engine: 'kernel' is unknown; did you mean 'kernels'?"),
        ("device", "auto", "device: auto would make results depend on the machine; write cpu or cuda"),
        ("defaults/learning_rate", "fast", "defaults.learning_rate: 'fast' is refused; it must be a number"),
        (
            "defaults/network",
            "shwarz-ziv",
            "defaults.network: 'shwarz-ziv' is unknown; did you mean 'shwartz-ziv'?",
        ),
        ("defaults/dataset", "mnits", "defaults.dataset: 'mnits' is unknown; did you mean 'mnist'?"),
        (
            "experiments/two/activation",
            "rellu",
            "experiments.two.activation: 'rellu' is unknown; did you mean 'relu'?",
        ),
        ("experiments/one", 3, "experiments.one: 3 is refused; it must be a mapping"),
        (
            "experiments/a b",
            {},
            "experiments: 'a b' cannot name a file; use up to 100 letters, digits, - and _",
        ),
        (
            "experiments/..",
            {},
            "experiments: '..' cannot name a file; use up to 100 letters, digits, - and _",
        ),
        (
            f"experiments/{'a' * 101}",
            {},
            f"experiments: '{'a' * 101}' cannot name a file; use up to 100 letters, digits, - and _",
        ),
        *(
            (place, "x" * 61, f"{place.replace('/', '.')}: '{'x' * 61}' has 61 characters; use up to 60")
            for place in ("experiments/one/label", "estimators/exact/label", "figures/plane/labels/one")
        ),
        ("experiments", {}, "experiments: {} is refused; it must be not empty"),
        ("estimators/exact/kind", "exat", "estimators.exact.kind: 'exat' is unknown; did you mean 'exact'?"),
        ("estimators/exact/bins", 30, "estimators.exact: kind exact takes no bins; remove it"),
        ("estimators/uniform/bins", None, "estimators.uniform: kind uniform needs bins; add it"),
        ("defaults/learning_rate", True, "defaults.learning_rate: True is refused; it must be a number"),
        (
            "estimators/uniform/bins",
            1,
            "estimators.uniform.bins: 1 is refused; it must be greater than or equal to 2",
        ),
        (
            "estimators/uniform/kind",
            "quantized",
            "estimators.uniform: kind quantized takes no bins; remove it",
        ),
        (
            "estimators/codes",
            {"kind": "quantized", "range": "global"},
            "estimators.codes: kind quantized takes no range global; write layer, or [lo, hi]",
        ),
        (
            "estimators/codes",
            {"kind": "quantized", "range": [0, 1]},
            "estimators.codes: kind quantized takes its bits from a network, and two has none; "
            "give bits, or name other experiments",
        ),
        (
            "estimators/codes",
            {"kind": "quantized", "range": "layer", "bits": 17},
            "estimators.codes.bits: 17 is refused; it must be less than or equal to 16",
        ),
        ("estimators/codes", {"kind": "kde"}, "estimators.codes: kind kde needs noise; add it"),
        (
            "estimators/codes",
            {"kind": "kde", "noise": 0},
            "estimators.codes.noise: 0 is refused; it must be greater than 0",
        ),
        (
            "estimators/codes",
            {"kind": "exact", "bound": "lower"},
            "estimators.codes: kind exact takes no bound; remove it",
        ),
        (
            "estimators/codes",
            {"kind": "exact", "layers": "outputs"},
            "estimators.codes.layers: 'outputs' is not output, or a list of layers from 1",
        ),
        (
            "estimators/codes",
            {"kind": "exact", "layers": [0, 1]},
            "estimators.codes.layers: [0, 1] is not output, or a list of layers from 1",
        ),
        (
            "estimators/codes",
            {"kind": "exact", "epochs": 1},
            "estimators.codes.epochs: 1 is refused; it must be greater than or equal to 2",
        ),
        ("estimators/uniform/range", None, "estimators.uniform: kind uniform needs range; add it"),
        (
            "estimators/uniform/experiments",
            ["too"],
            "estimators.uniform.experiments: 'too' is unknown; did you mean 'two'?",
        ),
        (
            "estimators/uniform/experiments",
            ["one", "one"],
            "estimators.uniform.experiments: names 'one' twice; remove one",
        ),
        (
            "figures/plane/experiments",
            ["three"],
            "figures.plane.experiments: 'three' is unknown; use one of one, two",
        ),
        (
            "figures/plane/estimators",
            ["exat"],
            "figures.plane.estimators: 'exat' is unknown; did you mean 'exact'?",
        ),
        ("figures/plane/kind", "plain", "figures.plane.kind: 'plain' is unknown; did you mean 'plane'?"),
        ("figures/plane/kind", "accuracy", "figures.plane: kind accuracy takes no estimators; remove them"),
        (
            "figures/plane",
            {
                "kind": "curves",
                "category": "B",
                "experiments": "all",
                "estimators": ["exact"],
                "i_xt": [2, 3],
            },
            "figures.plane: kind curves takes no i_xt; remove it",
        ),
        (
            "figures/plane",
            {"kind": "levels", "category": "B", "experiments": "all"},
            "figures.plane: shows levels of grids, and two has none; name quantized experiments",
        ),
        ("figures/plane/i_xt", [3, 2], "figures.plane.i_xt: [3, 2] is not a pair [lo, hi] with lo < hi"),
        (
            "figures/plane",
            {"kind": "margins", "category": "B", "experiments": "all", "estimators": ["exact"]},
            "figures.plane: kind margins takes no estimators and no experiments; remove them",
        ),
        (
            "figures/plane/dpi",
            1201,
            "figures.plane.dpi: 1201 is refused; it must be less than or equal to 1200",
        ),
        (
            "experiments/one",
            {"optimizer": "sgd", "beta_1": 0.5, "epsilon": 1.0},
            "experiments.one: optimizer sgd takes no beta_1 and no epsilon; remove them",
        ),
        (
            "figure_defaults",
            {"colour": "layer", "mp4": True},
            "figures.plane: kind plane takes no mp4; move it from figure_defaults to the entries that take "
            "it",
        ),
        (
            "defaults/record_every",
            100,
            "experiments.one.record_every: 100 records no epoch after the first of 100; use at most 99",
        ),
        (
            "experiments/two/epochs",
            4,
            "experiments.two.record_every: 5 records no epoch after the first of 4; use at most 3",
        ),
        ("figure_defaults/dpy", 300, "figure_defaults.dpy: unknown key; did you mean 'dpi'?"),
        ("defaults/network", [], "defaults.network: [] is refused; it must be not empty"),
        ("defaults/network", 16, "defaults.network: 16 is refused; it must be a list"),
        (
            "experiments/one/network",
            "bottleneck-3",
            "experiments.one.network: 'bottleneck-3' is unknown; did you mean 'bottleneck-4'?",
        ),
        (
            "experiments/one/protocol",
            "controled",
            "experiments.one.protocol: 'controled' is unknown; did you mean 'controlled'?",
        ),
        (
            "experiments/one/initialisation",
            "glorott",
            "experiments.one.initialisation: 'glorott' is unknown; did you mean 'glorot'?",
        ),
        (
            "defaults/ranges/activation",
            "ema",
            "defaults.ranges.activation: unknown key; did you mean 'activations'?",
        ),
        ("defaults/ranges", "ema", "defaults.ranges: 'ema' is refused; it must be a mapping"),
        (
            "defaults/prefit_epochs",
            -1,
            "defaults.prefit_epochs: -1 is refused; it must be greater than or equal to 0",
        ),
        ("defaults/optimizer", "SGD", "defaults.optimizer: 'SGD' is unknown; did you mean 'sgd'?"),
        (
            "defaults/protocol",
            "Controlled",
            "defaults.protocol: 'Controlled' is unknown; did you mean 'controlled'?",
        ),
        ("defaults/activation", "ReLU", "defaults.activation: 'ReLU' is unknown; did you mean 'relu'?"),
        ("defaults/dataset", "MNIST", "defaults.dataset: 'MNIST' is unknown; did you mean 'mnist'?"),
        ("defaults/network", "Conv", "defaults.network: 'Conv' is unknown; did you mean 'conv'?"),
        ("defaults/bits", "Float32", "defaults.bits: 'Float32' is unknown; did you mean 'float32'?"),
        ("defaults/batch_size", "WHOLE", "defaults.batch_size: 'WHOLE' is unknown; did you mean 'whole'?"),
        ("defaults/ranges/output", "EMA", "defaults.ranges.output: 'EMA' is unknown; did you mean 'ema'?"),
        (
            "estimators/uniform/range",
            "Layer",
            "estimators.uniform.range: 'Layer' is unknown; did you mean 'layer'?",
        ),
        (
            "estimators/exact/layers",
            "Output",
            "estimators.exact.layers: 'Output' is unknown; did you mean 'output'?",
        ),
        (
            "estimators/exact/experiments",
            "All",
            "estimators.exact.experiments: 'All' is unknown; did you mean 'all'?",
        ),
        (
            "figures/plane/experiments",
            "ALL",
            "figures.plane.experiments: 'ALL' is unknown; did you mean 'all'?",
        ),
        ("device", "CPU", "device: 'CPU' is unknown; did you mean 'cpu'?"),
        ("experiments/one/sweeps", {}, "experiments.one.sweeps: unknown key; did you mean 'sweep'?"),
        ("experiments/one/Grid", {}, "experiments.one.Grid: unknown key; did you mean 'grid'?"),
        ("experiments/one/recored", {}, "experiments.one.recored: unknown key; did you mean 'recorded'?"),
        (
            "experiments/one/init",
            "glorot",
            "experiments.one.init: unknown key; did you mean 'initialisation'?",
        ),
        ("experiments/one/lr", 0.1, "experiments.one.lr: unknown key; did you mean 'learning_rate'?"),
        *(
            (
                f"defaults/{key}",
                [10],
                f"defaults.{key}: unknown key; layers and their widths are given by network, as in network: "
                "[10, 8, 6]",
            )
            for key in ("width", "layers")
        ),
        *(
            (
                f"defaults/{key}",
                {"seed": [1]},
                f"defaults.{key}: is a key of experiments alone; move it to one of them",
            )
            for key in ("sweep", "grid", "recorded")
        ),
        ("defaults/optimizer", "sdg", "defaults.optimizer: 'sdg' is unknown; did you mean 'sgd'?"),
        (
            "defaults/momentum",
            0.9,
            "experiments.one: optimizer adam takes no momentum; move it from defaults to the entries that "
            "take it",
        ),
        (
            "defaults",
            STUDY["defaults"] | {"optimizer": "sgd", "beta_1": 0.5},
            "experiments.one: optimizer sgd takes no beta_1; move it from defaults to the entries that "
            "take it",
        ),
        (
            "experiments/one/momentum",
            0.9,
            "experiments.one: optimizer adam takes no momentum; remove it",
        ),
        (
            "experiments/two/ranges",
            {"activations": "batch"},
            "experiments.two: bits float32 takes no ranges; remove them",
        ),
        (
            "defaults/ranges",
            {"output": [0, 1]},
            "experiments.two: bits float32 takes no ranges; move them from defaults to the entries that take "
            "them",
        ),
        (
            "figure_defaults/mp4",
            True,
            "figures.plane: kind plane takes no mp4; move it from figure_defaults to the entries that "
            "take it",
        ),
        (
            "figure_defaults/trained",
            ["one/exact"],
            "figures.plane: kind plane takes no trained; move them from figure_defaults to the entries that "
            "take them",
        ),
        ("defaults/momentum", 1, "defaults.momentum: 1 is refused; it must be less than 1"),
        (
            "experiments/one",
            {"optimizer": "sgd", "beta_1": 0.8},
            "experiments.one: optimizer sgd takes no beta_1; remove it",
        ),
        (
            "experiments/one",
            {"optimizer": "sgd", "epsilon": 1e-8},
            "experiments.one: optimizer sgd takes no epsilon; remove it",
        ),
        (
            "defaults/weight_decay",
            -0.1,
            "defaults.weight_decay: -0.1 is refused; it must be greater than or equal to 0",
        ),
        (
            "defaults/train_fraction",
            0,
            "defaults.train_fraction: 0 is refused; it must be greater than 0",
        ),
        ("defaults/beta_1", 1, "defaults.beta_1: 1 is refused; it must be less than 1"),
        ("defaults/beta_2", -0.1, "defaults.beta_2: -0.1 is refused; it must be greater than or equal to 0"),
        ("defaults/epsilon", 0, "defaults.epsilon: 0 is refused; it must be greater than 0"),
        (
            "estimators/exact/subset",
            "tests",
            "estimators.exact.subset: 'tests' is unknown; did you mean 'test'?",
        ),
        ("trajectories", "kep", "trajectories: 'kep' is unknown; did you mean 'keep'?"),
        ("device", "gpu", "device: 'gpu' is unknown; did you mean 'cuda'?"),
        ("datasets/mine", {}, "datasets.mine.kind: missing; add it"),
        ("datasets/mine", {"kind": "npz"}, "datasets.mine: kind npz needs path; add it"),
        ("datasets/mine/kind", "nzp", "datasets.mine.kind: 'nzp' is unknown; did you mean 'npz'?"),
        (
            "datasets/mine",
            {"kind": "npz", "path": "a", "folder": "b"},
            "datasets.mine: kind npz takes no folder; remove it",
        ),
        ("datasets/mnist/path", "a", "datasets.mnist: kind mnist takes no path; remove it"),
        ("datasets/mnist/scale", 2, "datasets.mnist: kind mnist takes no scale; remove it"),
        (
            "datasets/mnist/folder",
            3,
            "datasets.mnist.folder: 3 is refused; it must be text; quote it if it is a number",
        ),
        ("datasets/mnist/fraction", 0, "datasets.mnist.fraction: 0 is refused; it must be greater than 0"),
        (
            "datasets/mnist/fraction",
            1.5,
            "datasets.mnist.fraction: 1.5 is refused; it must be less than or equal to 1",
        ),
        (
            "datasets/synthetic/fraction",
            0.5,
            "datasets.synthetic: kind synthetic takes no fraction; remove it",
        ),
        (
            "datasets/my data",
            {"kind": "npz", "path": "a"},
            "datasets: 'my data' cannot name a file; use up to 100 letters, digits, - and _",
        ),
        (
            "experiments/one/dataset",
            "fashion",
            "experiments.one.dataset: 'fashion' is unknown; did you mean 'fashion-mnist'?",
        ),
        (
            "figures/plane/estimators",
            ["uniform"],
            "figures.plane: shows one by uniform, which is not applied to it; "
            "add it to estimators.uniform.experiments",
        ),
    ],
)
def test_mistake_is_one_line(path, value, line):
    assert refusal(changed(path, value)) == f"mine.yaml: {line}"


@pytest.mark.parametrize(("epochs", "every"), [(1, 1), (1, 5), (2, 1), (100, 99)])
def test_one_epoch_or_one_after_the_first_is_recorded(epochs, every):
    config = changed("defaults/epochs", epochs)
    config["defaults"]["record_every"] = every
    assert resolve(config, "mine.yaml").trained["one"].record_every == every


@pytest.mark.parametrize(
    "bits", [1, 17, 8.0, True, None, "float64", [8, 8], {"weights": 8}, {"weights": 8, "activations": 1}]
)
def test_bits_out_of_range(bits):
    assert refusal(changed("defaults/bits", bits)) == (
        f"mine.yaml: defaults.bits: {bits!r} is not a width of 2 to 16, float32, "
        "or {weights: 2 to 16, activations: 2 to 16}"
    )


@pytest.mark.parametrize(
    "layer",
    [
        *(0, True, 2.5, "dense", None, {}, [16], {"pool": 1}, {"conv": 0}, {"conv": 2, "kernal": 3}),
        *({"conv": 2, "kernel": 0}, {"conv": 2, "pool": 2}, {"dense": 2, "kernel": 3}),
    ],
    ids=str,
)
def test_layers_of_a_network(layer):
    assert refusal(changed("defaults/network", [16, layer])) == (
        f"mine.yaml: defaults.network.1: {layer!r} is not a layer: a width, {{dense: width}}, "
        "{conv: filters, kernel: size} or {pool: size}"
    )


@pytest.mark.parametrize("role", ["hidden_weights", "output_weights", "activations", "output"])
@pytest.mark.parametrize(
    "policy", ["emma", "fixed", [1, -1], [0, 0], [0], [0, float("inf")], 3, True], ids=str
)
def test_ranges_of_quantizers(role, policy):
    assert refusal(changed(f"defaults/ranges/{role}", policy)) == (
        f"mine.yaml: defaults.ranges.{role}: {policy!r} is not batch, ema, ema-debiased, "
        "or a pair [lo, hi] with lo < hi"
    )


def test_what_training_is_told_of_networks_and_ranges():
    layers = [16, {"conv": 2}, {"conv": 4, "kernel": 5}, {"pool": 2}, {"dense": 3}]
    config = changed(
        "experiments/one", {"network": layers, "ranges": {"output": [0, 1], "activations": "ema"}}
    )
    spec = resolve(config, "mine.yaml").experiments["one"].spec
    assert spec.network == (
        DenseSpec(dense=16),
        ConvSpec(conv=2, kernel=3),
        ConvSpec(conv=4, kernel=5),
        PoolSpec(pool=2),
        DenseSpec(dense=3),
    )
    assert spec.ranges.model_dump(exclude_none=True) == {"output": (0.0, 1.0), "activations": "ema"}
    assert parse_spec(TrainingSpec, spec.model_dump_json()) == spec


def test_defaults_of_experiments():
    spec = resolve(STUDY, "mine.yaml").experiments["one"].spec
    assert (spec.protocol, spec.initialisation, spec.prefit_epochs) == ("published", None, 0)
    assert (spec.beta_1, spec.beta_2, spec.epsilon) == (0.9, 0.999, 1e-7)
    assert (spec.learning_rate, spec.batch_size, spec.seed) == (1e-4, 256, 0)
    assert spec.ranges.model_dump(exclude_none=True) == {}
    assert resolve(STUDY, "mine.yaml").estimators["exact"].subset == "all"


@pytest.mark.parametrize("activation", ["leaky-relu", "elu", "gelu", "sigmoid", "hard-tanh", "identity"])
def test_published_quantizes_two_activations_only(activation):
    experiment = {"activation": activation}
    assert refusal(changed("experiments/one", experiment)) == (
        f"mine.yaml: experiments.one: protocol published quantizes tanh and relu only, not {activation}; "
        "use controlled"
    )
    for other in ({"protocol": "controlled"}, {"bits": "float32"}):
        study = resolve(changed("experiments/one", experiment | other), "mine.yaml")
        assert study.experiments["one"].activation == activation


def test_kernels_train_on_a_processor_and_torch_on_a_gpu():
    assert {each.engine for each in resolve(STUDY, "mine.yaml").experiments.values()} == {"kernels"}
    on_gpu = changed("device", "cuda")
    assert {each.engine for each in resolve(on_gpu, "mine.yaml").experiments.values()} == {"torch"}
    in_torch = changed("defaults/engine", "torch")
    assert {each.engine for each in resolve(in_torch, "mine.yaml").experiments.values()} == {"torch"}


@pytest.mark.parametrize("place", ["defaults", "experiments/one"])
def test_kernels_are_refused_on_a_gpu(place):
    config = changed(f"{place}/engine", "kernels") | {"device": "cuda"}
    assert refusal(config) == (
        f"mine.yaml: {place.replace('/', '.')}.engine: kernels run on a processor, and device is cuda; "
        "write engine: torch, or device: cpu"
    )
    config["experiments"]["one"]["engine"] = config["experiments"]["two"]["engine"] = "torch"
    assert {each.engine for each in resolve(config, "mine.yaml").experiments.values()} == {"torch"}


def test_data_sets_are_those_used_by_experiments():
    config = changed("datasets", {"mine": {"kind": "npz", "path": "mine.npz"}, "mnist": {"fraction": 0.1}})
    assert set(resolve(config, "mine.yaml").datasets) == {"synthetic"}
    config["experiments"] |= {"three": {"dataset": "mine"}, "four": {"dataset": "fashion-mnist"}}
    datasets = resolve(config, "mine.yaml").datasets
    assert {name: spec.kind for name, spec in datasets.items()} == {
        "synthetic": "synthetic",
        "mine": "npz",
        "fashion-mnist": "fashion-mnist",
    }
    assert datasets["fashion-mnist"].fraction == 1


@pytest.mark.parametrize("interval", ["globl", [1, 1], [1, 0], [0], [0, float("inf")], [0, float("nan")], 3])
def test_range_of_bins(interval):
    assert refusal(changed("estimators/uniform/range", interval)) == (
        f"mine.yaml: estimators.uniform.range: {interval!r} is not global, layer, neuron, "
        "or a pair [lo, hi] with lo < hi"
    )


@pytest.mark.parametrize("section", ["experiments", "estimators"])
def test_required_sections(section):
    config = {key: value for key, value in STUDY.items() if key != section}
    assert refusal(config) == f"mine.yaml: {section}: missing; add it"


@pytest.mark.parametrize("config", [None, [], "text", 3])
def test_no_mapping(config):
    assert refusal(config) == "mine.yaml: contains no keys; see config/README.md for what belongs there"


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
keys = st.text(max_size=12) | st.sampled_from(sorted(Sections.model_fields))


@given(
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=12,
    )
)
def test_anything_else_is_one_line(config):
    assert len(refusal(config).splitlines()) == 1


@pytest.mark.parametrize("text", ["a: [1", "a:\n\t- b", "'", "- a: b\n  c"])
def test_not_yaml(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"mine.yaml: .*; ") as caught:
        load_config(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"kind": "exat"}', '{"kind": "exact", "experiments": ["one"]}']
)
def test_bad_spec_is_one_line(text):
    with pytest.raises(UserError, match=r"^--spec: .*; ") as caught:
        parse_spec(EstimatorSpec, text)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("own", "estimators", "line"),
    [
        (
            {"epochs": 32},
            ["exact", "other"],
            "has nothing to be compared with; add an estimator of kind exact and ",
        ),
        ({}, ["other"], "has nothing to be compared with; add an estimator of kind exact to its estimators"),
        (
            {"subset": "test"},
            ["exact", "other"],
            "counts a subset of the inputs; kind signs takes all of them",
        ),
    ],
)
def test_signs_are_of_estimators_that_have_an_exact_value(own, estimators, line):
    figure = {"kind": "signs", "category": "a", "experiments": ["one"], "estimators": estimators}
    config = changed("figures/signs", figure) | {
        "estimators": {"exact": {"kind": "exact"}, "other": {"kind": "rebinned", **own}}
    }
    assert f"figures.signs: other {line}" in refusal(config)


@pytest.mark.parametrize("own", [{}, {"epochs": 32}, {"subset": "test"}, {"layers": [1]}], ids=str)
def test_signs_compare_others_with_the_exact_value(own):
    figure = {"kind": "signs", "category": "a", "experiments": ["one"], "estimators": ["exact", "other"]}
    config = changed("figures/signs", figure) | {
        "estimators": {"exact": {"kind": "exact"}, "other": {"kind": "exact", **own}}
    }
    assert refusal(config) == (
        "mine.yaml: figures.signs: all its estimators are exact, and kind signs compares others with them; "
        "add one of another kind to its estimators"
    )


@pytest.mark.parametrize("others", [[], ["tanh"]])
def test_settings_are_several_of_each_activation_function(others):
    figure = {"kind": "settings", "category": "a", "experiments": ["one", *others], "estimators": ["exact"]}
    config = changed("figures/settings", figure)
    config["experiments"]["tanh"] = {"activation": "tanh"}
    assert refusal(config) == (
        "mine.yaml: figures.settings: kind settings compares the experiments of each activation function, "
        "and relu has only one; name another one with it"
    )
    figure["experiments"] = ["one", "two"]
    assert resolve(config, "mine.yaml").figures["settings"].experiments == ("one", "two")


def test_signs_at_a_few_epochs_have_their_own_exact_value():
    figure = {"kind": "signs", "category": "a", "experiments": ["one"], "estimators": ["exact", "other"]}
    config = changed("figures/signs", figure) | {
        "estimators": {"exact": {"kind": "exact", "epochs": 32}, "other": {"kind": "rebinned", "epochs": 32}}
    }
    assert resolve(config, "mine.yaml").figures["signs"].pairs == [("one", "exact"), ("one", "other")]


def test_quick_study_shows_all_figures_of_the_paper():
    study, quick = (load_config(CONFIGS / name) for name in ("config.yaml", "quick.yaml"))
    assert quick.results != study.results
    estimators = {name: each.spec for name, each in study.estimators.items()}
    assert {name: each.spec for name, each in quick.estimators.items()}.items() <= estimators.items()
    without_note = {name: figure.model_copy(update={"note": ""}) for name, figure in quick.figures.items()}
    of_paper = {name: each for name, each in study.figures.items() if each.category in ("main", *"ABCDEF")}
    assert of_paper.items() <= without_note.items()
    for name, figure in without_note.items():
        whole = study.figures[name]
        assert {*figure.experiments} <= {*whole.experiments}
        assert figure == whole.model_copy(update={"experiments": figure.experiments})
    shown = {name for figure in quick.figures.values() for name in figure.experiments or ()}
    assert set(quick.experiments) == shown


def test_notes_of_the_quick_study_say_how_it_is_quick():
    quick = load_config(CONFIGS / "quick.yaml")
    for figure in quick.figures.values():
        shown = [quick.experiments[name] for name in figure.experiments]
        runs, epochs = {each.repetitions for each in shown}, {each.epochs for each in shown}
        prefit = {each.prefit_epochs for each in shown} - {0}
        for number in runs | epochs | prefit:
            assert re.search(rf"\b{number}\b", figure.note)


def test_config_loads_without_torch():
    code = "import sys, infoplane.artifacts, infoplane.config.study; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
