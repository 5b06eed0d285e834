"""How often a cell says what it should not, over simulated studies in which the truth is known; run as

python tests/error_rates.py [STUDIES]
python tests/error_rates.py jitter results/information/EXPERIMENT/ESTIMATOR/CHUNK.parquet …

The first prints the tables of docs/claims.md, the second measures the jitter of real curves.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter

from infoplane.artifacts import read_table
from infoplane.statistics.phases import COMPRESSION_MARGIN, compression_of
from infoplane.statistics.prevalence import p_of_most, status_of

RUNS = (10, 20, 50)
EPOCHS = 1601
AT_ONCE = 2000

Effects = Callable[[np.random.Generator, int], np.ndarray]


class Jitter(NamedTuple):
    """What fluctuates from one recorded epoch to the next.

    Attributes:
        spread: its standard deviation (bits).
        memory: its correlation with that of the epoch before.
    """

    spread: float
    memory: float


# As measured on curves of the published networks. A running mean takes jitter with it that lasts: where the
# deviations have 0.03 bit and a memory of 0.6, in the output of tanh networks, jitter has 0.04 bit and 0.7
JITTERS = {
    "8 bits": Jitter(0.02, 0.1),
    "the output of tanh networks": Jitter(0.04, 0.7),
    "4 bits, ReLU": Jitter(0.1, 0.1),
}


def share(part: float) -> Effects:
    """A share of the runs loses one bit, the others none."""
    return lambda random, runs: (random.random(runs) < part).astype(float)


# By how much I(X;T) falls, in bits. In the first four, half of all runs compress by more than the margin
HALVES: dict[str, Effects] = {
    "half by 1 bit": share(0.5),
    "alike": lambda random, runs: random.normal(COMPRESSION_MARGIN, 0.1, runs),
    "spread": lambda random, runs: random.normal(COMPRESSION_MARGIN, 0.5, runs),
    "skewed": lambda random, runs: COMPRESSION_MARGIN * random.lognormal(0, 1, runs),
}
OTHERS = {"none": share(0), "a fifth": share(0.2), "four fifths": share(0.8), "all": share(1)}
PACES = {"×1": 1, "×1–4": 4, "×1–16": 16}


class Simulated(NamedTuple):
    """Compression (bits) of runs, without jitter and as measured with it, each (studies, runs)."""

    true: np.ndarray
    measured: np.ndarray

    @property
    def bias(self) -> float:
        return float((self.measured - self.true).mean())

    @property
    def misjudged(self) -> float:
        """Share of the runs that jitter puts on the other side of the margin."""
        sides = [each > COMPRESSION_MARGIN for each in self]
        return float((sides[0] != sides[1]).mean())

    def statuses(self, runs: int) -> np.ndarray:
        """What studies of so many runs find."""
        counts = (self.measured[:, :runs] > COMPRESSION_MARGIN).sum(-1).tolist()
        return np.array([status_of(runs, p_of_most(k, runs), p_of_most(runs - k, runs)) for k in counts])


def courses(falls: np.ndarray, paces: np.ndarray) -> np.ndarray:
    """I(X;T) of runs (runs, epochs), without jitter: it rises, stays, and falls, sooner at a higher pace.

    At pace 1 it rises during the first quarter of the training, and falls from 45 % to 75 % of it.
    """
    time = paces[:, None] * np.linspace(0, 1, EPOCHS)
    up, down = (np.clip((time - start) / (end - start), 0, 1) for start, end in ((0, 0.25), (0.45, 0.75)))
    return 8 + up - falls[:, None] * down


def jittering(random: np.random.Generator, jitter: Jitter, runs: int) -> np.ndarray:
    """An autoregressive process of first order, (runs, epochs)."""
    innovations = random.standard_normal((runs, EPOCHS))
    innovations[:, 1:] *= np.sqrt(1 - jitter.memory**2)
    moved: np.ndarray = lfilter([1], [1, -jitter.memory], innovations)
    return jitter.spread * moved


def simulate(effects: Effects, fastest: float, jitter: Jitter, studies: int) -> Simulated:
    """Runs whose paces are spread evenly on a logarithmic scale from 1 to the fastest."""
    random = np.random.default_rng(0)
    parts = []
    for start in range(0, studies * RUNS[-1], AT_ONCE):
        runs = min(AT_ONCE, studies * RUNS[-1] - start)
        curves = courses(effects(random, runs), fastest ** random.random(runs))
        true, _ = compression_of(curves)
        measured, _ = compression_of(curves + jittering(random, jitter, runs))
        parts.append((true, measured))
    return Simulated(*(np.concatenate(each).reshape(studies, -1) for each in zip(*parts, strict=True)))


def row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def head(*names: str) -> Iterator[str]:
    yield row(*names)
    yield "|---" * len(names) + "|"


def rates(studies: int) -> Iterator[str]:
    """Shares of the studies that show and that lack compression."""
    counts = [f"{status} {runs}" for status in ("shows", "lacks") for runs in RUNS]
    yield from head("runs that compress", "paces", "share", *counts, "bias, bit")
    for name, effects in (HALVES | OTHERS).items():
        for pace, fastest in PACES.items():
            found = simulate(effects, fastest, JITTERS["8 bits"], studies)
            statuses = {runs: found.statuses(runs) for runs in RUNS}
            shares = [(statuses[runs] == status).mean() for status in ("shows", "lacks") for runs in RUNS]
            true = (found.true > COMPRESSION_MARGIN).mean()
            yield row(name, pace, f"{true:.0%}", *map("{:.1%}".format, shares), f"{found.bias:+.3f}")


def biases(studies: int) -> Iterator[str]:
    """How far jitter moves compression, and how many runs it puts on the other side of the margin."""
    names = [f"{name}: {what}" for name in ("none", "half by 1 bit") for what in ("bias, bit", "misjudged")]
    yield from head("jitter of", "spread, bit", "memory", "paces", *names)
    for kind, jitter in JITTERS.items():
        for pace, fastest in PACES.items():
            told: list[str] = []
            for effects in (OTHERS["none"], HALVES["half by 1 bit"]):
                found = simulate(effects, fastest, jitter, studies)
                told += [f"{found.bias:+.3f}", f"{found.misjudged:.1%}"]
            yield row(kind, jitter.spread, jitter.memory, pace, *told)


def measured_jitter(path: Path) -> Iterator[str]:
    """Median over runs of spread and memory of deviations from a running mean of 21, from epoch 1000 on."""
    table, known = read_table(path, "information")
    table = table[(table["part"] == "main") & (table["epoch"] >= 1000)]
    for layer, rows in table.sort_values(["repetition", "epoch"]).groupby("layer"):
        curves = rows["i_xt"].to_numpy().reshape(len(known["repetitions"]), -1)
        windows = np.lib.stride_tricks.sliding_window_view(curves, 21, axis=-1)
        rest = windows[..., 10] - windows.mean(-1)
        variance = (rest**2).mean(-1)
        following = (rest[:, 1:] * rest[:, :-1]).mean(-1)
        moving = variance > 1e-12
        memory = np.median(following[moving] / variance[moving]) if moving.any() else np.nan
        yield row(path, f"T{layer}", f"{np.median(np.sqrt(variance)):.3f}", f"{memory:.2f}")


def main(arguments: list[str]) -> Iterator[str]:
    if arguments[:1] == ["jitter"]:
        yield from head("table", "layer", "spread, bit", "memory")
        for path in arguments[1:]:
            yield from measured_jitter(Path(path))
        return
    studies = int(arguments[0]) if arguments else 1000
    yield from rates(studies)
    yield ""
    yield from biases(studies)


if __name__ == "__main__":
    for line in main(sys.argv[1:]):
        print(line, flush=True)
