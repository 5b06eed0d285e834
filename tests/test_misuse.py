"""Arguments of the public functions that are not what they take: one line that names the argument."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import pyplot

import infoplane
from infoplane import TrainingSpec, UserError, aggregate, estimate, load_dataset, train

SPEC = TrainingSpec(dataset="synthetic", network=[3], activation="relu", bits=8, epochs=2, record_every=1)
# What is made by others, or takes no arguments of a user's
NO_FUNCTIONS = {
    "EstimatorSpec",
    "Information",
    "Recording",
    "StudyResults",
    "Trajectory",
    "TrainingSpec",
    "UserError",
}
ANYTHING = {
    "None": None,
    "text": "x",
    "dict": {},
    "number": 3,
    "spec": SPEC,
    "list": [1, 2],
    "object": object(),
    "table": pd.DataFrame({"a": [1, 2]}),
    "array": np.arange(3.0),
    "class": int,
}


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """A call of each public function that works."""
    folder = tmp_path_factory.mktemp("misuse")
    dataset = load_dataset("synthetic")
    trajectory, _ = train(SPEC, 2)
    table = estimate("exact", trajectory, dataset)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(12, 3), torch.nn.ReLU())
    torch.save(model.state_dict(), folder / "c.pt")
    inputs = dataset.inputs.astype(np.float32)
    return {
        "Dataset": ("mine", inputs, dataset.labels),
        "Recorder": (model, inputs, dataset.labels),
        "aggregate": (table,),
        "binned_information": (inputs, dataset.labels),
        "estimate": ("exact", trajectory, dataset),
        "exact_information": (inputs, dataset.labels),
        "from_states": (model, [folder / "c.pt"], inputs, dataset.labels),
        "load_dataset": ("synthetic",),
        "load_study": (folder,),
        "load_table": (folder / "none.parquet",),
        "load_trajectory": (folder / "none.safetensors",),
        "phases": (table, dataset.labels),
        "plot_curves": (aggregate(table),),
        "plot_phases": (table,),
        "plot_plane": (table,),
        "train": (SPEC, 1),
    }


def parameters_of(name):
    its = inspect.signature(getattr(infoplane, name)).parameters.values()
    return [each.name for each in its if each.kind is not inspect.Parameter.VAR_KEYWORD]


FUNCTIONS = sorted({*infoplane.__all__} - NO_FUNCTIONS)


def outcome(function, arguments, keys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            function(*arguments, **keys)
        except UserError as error:
            return str(error)
        finally:
            pyplot.close("all")
    return None


@pytest.mark.parametrize(
    ("name", "parameter"), [(name, each) for name in FUNCTIONS for each in parameters_of(name)]
)
def test_any_argument_is_taken_or_refused_in_one_line(calls, name, parameter):
    arguments, names = calls[name], parameters_of(name)
    for value in ANYTHING.values():
        keys = dict(zip(names, arguments, strict=False)) | {parameter: value}
        line = outcome(getattr(infoplane, name), (), keys)
        assert line is None or ("\n" not in line and line.strip()), line


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if len(parameters_of(name)) > 1])
def test_swapped_arguments_are_one_line(calls, name):
    """Where that leaves arguments of their types, they are taken."""
    swapped = calls[name][::-1]
    line = outcome(getattr(infoplane, name), swapped, {})
    assert len(swapped) == 1 or (line and "\n" not in line)


@pytest.mark.parametrize(
    ("name", "keys", "line", "also"),
    [
        (
            "estimate",
            {"trajectory": {}},
            "trajectory: a dict is given, expected a Trajectory, as from train",
            TypeError,
        ),
        (
            "estimate",
            {"dataset": None},
            "dataset: None is given, expected a Dataset, as from load_dataset",
            TypeError,
        ),
        (
            "estimate",
            {"estimator": SPEC},
            "estimator: a TrainingSpec is given, expected an EstimatorSpec",
            TypeError,
        ),
        ("estimate", {"device": "gpu"}, "device: 'gpu' is unknown; use cpu or cuda", ValueError),
        ("train", {"spec": "mine"}, "spec: 'mine' is given, expected a TrainingSpec", TypeError),
        ("train", {"dataset": "mine"}, "dataset: 'mine' is given, expected a Dataset", TypeError),
        ("train", {"device": 0}, "device: 0 is unknown; use cpu or cuda", ValueError),
        ("Recorder", {"model": None}, "model: None is given, expected a module of PyTorch", TypeError),
        ("Recorder", {"estimators": 3}, "estimators: 3 is given, expected specs", TypeError),
        ("Recorder", {"batch_size": 0}, "batch_size: 0 is not a whole number ≥ 1; give one", ValueError),
        ("from_states", {"states": 3}, "states: 3 is given, expected state dicts, or paths", TypeError),
        (
            "from_states",
            {"states": [None]},
            "states: epoch 0: None is given, expected a state dict",
            TypeError,
        ),
        ("load_table", {"path": None}, "path: None is given, expected a path", TypeError),
        ("load_trajectory", {"path": 3}, "path: 3 is given, expected a path", TypeError),
        ("load_study", {"folder": {}}, "folder: a dict is given, expected a path", TypeError),
        ("load_dataset", {"name_or_path": None}, "name_or_path: None is given, expected a path", TypeError),
        ("plot_plane", {"table": None}, "table: None is given, expected a table", TypeError),
        ("plot_plane", {"colour": "loss"}, "colour: 'loss' is unknown; use epoch or layer", ValueError),
        ("plot_plane", {"zoom": 3}, "zoom: 3 is unknown; use auto or none", ValueError),
        (
            "plot_plane",
            {"zoom": ((0, 1), 3)},
            "zoom: ((0, 1), 3) is refused; give ((lo, hi), (lo, hi))",
            ValueError,
        ),
        ("plot_plane", {"ax": "left"}, "ax: 'left' is given, expected axes of matplotlib", TypeError),
        ("plot_plane", {"labels": "T"}, "labels: 'T' is given, expected True, False, or names", TypeError),
        (
            "plot_plane",
            {"estimator": "bins"},
            "estimator: the table does not say that it is of 'bins'",
            ValueError,
        ),
        ("plot_curves", {"quantity": "loss"}, "quantity: 'loss' is unknown; use h_t, ", ValueError),
        ("plot_phases", {"table": [1]}, "table: [1] is given, expected phases of an experiment", TypeError),
        (
            "phases",
            {"table": "mine"},
            "table: 'mine' is given, expected a table, as from estimate",
            TypeError,
        ),
        ("phases", {"labels": [0, 1]}, "labels: 2 are given, and the table tells ", ValueError),
        ("phases", {"history": 3}, "history: 3 is given, expected a table of loss", TypeError),
        ("train", {"progress": None}, "progress: None is given, expected True or False", TypeError),
        ("estimate", {"progress": 1}, "progress: 1 is given, expected True or False", TypeError),
        ("aggregate", {"table": "mine"}, "table: 'mine' is given, expected a table", TypeError),
        ("Dataset", {"name": None}, "name: None is given, expected the name of the data set", TypeError),
        ("Dataset", {"scale": "big"}, "scale: 'big' is given, expected a number", TypeError),
        ("Dataset", {"channels": "last"}, "channels: 'last' is unknown; use first", ValueError),
        ("binned_information", {"method": 3}, "method: 3 is unknown; use uniform or adaptive", ValueError),
    ],
)
def test_the_argument_is_named_with_what_was_expected(calls, name, keys, line, also):
    """The error is what Python raises, too: a type or a value that is wrong."""
    arguments = dict(zip(parameters_of(name), calls[name], strict=False)) | keys
    with pytest.raises(also) as error:
        getattr(infoplane, name)(**arguments)
    assert isinstance(error.value, UserError) and str(error.value).startswith(line), str(error.value)


def test_one_path_is_one_state(calls):
    model, (path,), *others = calls["from_states"]
    expected = infoplane.from_states(model, [path], *others).table()
    for one in (path, str(path)):
        pd.testing.assert_frame_equal(infoplane.from_states(model, one, *others).table(), expected)


def test_every_public_name_is_called_here(calls):
    assert {*calls} == {*FUNCTIONS}
