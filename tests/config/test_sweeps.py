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
    assert all({"bits"} <= own.keys() <= {"bits", *factors} for own in (*swept.values(), *grid.values()))


def test_patterns_stand_for_names():
    config = study_with(sweep={"seed": [1, 2]})
    config["estimators"]["exact"]["experiments"] = ["two", "one-*"]
    study = resolve(config, "mine.yaml")
    assert study.estimators["exact"].experiments == ("two", "one-seed-1", "one-seed-2")


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (study_with(sweep={"seed": 3}), "experiments.one.sweep.seed: 3 is not a list; give a list of values"),
        (study_with(grid={"seed": []}), "experiments.one.grid.seed: [] is not a list; give a list of values"),
        (study_with(sweep=[3]), "experiments.one.sweep: [3] is refused; it must be a mapping"),
        (
            study_with(sweep={"seeed": [3]}),
            "experiments.one-seeed-3.seeed: unknown key; did you mean 'seed'?",
        ),
        (
            study_with(sweep={"seed": [3, 3]}),
            "experiments.one-seed-3: is the name of two experiments; rename one",
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


@pytest.mark.parametrize("names", ["all", None, [3], {"a": 1}])
def test_other_than_lists_of_names_are_left_to_validation(names):
    assert matched(names, ["a"]) == names
