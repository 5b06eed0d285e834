"""Verdicts are those of a second reading of the rules, by all margins, and hang on what they rest on."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from observations import CONTROLLED, FLOAT32, HEADROOM, LACKS, MIXED, PEAK, RUNS, SHOWS, TANH, seen
from statistics_oracle import Margin, Seen, verdicts

from infoplane.config import EstimatorSpec, TrainingSpec
from infoplane.statistics.margins import MARGINS
from infoplane.statistics.observations import Observation
from infoplane.statistics.phases import phases
from infoplane.statistics.verdicts import BY_MARGINS, CELLS, VERDICTS, judge

EPOCHS, LAYERS = 60, 3
INPUTS = 1024
HOWS = {
    "exact": {"kind": "exact"},
    "rebinned": {"kind": "rebinned"},
    "softmax": {"kind": "quantized", "range": (0, 1)},
    ("uniform", 30, "global"): {"kind": "uniform", "bins": 30, "range": "global"},
    ("uniform", 30, (-1, 1)): {"kind": "uniform", "bins": 30, "range": (-1, 1)},
    ("adaptive", 30, None): {"kind": "adaptive", "bins": 30},
    ("uniform", 50, "layer"): {"kind": "uniform", "bins": 50, "range": "layer"},
}
FOR_ALL, FOR_QUANTIZED = ("exact", "rebinned"), ("softmax",)


def curves(random: np.random.Generator, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """I(X;T) and I(T;Y), (runs, layers, epochs), of which many are near to a margin."""
    time = np.linspace(0, 1, EPOCHS)
    falls = random.choice([0.0, 0.09, 0.15, 0.45, 0.8, 2.0], (LAYERS, 2))
    fall = np.where(random.random((runs, LAYERS)) < random.choice([0.1, 0.5, 0.95], LAYERS), *falls.T)
    start = random.choice([0.9, 0.994, 1.0], LAYERS) - 0.01 * random.random((runs, LAYERS))
    fit = np.where(random.random((runs, LAYERS)) < random.choice([0.05, 0.9], LAYERS), 1 - start, 0)
    down = np.interp(time, [0.4, 0.8], [0, 1])
    i_xt = random.choice([6.0, 9.0], LAYERS)[:, None] - fall[..., None] * down
    i_ty = start[..., None] + fit[..., None] * np.interp(time, [0, 0.3], [0, 1])
    return i_xt + 0.01 * random.standard_normal(i_xt.shape), i_ty


def study(seed: int, runs: int = 9) -> list[Seen]:
    random = np.random.default_rng(seed)
    found = []
    bad = random.random(runs) < 0.2  # of every experiment, so that what is left can be paired
    for protocol, activation, bits in product(("published", "controlled"), ("tanh", "relu"), (None, 8)):
        hows = [how for how in HOWS if how in FOR_ALL or (how in FOR_QUANTIZED) == (bits is not None)]
        for how in hows:
            name = f"{protocol}-{activation}-{bits}"
            inputs = INPUTS if protocol == "controlled" else None
            found.append(Seen(name, protocol, activation, bits, how, *curves(random, runs), bad, inputs))
    return found


def observed(one: Seen) -> Observation:
    """The same, by way of the package."""
    runs, layers, epochs = one.i_xt.shape
    axes = {"repetition": range(runs), "layer": range(1, layers + 1), "epoch": range(-1, epochs - 1)}
    rows = pd.DataFrame(
        {"i_xt": one.i_xt.ravel(), "i_ty": one.i_ty.ravel()},
        pd.MultiIndex.from_product(axes.values(), names=axes),
    )
    rows = rows.reset_index().assign(part="main", distinct=1)
    bad = pd.Series(pd.array(one.bad, dtype="boolean"), name="bad_fit")
    training = {"dataset": "synthetic", "network": "shwartz-ziv", "epochs": epochs, "record_every": 1}
    training |= {"activation": one.activation, "bits": one.bits or "float32", "protocol": one.protocol}
    return Observation(
        one.experiment,
        "-".join(map(str, HOWS[one.how].values())),
        TrainingSpec.model_validate(training),
        EstimatorSpec.model_validate(HOWS[one.how]),
        phases(rows, INPUTS, 1.0, [], bad, one.inputs is not None),
    )


def told(table: pd.DataFrame, verdict: str, *counts: str) -> dict[tuple[str, str, str], tuple]:
    rows = table[table[verdict] != "no data"]
    return {
        (row["claim"], row["protocol"], row["reading"]): (row[verdict], *(row[count] for count in counts))
        for _, row in rows.iterrows()
    }


@pytest.mark.parametrize("seed", range(4))
def test_a_second_reading_of_the_rules_comes_to_the_same_verdicts(seed):
    simulated = study(seed)
    judgement = judge([observed(one) for one in sorted(simulated, key=lambda one: one.experiment)])
    counts = "shows", "lacks", "mixed", "ceiling"

    by_hand = {key: each for key, each in verdicts(simulated).items() if each[0] != "no data"}
    assert told(judgement.claims, "verdict", *counts) == by_hand
    assert len({word for word, *_ in by_hand.values()}) == 3

    good = [one._replace(i_xt=one.i_xt[~one.bad], i_ty=one.i_ty[~one.bad]) for one in simulated]
    by_hand = {key: each[:1] for key, each in verdicts(good).items() if each[0] != "no data"}
    assert told(judgement.claims, "verdict_good_fits") == by_hand

    far = verdicts(simulated, counts=lambda cell: not cell.near)
    by_hand = {key: each[:1] for key, each in far.items() if each[0] != "no data"}
    assert told(judgement.claims, "verdict_not_near_log2_n") == by_hand

    for margin in MARGINS:
        table = judgement.margins[judgement.margins["margin"] == margin.name]
        by_hand = verdicts(simulated, Margin(*margin))
        by_hand = {key: each for key, each in by_hand.items() if each[0] != "no data"}
        assert told(table, "verdict", *counts) == by_hand


def test_order_of_runs_and_of_experiments_changes_nothing():
    observations = [seen("relu", compression=[7, SHOWS]), seen("tanh", compression=[3, 12], **TANH)]
    shuffled = [
        replace(one, phases=one.phases.sample(frac=1, random_state=0, ignore_index=True))
        for one in observations
    ]
    first, second = judge(observations), judge(shuffled)
    for one, other in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=False, rtol=1e-12)
    reversed_ = judge(observations[::-1]).claims
    assert told(first.claims, "verdict") == told(reversed_, "verdict")


def test_columns_and_rows():
    judgement = judge([seen("a")])
    assert (
        [*judgement.claims] == VERDICTS and [*judgement.cells] == CELLS and [*judgement.margins] == BY_MARGINS
    )
    assert len(judgement.claims) == 29
    assert judgement.claims["statement"].nunique() == 6
    assert len(judgement.margins) == 4 * len(MARGINS)


def test_nothing_to_judge():
    judgement = judge([seen("a", "wide")])
    assert (judgement.claims["verdict"] == "no data").all()
    assert judgement.cells.empty and judgement.margins.empty


def row(*observations: Observation, claim="C3", reading="logits") -> dict:
    table = judge(observations).claims
    ((_, found),) = table[(table["claim"] == claim) & (table["reading"] == reading)][:1].iterrows()
    return found.to_dict()


class TestRow:
    def test_tells_of_the_decisive_cell(self):
        found = row(seen("a", compression=[LACKS, SHOWS]), seen("b", compression=[LACKS, 16], seed=1))
        assert found["decisive"] == "b/exact T2"
        assert (found["k"], found["n"]) == (16, RUNS)
        assert found["lower"] < 0.8 < found["upper"] and found["mean"] == pytest.approx(0.8)
        assert found["p"] == pytest.approx(0.0059, abs=1e-4)

    def test_p_of_some_cell_is_corrected(self):
        found = row(seen("a", compression=[5, 0, 0, SHOWS]), claim="C6", reading="layers/codes")
        assert found["decisive"] == "a/exact T2; a/exact T3; a/exact T1"
        assert found["p"] == pytest.approx(3 * 2.0**-RUNS)

    def test_mixed_names_what_stands_in_the_way(self):
        found = row(seen("a", compression=[LACKS, SHOWS]), seen("b", compression=[LACKS, MIXED], seed=1))
        assert (found["verdict"], found["decisive"], found["k"]) == ("mixed", "b/exact T2", MIXED)

    def test_too_few_runs(self):
        found = row(seen("a", compression=[LACKS, 4], runs=4))
        assert (found["verdict"], found["too_few"]) == ("too few runs", 1)

    def test_fragile(self):
        solid = row(seen("a", compression=[LACKS, SHOWS]))
        assert (solid["fragile"], solid["flips"]) == (False, "")
        one = seen("a", compression=[LACKS, SHOWS])
        one.phases["compression"] *= 0.3
        assert row(one)["flips"] == "0.5 bit: refuted; 5 %: refuted"
        assert row(one)["fragile"] and 0.02 * PEAK < 0.3 < 0.05 * PEAK

    def test_bad_fits(self):
        one = seen("a", compression=[LACKS, 15])
        one.phases.loc[one.phases["repetition"] < 10, "bad_fit"] = True
        found = row(one)
        assert (found["verdict"], found["verdict_good_fits"]) == ("supported", "mixed")

    def test_cells_near_log2_n(self):
        observations = seen("a", compression=[LACKS, SHOWS]), seen("b", compression=[0, 0], near=[2], seed=1)
        found = row(*observations)
        assert (found["verdict"], found["verdict_not_near_log2_n"]) == ("refuted", "supported")
        assert found["near_log2_n"] == 1

    def test_ceilings_are_counted_apart(self):
        found = row(seen("a", headroom=[0, HEADROOM]), claim="C2", reading="codes")
        assert (found["verdict"], found["shows"], found["ceiling"]) == ("supported", 1, 1)


def test_protocols_and_readings_are_families_of_their_own():
    """One cell of p = 0.021 decides alone, and not among three."""
    alone = [seen("a", compression=[5, SHOWS])]
    others = [seen("b", compression=[MIXED, SHOWS], **training) for training in (CONTROLLED, FLOAT32)]
    assert row(*alone, *others, claim="C6", reading="layers/codes")["verdict"] == "supported"
    family = [seen("a", compression=[5, MIXED, MIXED, SHOWS])]
    assert row(*family, claim="C6", reading="layers/codes")["verdict"] == "mixed"
