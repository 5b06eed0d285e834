"""Print where the time of a training step and of a snapshot's exact information goes."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np
from library import BOTTLENECK, CONV, EXACT, FLOAT32, RELU, TANH, dataset_of, steps_per_epoch, train_quietly
from measurement import cpu_time, elapsed
from report import duration, machine, run, table

from infoplane import Dataset, TrainingSpec
from infoplane.information.estimators import counted_inputs, estimator_of
from infoplane.information.replay import replay
from infoplane.kernels.network import backward, forward, gather_inputs, quantize_kernels
from infoplane.kernels.quantizer import quantize
from infoplane.kernels.training import Trainer, step_of_adam

SPECS = {"relu": RELU, "tanh": TANH, "float32": FLOAT32, "bottleneck-2": BOTTLENECK, "conv": CONV}
SECONDS, ROUNDS, EPOCHS = 0.05, 5, 33


def seconds_of(repeat: Callable[[int], object]) -> float:
    """The least CPU time of a call that is repeated as often as it is told."""
    repeat(1)  # compiles
    times = max(1, int(SECONDS / elapsed(lambda: repeat(1))))
    return min(elapsed(lambda: repeat(times)) / times for _ in range(ROUNDS))


def repeated(kernel: Any, *arguments: Any) -> Callable[[int], object]:
    """A compiled loop around a kernel: a call from Python takes as long as a small kernel itself."""

    def loop(times: int, arguments: tuple[Any, ...]) -> None:
        for _ in range(times):
            kernel(*arguments)

    compiled = numba.njit(loop)
    return lambda times: compiled(times, arguments)


def parts_of_step(spec: TrainingSpec, dataset: Dataset) -> dict[str, float]:
    """CPU seconds of a step and of its parts on one batch; a test is shared by the steps of its epoch."""
    trainer, steps = Trainer(spec, dataset), steps_per_epoch(spec, dataset)
    state, labels = trainer.start(0), dataset.labels
    order = np.random.default_rng(0).permutation(len(trainer.trained))
    epoch = seconds_of(lambda times: [trainer.train_epoch(state, labels, order) for _ in range(times)])
    plan, inputs, work = trainer.plan, trainer.inputs, trainer.work
    batch, targets = (inputs, trainer.trained[order[: trainer.batch]]), (trainer.classes, trainer.weights)
    weights = plan, state.parameters, state.ranges, trainer.intake
    parts = {"step": epoch / steps, "forward": seconds_of(repeated(forward, *weights, *batch, work))}
    parts["forward: quantizing kernels"] = seconds_of(repeated(quantize_kernels, *weights, inputs, work))
    if not inputs.is_sparse:
        gathering = repeated(gather_inputs, plan, *batch, work, work.values)
        parts["forward: gathering"] = seconds_of(gathering)
    if plan.is_quantized:
        outputs = np.zeros(int(plan.outputs.sum()) * trainer.batch, dtype=trainer.dtype)
        call = outputs, 0, len(outputs), work.scales[-1], work.zeros[-1], plan.levels[1]
        room = np.zeros_like(outputs), 0, np.zeros_like(outputs), 0, True
        parts["forward: quantizing outputs"] = seconds_of(repeated(quantize, *call, *room))
    parts["backward"] = seconds_of(repeated(backward, plan, *batch, *targets, work))
    parts["Adam"] = seconds_of(repeated(step_of_adam, trainer.adam, state, work.gradient))
    test = seconds_of(lambda times: [trainer.accuracy(state, labels) for _ in range(times)])
    return parts | {"test after each epoch": test / steps}


def parts_of_snapshot(spec: TrainingSpec, dataset: Dataset) -> dict[str, float]:
    """CPU seconds of the parts of an exact estimate; the first call of the replay is its start."""
    trajectory = train_quietly(spec.model_copy(update={"record_every": 1}), dataset, 1, EPOCHS)
    estimator = estimator_of(EXACT, spec.activation_bits)
    inputs = counted_inputs(np.arange(len(dataset.labels)), len(dataset.labels), dataset.classes)
    rounds = []
    for _ in range(ROUNDS):
        moments, sizes = [], []
        for _, times, layers in replay(trajectory, dataset):
            moments.append(cpu_time())
            for layer in layers:
                estimator.information(layer, (0.0, 0.0), dataset.labels, inputs)
            moments.append(cpu_time())
            sizes.append(len(times))
        rounds.append(np.diff(moments[1:]).reshape(-1, 2).sum(0) / sum(sizes[1:]))
    return dict(zip(("replay", "counting"), np.min(rounds, axis=0).tolist(), strict=True))


def main(given: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=SPECS, help="a network on its data; float32: tanh, not quantized")
    parser.add_argument("--mnist", type=Path, metavar="PATH", help="MNIST as the workflow makes it")
    options = parser.parse_args(given)
    spec = SPECS[options.network]
    dataset = dataset_of(spec.dataset, options.mnist)
    for unit, parts_of in (("training step", parts_of_step), ("snapshot", parts_of_snapshot)):
        rows = [[part, duration(seconds)] for part, seconds in parts_of(spec, dataset).items()]
        print(table([f"{options.network}: part of a {unit}", "CPU time"], rows), end="\n\n")
    print(machine())


if __name__ == "__main__":
    sys.exit(run(main))
