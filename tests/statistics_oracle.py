"""A second reading of the rules: plain loops, the standard library and NumPy, none of the package."""

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from math import comb, log2
from typing import NamedTuple

import numpy as np

BINNINGS = [("uniform", bins, "global") for bins in (30, 100, 256)]
BINNINGS += [("adaptive", 30, None), ("uniform", 30, "layer"), ("uniform", 30, (-1, 1))]
OUTPUTS = {
    ("published", "exact"): "logits",
    ("published", "rebinned"): "rebinned",
    ("published", "softmax"): "softmax",
    ("controlled", "exact"): "softmax",
    ("controlled", "rebinned"): "rebinned",
}


class Seen(NamedTuple):
    """An experiment seen by an estimator.

    Attributes:
        experiment, protocol, activation: names.
        bits: None for float32.
        how: exact, rebinned, softmax, or kind, number and range of bins.
        i_xt, i_ty: in bits, (runs, layers, epochs).
        bad: whether a run is a bad fit, (runs,).
        inputs: how many; None if they are no sample.
    """

    experiment: str
    protocol: str
    activation: str
    bits: int | None
    how: object
    i_xt: np.ndarray
    i_ty: np.ndarray
    bad: np.ndarray
    inputs: int | None

    @property
    def layers(self) -> int:
        return self.i_xt.shape[1]


class Margin(NamedTuple):
    compression: float = 0.1
    fitting: float = 0.01
    relative: bool = False


class Cell(NamedTuple):
    shows: float
    lacks: float
    status: str
    near: bool


def blocks(length: int) -> list[list[int]]:
    cut = [[first, first + 1, first + 2, first + 3] for first in range(0, length - 3, 4)]
    if cut:
        cut[-1] += range(4 * len(cut), length)
    return cut


def highest(curve: np.ndarray, among: list[list[int]]) -> float:
    """One reading of the blocks chooses, the other one measures; and the other way round."""
    first = [np.mean([curve[block[0]], curve[block[2]]]) for block in among]
    second = [np.mean([curve[block[1]], *curve[block[3:]]]) for block in among]
    return (second[first.index(max(first))] + first[second.index(max(second))]) / 2


