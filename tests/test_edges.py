"""Numbers at the edge: a run is in every table, with its values or with the mark that it failed."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from infoplane.artifacts import read_table
from infoplane.cli import main
from infoplane.config import TrainingSpec
from infoplane.config.validation import parse_spec
from infoplane.errors import UserError
from infoplane.networks.initialisation import initialise

COUNT = 48
GENERATOR = np.random.default_rng(0)
BITS = GENERATOR.integers(0, 2, (COUNT, 5))
LABELS = (BITS.sum(1) > 2).astype(int)
REPETITIONS = 4
SPEC = {
    **{"dataset": "mine", "network": [4, 3], "activation": "relu", "bits": 8},
    **{"epochs": 12, "record_every": 1, "batch_size": 16},
}
LAYERS = 3
ESTIMATORS = {
    "exact": {"kind": "exact"},
    "rebinned": {"kind": "rebinned"},
    "uniform-global": {"kind": "uniform", "bins": 30, "range": "global"},
}
EVERY = ESTIMATORS | {
    "adaptive": {"kind": "adaptive", "bins": 5},
    "uniform-layer": {"kind": "uniform", "bins": 30, "range": "layer"},
    "uniform-neuron": {"kind": "uniform", "bins": 30, "range": "neuron"},
    "uniform-fixed": {"kind": "uniform", "bins": 30, "range": [-1, 1]},
    "uniform-widest": {"kind": "uniform", "bins": 65536, "range": [-1e38, 1e38]},
    "uniform-narrowest": {"kind": "uniform", "bins": 65536, "range": [0, 5e-324]},
}
VALUES = ["h_t", "i_xt", "i_ty"]


class Tables(NamedTuple):
    history: pd.DataFrame
    fits: pd.Series
    information: Mapping[str, pd.DataFrame]
    aggregates: Mapping[str, pd.DataFrame]
    phases: Mapping[str, pd.DataFrame]


@pytest.fixture
def study(tmp_path, capsys):
    """Run a study from its data to its tables by the command line; no warning is overlooked."""

    def run(command: str, **files: object) -> None:
        arguments = command.split()
        for name, value in files.items():
            arguments += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert main(arguments) == 0, capsys.readouterr().err

    def study(spec: dict[str, object], inputs=BITS, labels=LABELS, estimators=ESTIMATORS) -> Tables:
        path = {
            name: tmp_path / name
            for name in ("mine.npz", "set.npz", "t.safetensors", "h.parquet", "fits.csv")
        }
        np.savez(path["mine.npz"], inputs=inputs, labels=labels)
        data = {"name": "mine", "kind": "npz", "path": str(path["mine.npz"])}
        run("datasets", spec=json.dumps(data), output=path["set.npz"])
        run(
            "training",
            spec=json.dumps(SPEC | spec),
            dataset=path["set.npz"],
            repetitions=f"0-{REPETITIONS - 1}",
            trajectory=path["t.safetensors"],
            history=path["h.parquet"],
        )
        tables = {name: [tmp_path / f"{name}-{n}.parquet" for n in range(3)] for name in estimators}
        for name, (information, aggregates, phases) in tables.items():
            run(
                "information",
                spec=json.dumps(estimators[name]),
                dataset=path["set.npz"],
                trajectory=path["t.safetensors"],
                output=information,
            )
            run(
                "statistics information",
                information=information,
                history=path["h.parquet"],
                aggregates=aggregates,
                phases=phases,
            )
        run(
            "statistics accuracy",
            dataset=path["set.npz"],
            history=path["h.parquet"],
            output=tmp_path / "accuracy.parquet",
        )
        run("statistics join-fits", tables=f"one={tmp_path / 'accuracy.parquet'}", output=path["fits.csv"])
        for table, place in (("information", 1), ("phases", 2)):
            named = [f"one/{name}={paths[place]}" for name, paths in tables.items()]
            run(f"statistics join-{table}", tables=named, output=tmp_path / f"{table}.csv")
        run(
            "statistics claims",
            phases=[f"one/{name}={paths[2]}" for name, paths in tables.items()],
            claims=tmp_path / "claims.csv",
            cells=tmp_path / "cells.csv",
            margins=tmp_path / "margins.csv",
        )
        kinds = {
            kind: {name: read_table(paths[place], kind)[0] for name, paths in tables.items()}
            for place, kind in enumerate(("information", "aggregates", "phases"))
        }
        history = read_table(path["h.parquet"], "history")[0]
        result = Tables(history, pd.read_csv(path["fits.csv"]).iloc[0], **kinds)
        nothing_is_dropped(result)
        everything_is_joined(tmp_path, result)
        return result

    return study


def failed(tables: Tables) -> list[int]:
    """The repetitions that a reader of the raw tables would say have failed."""
    frames = [tables.history, *tables.information.values()]
    return sorted(
        {int(n) for frame in frames for n in frame["repetition"][frame.isna().any(axis=1)].unique()}
    )


def nothing_is_dropped(tables: Tables) -> None:
    """Every run is in every table, and is marked where it failed and whole where it did not."""
    everything = set(range(REPETITIONS))
    assert set(tables.history["repetition"]) == everything
    assert tables.fits["repetitions"] == REPETITIONS
    for name, information in tables.information.items():
        assert len(information) == REPETITIONS * LAYERS * information["epoch"].nunique()
        gone = set(information["repetition"][information[VALUES].isna().any(axis=1)])
        gone |= set(tables.history["repetition"][tables.history.isna().any(axis=1)])
        phases = tables.phases[name]
        assert len(phases) == REPETITIONS * LAYERS
        assert set(phases["repetition"][phases["failed"]]) == gone
        assert phases.loc[phases["failed"], ["fitting", "compression", "compresses"]].isna().all(axis=None)
        whole = phases.loc[~phases["failed"], ["fitting", "compression", "compresses"]]
        assert whole.notna().eq(phases.loc[~phases["failed"], "blocks"] > 1, axis=0).all(axis=None)
        means = tables.aggregates[name].query("runs == 'all'")
        assert (means["count"] == len(everything - gone)).all() and np.isfinite(means["mean"]).all()
        points = information.groupby(["epoch", "layer"]).ngroups if everything - gone else 0
        assert len(means) == points * len([*VALUES, "distinct"])
        values = information[~information["repetition"].isin(gone)]
        assert (values["h_t"] <= np.log2(COUNT) + 1e-12).all() and (values[VALUES] >= -1e-12).all(axis=None)
        assert (values["i_ty"] <= values["h_t"] + 1e-12).all() and (values["i_ty"] <= 1 + 1e-12).all()
        assert ((values["distinct"] >= 1) & (np.log2(values["distinct"]) >= values["h_t"] - 1e-12)).all()


def everything_is_joined(folder: Path, tables: Tables) -> None:
    joined = pd.read_csv(folder / "phases.csv")
    assert len(joined) == sum(map(len, tables.phases.values()))
    assert joined["failed"].sum() == sum(each["failed"].sum() for each in tables.phases.values())
    assert joined["bad_fit"].notna().sum() == sum(
        each["bad_fit"].notna().sum() for each in tables.phases.values()
    )
    assert len(pd.read_csv(folder / "claims.csv")) and (folder / "cells.csv").stat().st_size


def start_with(monkeypatch, change) -> None:
    """Change the initial parameters of each repetition, by its number."""
    number = iter(range(1000))

    def changed(network, spec, uniforms):
        return change(next(number), initialise(network, spec, uniforms)).astype(np.float32)

    monkeypatch.setattr("infoplane.kernels.training.initialise", changed)


KINDS = [
    {"bits": 8},
    {"bits": 8, "protocol": "controlled"},
    {"bits": "float32"},
    {"bits": 2, "activation": "tanh"},
    {"bits": 16, "activation": "tanh", "protocol": "controlled"},
]
SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[3:]]
kinds = pytest.mark.parametrize(
    "kind", [*KINDS[:3], *SLOW], ids=lambda kind: "-".join(map(str, kind.values()))
)


def tells_nothing(information: pd.DataFrame) -> bool:
    return (information[VALUES] == 0).all(axis=None) and (information["distinct"] == 1).all()


@kinds
def test_inputs_that_are_all_zero_tell_nothing(study, kind):
    tables = study(kind, inputs=np.zeros((COUNT, 5), dtype=int))
    assert failed(tables) == [] and all(map(tells_nothing, tables.information.values()))
    for phases in tables.phases.values():
        assert (phases[["fitting", "compression"]] == 0).all(axis=None)
        assert not phases[["compresses", "injective", "failed"]].any(axis=None)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("value", [0, 1, 0.3, -7.0], ids=str)
def test_inputs_that_are_all_the_same_tell_nothing_to_any_estimator(study, kind, value):
    inputs = np.full((COUNT, 5), value)
    if inputs.dtype == float and kind["bits"] != "float32":  # the grid of the inputs has no range
        with pytest.raises(AssertionError, match="inputs are identical for the network; "):
            study(kind, inputs=inputs, estimators=EVERY)
        return
    tables = study(kind, inputs=inputs, estimators=EVERY)
    assert failed(tables) == [] and all(map(tells_nothing, tables.information.values()))


@kinds
def test_dead_relus_are_one_code(study, kind, monkeypatch):
    """Weights below 0 and inputs that are not: no neuron fires, in no epoch."""
    start_with(monkeypatch, lambda number, parameters: -abs(parameters))
    tables = study(kind | {"activation": "relu"})
    assert failed(tables) == [] and all(map(tells_nothing, tables.information.values()))


@kinds
def test_a_learning_rate_that_is_far_too_large_marks_every_repetition(study, kind):
    tables = study(kind | {"learning_rate": 1e38})
    assert failed(tables) == list(range(REPETITIONS))
    assert tables.fits["failed"] == REPETITIONS and np.isnan(tables.fits["train_accuracy"])
    assert np.isnan(tables.fits["bad_fits"])


def test_one_failed_repetition_is_marked_and_changes_no_other(study, monkeypatch):
    with monkeypatch.context() as patch:
        start_with(patch, lambda number, parameters: parameters * (np.nan if number == 2 else 1))
        one = study({})
    none = study({})
    assert failed(one) == [2] and failed(none) == [] and one.fits["failed"] == 1
    for name, information in one.information.items():
        tables = information, none.information[name]
        pd.testing.assert_frame_equal(
            *(each.query("repetition != 2").reset_index(drop=True) for each in tables)
        )
        assert information.query("repetition == 2")[VALUES].isna().all(axis=None)


@pytest.mark.slow
@kinds
def test_a_saturated_softmax_has_finite_values(study, kind, monkeypatch):
    start_with(monkeypatch, lambda number, parameters: parameters * 1000)
    tables = study(kind, estimators=EVERY)
    assert failed(tables) == [] and np.isfinite(tables.history["loss"]).all()


@pytest.mark.parametrize("of", ["hidden_weights", "output_weights", "activations", "output"])
@pytest.mark.parametrize("range", [[0, 1e-300], [-1e-31, 0], [1e-40, 1e-39]])
def test_a_range_that_is_one_point_to_training_alone_is_refused(of, range):
    with pytest.raises(UserError, match=f"ranges.{of}: .* is not batch"):
        parse_spec(TrainingSpec, json.dumps(SPEC | {"ranges": {of: range}}))


@pytest.mark.slow
@pytest.mark.parametrize(
    "extreme",
    [
        {"learning_rate": 1e-320},
        {"epsilon": 1e308},
        {"beta_1": 0, "beta_2": 0},
        {"seed": 2**64 - 1},
        {"record_every": 2**31 - 1},
        {"batch_size": 1},
        {"network": [1, 1], "bits": 2},
    ],
    ids=str,
)
def test_extremes_of_the_config_are_values_or_marks(study, extreme):
    assert failed(study(extreme)) in ([], list(range(REPETITIONS)))
