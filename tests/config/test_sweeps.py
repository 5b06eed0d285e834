"""Sweeps and grids stand for the experiments that one would write by hand."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane import UserError
from infoplane.config.study import resolve
from infoplane.config.sweeps import matched, with_sweeps

STUDY = {
    "defaults": {
        "dataset": "synthetic",
        "network": "shwartz-ziv",
        "activation": "relu",
        "epochs": 100,
        "record_every": 5,
        "repetitions": 4,
        "chunk": 4,
    },
    "experiments": {"one": {"bits": 8}, "two": {"bits": 4}},
    "estimators": {"exact": {"kind": "exact"}},
}


MAKES = "makes a name that is refused: 'one-"
CHARACTERS = "cannot name a file; use up to 100 letters, digits, - and _"
BY_HAND = ", or write this experiment under a name of its own"
TAKEN = f"which is taken; remove it{BY_HAND}"
EMPTY = "is empty; give a list of values, or remove it"
WIDTHS = [*range(10, 40)]


def study_with(**keys):
    config = deepcopy(STUDY)
    config["experiments"]["one"] |= keys
    return config


def test_sweep_varies_one_key_at_a_time():
    swept = {"learning_rate": [1e-5, 0.5], "network": [[20, 14]], "bits": [{"weights": 8, "activations": 4}]}
    study = resolve(study_with(sweep=swept), "mine.yaml")
    one = study.experiments["one"]
    assert study.experiments.keys() == {
        "one",
        "two",
        "one-learning_rate-1e-05",
        "one-learning_rate-0_5",
        "one-network-20-14",
        "one-bits-8-4",
    }
    for name, key in (("one-learning_rate-0_5", "learning_rate"), ("one-network-20-14", "network")):
        swept_one = study.experiments[name]
        assert swept_one.model_dump(exclude={key}) == one.model_dump(exclude={key})
        assert getattr(swept_one, key) != getattr(one, key)
    by_hand = deepcopy(STUDY)
    by_hand["experiments"]["one-learning_rate-0_5"] = {"bits": 8, "learning_rate": 0.5}
    written = resolve(by_hand, "mine.yaml").experiments["one-learning_rate-0_5"]
    assert study.experiments["one-learning_rate-0_5"] == written


@given(
    st.dictionaries(
        st.sampled_from(["seed", "batch_size", "epochs"]),
        st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True),
        min_size=1,
    )
)
def test_numbers_of_experiments(factors):
    """A sweep adds as many as there are values, a grid their product; the experiment itself comes first."""
    swept = with_sweeps({"one": {"bits": 8, "sweep": factors}}, "mine.yaml")
    grid = with_sweeps({"one": {"bits": 8, "grid": factors}}, "mine.yaml")
    counts = [len(values) for values in factors.values()]
    product = 1
    for count in counts:
        product *= count
    assert len(swept) == 1 + sum(counts) and len(grid) == 1 + product
    assert next(iter(swept)) == next(iter(grid)) == "one"
    assert all({"bits"} <= own.keys.keys() <= {"bits", *factors} for own in (*swept.values(), *grid.values()))


def test_patterns_stand_for_names():
    config = study_with(sweep={"seed": [1, 2]})
    config["estimators"]["exact"]["experiments"] = ["two", "one-*"]
    study = resolve(config, "mine.yaml")
    assert study.estimators["exact"].experiments == ("two", "one-seed-1", "one-seed-2")


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (study_with(sweep={"seed": 3}), "experiments.one.sweep.seed: 3 is not a list; give a list of values"),
        (study_with(grid={"seed": []}), f"experiments.one.grid.seed: {EMPTY}"),
        (study_with(sweep={"learning_rate": []}), f"experiments.one.sweep.learning_rate: {EMPTY}"),
        *(
            (
                study_with(**{section: nothing}),
                f"experiments.one.{section}: is empty; give keys and lists of their values, or remove it",
            )
            for section in ("sweep", "grid")
            for nothing in ({}, None)
        ),
        (study_with(sweep=[3]), "experiments.one.sweep: [3] is refused; it must be a mapping"),
        (
            study_with(sweep={"seeed": [3]}),
            "experiments.one-seeed-3.seeed: unknown key; did you mean 'seed'?",
        ),
        (
            study_with(sweep={"seed": [3, 3]}),
            f"experiments.one.sweep: {{'seed': 3}} makes the name one-seed-3, {TAKEN}",
        ),
        (
            {**STUDY, "experiments": {"one": {"bits": 8, "sweep": {"seed": [3]}}, "one-seed-3": {"bits": 4}}},
            f"experiments.one.sweep: {{'seed': 3}} makes the name one-seed-3, {TAKEN}",
        ),
        (
            study_with(sweep={"width": [10, 20]}),
            "experiments.one-width-10.width: unknown key; layers and their widths are given by network, as "
            "in network: [10, 8, 6]",
        ),
        (
            study_with(sweep={"network": [[10] * 20]}),
            f"experiments.one.sweep: {{'network': {[10] * 20}}} {MAKES}network{'-10' * 20}' ends in '-10' "
            f"20 times, which Snakemake refuses; shorten it{BY_HAND}",
        ),
        (
            study_with(grid={"seed": [1], "network": [WIDTHS]}),
            f"experiments.one.grid: {{'seed': 1, 'network': {WIDTHS}}} {MAKES}seed-1-network-"
            f"{'-'.join(map(str, WIDTHS))}' {CHARACTERS}{BY_HAND}",
        ),
        (
            study_with(sweep={"network": ["a/b {c}"]}),
            f"experiments.one.sweep: {{'network': 'a/b {{c}}'}} {MAKES}network-a/b {{c}}' "
            f"{CHARACTERS}{BY_HAND}",
        ),
        *(
            (
                study_with(**{section: {"seed": [1], key: [value]}}),
                f"experiments.one.{section}.{key}: cannot be varied; write an experiment for each value",
            )
            for section in ("sweep", "grid")
            for key, value in (("label", "a/b {c}"), ("recorded", {"files": "x/*.parquet"}))
        ),
        (
            {
                **study_with(sweep={"seed": [3]}),
                "estimators": {"exact": {"kind": "exact", "experiments": ["t-*"]}},
            },
            "estimators.exact.experiments: 't-*' is unknown; use one of one, one-seed-3, two",
        ),
    ],
)
def test_mistake_is_one_line(config, line):
    with pytest.raises(UserError) as caught:
        resolve(config, "mine.yaml")
    assert str(caught.value) == f"mine.yaml: {line}"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"sweep": {"batch_size": [32, 256]}}, "sweep: {'batch_size': 256} AGAIN of one again; remove it"),
        (
            {"sweep": {"learning_rate": ["1e-4"]}},
            "sweep: {'learning_rate': '1e-4'} AGAIN of one again; remove it",
        ),
        ({"grid": {"bits": [{"weights": 8, "activations": 8}]}}, "again; remove it"),
        (
            {"sweep": {"learning_rate": [0.001, "1e-3"]}},
            "sweep: {'learning_rate': '1e-3'} AGAIN of one-learning_rate-0_001 again; remove it",
        ),
        (
            {"grid": {"seed": [0, 1], "bits": [4, 8]}},
            "grid: {'seed': 0, 'bits': 8} AGAIN of one again; change a value of it, or of one",
        ),
        *(
            ({"sweep": {key: [value]}}, f"sweep: {{'{key}': {value}}} AGAIN of one again; remove it")
            for key, value in (("chunk", 2), ("control", True), ("repetitions", 4), ("epochs", 100))
        ),
    ],
)
def test_no_network_of_a_sweep_is_trained_again(keys, line):
    """Neither with a value that the experiment has, of its own or by default, nor with a value twice."""
    with pytest.raises(UserError) as caught:
        resolve(study_with(**keys), "mine.yaml")
    assert str(caught.value).startswith("mine.yaml: experiments.one.")
    assert str(caught.value).endswith(line.replace("AGAIN", "would train the networks"))


def test_equal_experiments_that_are_written_are_left():
    """They may be of two sweeps, and other repetitions are other networks."""
    config = study_with(sweep={"bits": [4], "repetitions": [8]})
    study = resolve(config, "mine.yaml")
    assert study.experiments["one-bits-4"].spec == study.experiments["two"].spec


@pytest.mark.parametrize("names", ["all", None, [3], {"a": 1}])
def test_other_than_lists_of_names_are_left_to_validation(names):
    assert matched(names, ["a"]) == names
