"""Print where the time of a training step goes."""

import re
import statistics
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from library import ROOT, Parts, dataset_of, experiment_of, steps_per_epoch, training_work
from measurement import Work, on_one_thread, per_unit
from report import duration, machine, positive, run, table
from torch.profiler import ProfilerActivity, profile

from infoplane import Dataset, TrainingSpec
from infoplane.progress import progress_bar

ROUNDS = 5
STEPS = 500
EVENTS = 6
ALL_IN, SHUFFLING, STEP, TEST, RECORDING = (
    "all in",
    "shuffling and gathering",
    "compiled step",
    "test after each epoch",
    "recording",
)
FORWARD, UNQUANTIZED = "forward pass and loss, compiled alone", "the same step without quantizers"
EXAMPLES = """\
examples:
  python benchmarks/profile_step.py
  python benchmarks/profile_step.py --experiment mnist-bottleneck-2-8bit --dataset mnist.npz
"""
EXPLANATION = """\
{experiment}: {members} repetitions at once, {steps} steps an epoch, a test after each, recorded every {every}
epochs, on {dataset}. CPU time for one step of one repetition, median over {rounds} rounds."""


def works(spec: TrainingSpec, dataset: Dataset) -> dict[str, Work]:
    """A step and its parts; the unit of each is a step of a repetition."""
    parts = Parts(spec, dataset)
    steps = steps_per_epoch(spec, dataset)
    epochs = -(-STEPS // steps)
    made = {
        ALL_IN: training_work(spec, dataset, parts.members, epochs),
        SHUFFLING: Work(parts.gather, parts.members * steps),
        STEP: parts.step_work(STEPS),
        FORWARD: parts.forward_work(STEPS),
        TEST: Work(parts.test, parts.members * steps),
        RECORDING: Work(parts.record, parts.members * steps * spec.record_every),
    }
    if spec.bits != "float32":
        made[UNQUANTIZED] = Parts(spec.model_copy(update={"bits": "float32"}), dataset).step_work(STEPS)
    return made


def measured(timed: dict[str, Work], rounds: int) -> dict[str, float]:
    """CPU seconds per unit of each, one after the other in every round."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    with progress_bar(len(timed) * (rounds + 1), "measuring", "rounds") as progress:
        for work in timed.values():
            work.run()  # compiles
            progress.update()
        for _ in range(rounds):
            for name, work in timed.items():
                seconds[name].append(per_unit(work).cpu)
                progress.update()
    return {name: statistics.median(each) for name, each in seconds.items()}


def breakdown(seconds: dict[str, float]) -> list[tuple[str, float]]:
    """The parts of a step in the order in which they are shown."""
    whole = seconds[ALL_IN]
    rest = whole - sum(seconds[name] for name in (SHUFFLING, STEP, TEST, RECORDING))
    rows = [(ALL_IN, whole), (SHUFFLING, seconds[SHUFFLING]), (STEP, seconds[STEP])]
    rows.append((f"  {FORWARD}", seconds[FORWARD]))
    rows.append(("  gradient and Adam, the difference", seconds[STEP] - seconds[FORWARD]))
    if UNQUANTIZED in seconds:
        rows.append((f"  {UNQUANTIZED}", seconds[UNQUANTIZED]))
        rows.append(("  quantizers, the difference", seconds[STEP] - seconds[UNQUANTIZED]))
    return [*rows, (TEST, seconds[TEST]), (RECORDING, seconds[RECORDING]), ("the rest", rest)]


def events(spec: TrainingSpec, dataset: Dataset) -> list[tuple[str, float]]:
    """The largest events inside of a step as PyTorch's profiler sees them, and their shares of its time."""
    work = Parts(spec, dataset).step_work(STEPS)
    work.run()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        work.run()
    spent: Counter[str] = Counter()
    for event in profiler.key_averages():
        spent[without_hash(event.key)] += event.self_cpu_time_total
    return [(name, time / spent.total()) for name, time in spent.most_common(EVENTS)]


def without_hash(name: str) -> str:
    """The name of an event without the key of the compiled code in it.

    >>> without_hash(f"## Call CompiledFxGraph {'fmje3zxk' * 6} ##")
    'Call CompiledFxGraph'
    """
    return re.sub(r"\b[0-9a-z]{40,}\b", "", name).strip("# ")


def main(given: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument(
        "--experiment",
        default="synthetic-relu-8bit",
        metavar="NAME",
        help="an experiment of the config (default: synthetic-relu-8bit)",
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=ROOT / "config" / "config.yaml",
        metavar="PATH",
        help="the config (default: config/config.yaml)",
    )
    parser.add_argument(
        "--dataset",
        type=Path,
        metavar="PATH",
        help="its data set (default: that in results/datasets; for images that are not there, random ones)",
    )
    parser.add_argument(
        "--rounds", type=positive, default=ROUNDS, metavar="N", help=f"rounds (default: {ROUNDS})"
    )
    options = parser.parse_args(given)
    on_one_thread()
    spec = experiment_of(options.config, options.experiment)
    dataset = dataset_of(spec.dataset, options.dataset)
    timed = works(spec, dataset)
    seconds = measured(timed, options.rounds)
    largest = events(spec, dataset)
    explanation = EXPLANATION.format(
        experiment=options.experiment,
        members=round(timed[STEP].units / STEPS),
        steps=steps_per_epoch(spec, dataset),
        every=spec.record_every,
        dataset=dataset.name,
        rounds=options.rounds,
    )
    shares = [[name, duration(each), f"{each / seconds[ALL_IN]:.1%}"] for name, each in breakdown(seconds)]
    print(machine(), explanation, table(["", "CPU time", "share"], shares), sep="\n\n")
    print("\nInside the compiled step, by PyTorch's profiler, which itself takes time:\n")
    print(table(["event", "share"], [[name, f"{share:.1%}"] for name, share in largest]))


if __name__ == "__main__":
    sys.exit(run(main))