def peak(curve: np.ndarray) -> float:
    tail = len(curve) - max(1, len(curve) * 5 // 100)
    return highest(curve, [block for block in blocks(len(curve)) if block[-1] < tail])


def compression(curve: np.ndarray) -> float:
    return peak(curve) - np.mean(curve[len(curve) - max(1, len(curve) * 5 // 100) :])


def fitting(curve: np.ndarray) -> float:
    return highest(curve[1:], blocks(len(curve) - 1)) - curve[0]


def most(k: int, n: int) -> float:
    """P(X ≥ k) of n tosses of a coin."""
    return sum(comb(n, heads) for heads in range(k, n + 1)) / 2**n


def unequal(one: int, other: int) -> float:
    return min(1.0, 2 * most(max(one, other), one + other)) if one + other else 1.0


def cell(does: list[bool], near: bool, ceiling: bool = False) -> Cell:
    k, n = sum(does), len(does)
    return decided(most(k, n), most(n - k, n), n, near, ceiling)


def decided(shows: float, lacks: float, runs: int, near: bool, ceiling: bool = False) -> Cell:
    status = "shows" if shows < 0.05 else "lacks" if lacks < 0.05 else "mixed"
    return Cell(shows, lacks, "ceiling" if ceiling else "too few" if runs < 5 else status, near)


def compresses(one: Seen, layer: int, margin: Margin) -> list[bool]:
    return [
        compression(run[layer]) > margin.compression * (peak(run[layer]) if margin.relative else 1)
        for run in one.i_xt
    ]


def is_near(one: Seen, layer: int) -> bool:
    if one.inputs is None:
        return False
    near = [peak(run[layer]) > 0.8 * log2(one.inputs) for run in one.i_xt]
    return sum(near) > len(near) / 2


def compression_cell(one: Seen, layer: int, margin: Margin) -> Cell:
    return cell(compresses(one, layer, margin), is_near(one, layer))


def fitting_cell(one: Seen, layer: int, margin: Margin, h_y: float) -> Cell:
    headroom = [h_y - run[layer, 0] for run in one.i_ty]
    limits = [margin.fitting * (room if margin.relative else 1) for room in headroom]
    does = [fitting(run[layer]) > limit for run, limit in zip(one.i_ty, limits, strict=True)]
    ceiling = np.mean(headroom) <= (0.01 if margin.relative else margin.fitting)
    return cell(does, is_near(one, layer), bool(ceiling))


def network_cell(one: Seen, margin: Margin) -> Cell:
    hidden = range(one.layers - 1)
    layers = [compresses(one, layer, margin) for layer in hidden]
    return cell([any(run) for run in zip(*layers, strict=True)], all(is_near(one, layer) for layer in hidden))


def difference_cell(one: Seen, other: Seen, layer: int, margin: Margin) -> Cell:
    more = less = within = 0
    for own, others in zip(one.i_xt, other.i_xt, strict=False):
        limit = margin.compression
        if margin.relative:
            limit *= max(peak(own[layer]), peak(others[layer]))
        difference = compression(own[layer]) - compression(others[layer])
        more, less = more + (difference > limit), less + (difference < -limit)
        within += -limit <= difference <= limit
    n = more + less + within
    near = is_near(one, layer) or is_near(other, layer)
    return decided(min(1.0, 2 * most(max(more, less), n)), most(within, n), n, near)


def disagreement_cell(one: Seen, other: Seen, layer: int, margin: Margin) -> Cell:
    first, second = compresses(one, layer, margin), compresses(other, layer, margin)
    own, others = cell(first, False), cell(second, False)
    alone = sum(a and not b for a, b in zip(first, second, strict=True))
    back = sum(b and not a for a, b in zip(first, second, strict=True))
    differ = max(min(max(own.shows, others.lacks), max(own.lacks, others.shows)), unequal(alone, back))
    agree = min(max(own.shows, others.shows), max(own.lacks, others.lacks))
    return decided(differ, 2 * agree, len(first), is_near(one, layer) or is_near(other, layer))


def alike(one: Seen, other: Seen) -> bool:
    """All equal but for the activation and the bits."""
    return one.protocol == other.protocol


def cells_of(study: list[Seen], margin: Margin, h_y: float) -> Iterator[tuple[tuple[str, str, str], Cell]]:
    """Claim, protocol and reading of every cell that counts, and the cell; ceilings too."""
    for one in study:
        exact = None if one.how != "exact" else "float32" if one.bits is None else "codes"
        output = exact if one.bits is None else OUTPUTS.get((one.protocol, str(one.how)))
        hidden = range(one.layers - 1)
        if output:
            yield ("C3", one.protocol, output), compression_cell(one, one.layers - 1, margin)
        if exact:
            for layer in range(one.layers):
                yield ("C2", one.protocol, exact), fitting_cell(one, layer, margin, h_y)
            for layer in hidden:
                yield ("C6", one.protocol, f"layers/{exact}"), compression_cell(one, layer, margin)
            yield ("C6", one.protocol, f"networks/{exact}"), network_cell(one, margin)
            for other in study:
                pair = one.activation == "tanh" and other.activation == "relu"
                if pair and other.how == "exact" and alike(one, other) and one.bits == other.bits:
                    for layer in hidden:
                        yield (
                            ("C4", one.protocol, exact),
                            difference_cell(one, other, layer, margin),
                        )
    for one, other in combinations(study, 2):
        hows = [one.how, other.how]
        bounded = one.activation == "tanh" or ("uniform", 30, (-1, 1)) not in hows
        binned = one.bits is None and all(how in BINNINGS for how in hows)
        if one.experiment == other.experiment and binned and bounded:
            for layer in range(one.layers):
                yield ("C1", one.protocol, "bins"), disagreement_cell(one, other, layer, margin)
    for first in study:
        if first.how == ("uniform", 30, (-1, 1)) and first.bits is None and first.activation == "tanh":
            for layer in range(first.layers):
                if compression_cell(first, layer, margin).status == "shows":
                    for one in study:
                        if one.how == "exact" and one.activation == "tanh" and alike(one, first):
                            reading = "float32" if one.bits is None else "codes"
                            yield ("C5", one.protocol, reading), compression_cell(one, layer, margin)


SOME, EVERY = True, False
RULES = {
    "C1": ((SOME, "shows"), (EVERY, "lacks")),
    "C2": ((EVERY, "shows"), (SOME, "lacks")),
    "C3": ((EVERY, "shows"), (SOME, "lacks")),
    "C4": ((SOME, "shows"), (EVERY, "lacks")),
    "C5": ((EVERY, "shows"), (EVERY, "lacks")),
    "C6": ((SOME, "lacks"), (EVERY, "shows")),
}


def some(cells: list[Cell], status: str) -> bool:
    """Holm's procedure rejects something if and only if it rejects the smallest p."""
    tested = [getattr(each, status) for each in cells if each.status != "too few"]
    return len(tested) * min(tested) < 0.05


def verdict(claim: str, cells: list[Cell]) -> str:
    counting = [each for each in cells if each.status != "ceiling"]
    if not counting:
        return "no data"
    if all(each.status == "too few" for each in counting):
        return "too few runs"
    for word, (by_some, status) in zip(("supported", "refuted"), RULES[claim], strict=True):
        if some(counting, status) if by_some else all(each.status == status for each in counting):
            return word
    return "mixed"


def verdicts(
    study: Iterable[Seen],
    margin: Margin = Margin(),  # noqa: B008
    h_y: float = 1.0,
    counts: Callable[[Cell], bool] = lambda cell: True,
) -> dict[tuple[str, str, str], tuple[str, int, int, int, int]]:
    """The verdict of each claim, protocol and reading, and how many cells have which status."""
    found: dict[tuple[str, str, str], list[Cell]] = {}
    for key, each in cells_of(list(study), margin, h_y):
        found.setdefault(key, []).append(each)
    table = {}
    for key, cells in found.items():
        kept = [each for each in cells if counts(each)]
        numbers = [
            sum(each.status == status for each in kept) for status in ("shows", "lacks", "mixed", "ceiling")
        ]
        table[key] = (verdict(key[0], kept), *numbers)
    return table
