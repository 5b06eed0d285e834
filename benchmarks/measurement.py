"""CPU time or wall time, alternating rounds, and slopes."""

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Comparison", "Work", "cpu_time", "elapsed", "fitted_slope", "per_unit"]


@dataclass(frozen=True)
class Work:
    """What is timed: `run` does so many units of work, and besides them what `start` does."""

    run: Callable[[], object]
    units: float
    start: Callable[[], object] | None = None


@dataclass(frozen=True)
class Comparison:
    """CPU seconds per unit of the library, and of the same in plain PyTorch or NumPy, round by round."""

    library: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)

    def take_round(self, library: Work, plain: Work | None) -> None:
        """Time each side once; whichever went first in the round before goes second."""
        sides = [(self.library, library)]
        if plain is not None:
            sides.append((self.plain, plain))
        for seconds, work in sides if len(self.library) % 2 == 0 else sides[::-1]:
            seconds.append(per_unit(work))

    @property
    def ratios(self) -> list[float]:
        """The plain time over the library's in each round; none where there is no plain side."""
        return [plain / library for plain, library in zip(self.plain, self.library, strict=False)]


def cpu_time() -> float:
    """CPU seconds of this process so far, of all its threads, and of the processes it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def elapsed(call: Callable[[], object], clock: Callable[[], float] = cpu_time) -> float:
    """The seconds that a call takes by a clock."""
    start = clock()
    call()
    return clock() - start


def per_unit(work: Work, clock: Callable[[], float] = cpu_time) -> float:
    """The seconds that one unit of work takes by a clock."""
    whole = elapsed(work.run, clock)
    return (whole - (0.0 if work.start is None else elapsed(work.start, clock))) / work.units


def fitted_slope(amounts: Sequence[float], costs: Sequence[float]) -> float:
    """The exponent k of the least-squares fit of log cost = k·log amount + constant.

    >>> round(fitted_slope([1, 2, 4], [3, 6, 12]), 6)
    1.0
    """
    return float(np.polyfit(np.log(amounts), np.log(costs), 1)[0])
