"""Clocks, alternating rounds, peak memory, and slopes."""

import resource
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch

__all__ = [
    "Comparison",
    "Seconds",
    "Work",
    "elapsed",
    "fitted_slope",
    "in_own_process",
    "median",
    "on_one_thread",
    "peak_memory",
    "per_unit",
]

Result = TypeVar("Result")
MIB = 2**20


class Seconds(NamedTuple):
    """CPU time of this process, all of its threads, and time on the wall."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Work:
    """What is timed: `run` does so many units of work, and besides them what `start` does."""

    run: Callable[[], object]
    units: float
    start: Callable[[], object] | None = None


@dataclass(frozen=True)
class Comparison:
    """Seconds per unit of two ways of doing the same, round by round."""

    ours: list[Seconds] = field(default_factory=list)
    baseline: list[Seconds] = field(default_factory=list)

    def take_round(self, ours: Work, baseline: Work) -> None:
        """Time both once; whoever went first in the round before goes second."""
        sides = [(self.ours, ours), (self.baseline, baseline)]
        for seconds, work in sides if len(self.ours) % 2 == 0 else sides[::-1]:
            seconds.append(per_unit(work))

    @property
    def ratios(self) -> list[float]:
        """The baseline's CPU time over ours in each round."""
        return [theirs.cpu / own.cpu for own, theirs in zip(self.ours, self.baseline, strict=True)]


def elapsed(call: Callable[[], object]) -> Seconds:
    """How long a call takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return Seconds(time.process_time() - cpu, time.perf_counter() - wall)


def per_unit(work: Work) -> Seconds:
    """How long one unit of work takes."""
    whole = elapsed(work.run)
    start = Seconds(0.0, 0.0) if work.start is None else elapsed(work.start)
    return Seconds((whole.cpu - start.cpu) / work.units, (whole.wall - start.wall) / work.units)


def median(rounds: Sequence[Seconds]) -> Seconds:
    """The median of each clock.

    >>> median([Seconds(3, 5), Seconds(1, 4), Seconds(2, 9)])
    Seconds(cpu=2, wall=5)
    """
    return Seconds(*map(statistics.median, zip(*rounds, strict=True)))


def on_one_thread() -> None:
    """Give PyTorch a single thread; nothing else that is timed would take more."""
    torch.set_num_threads(1)


def in_own_process(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function in a fresh process, whose memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def peak_memory() -> float:
    """The most memory that this process has held so far, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux passes the other number on from the process that started this one
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def fitted_slope(amounts: Sequence[float], costs: Sequence[float]) -> float:
    """The exponent k of the least-squares fit of log cost = k·log amount + constant.

    >>> round(fitted_slope([1, 2, 4], [3, 6, 12]), 6)
    1.0
    """
    return float(np.polyfit(np.log(amounts), np.log(costs), 1)[0])
