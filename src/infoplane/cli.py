"""The command line: one command for each stage, each from files to files."""

import os
import signal
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from infoplane.config import DatasetSpec, EstimatorSpec, FigureSpec, TrainingSpec
from infoplane.config.kinds import PICTURE, TABLES
from infoplane.config.parsing import from_json, printable
from infoplane.config.study import load_study
from infoplane.config.validation import parse_spec
from infoplane.devices import refuse_auto
from infoplane.errors import UserError
from infoplane.layout import JOINS, repetitions_of
from infoplane.log import logged

__all__ = ["main"]

EXPERIMENT = "EXPERIMENT=PATH"
PAIR = "EXPERIMENT/ESTIMATOR=PATH"

# The stages are imported by their commands: they need seconds, `--help` and a mistake in a spec do not.


def check(given: Namespace) -> None:
    study = load_study(given.config)
    from infoplane.provenance import refuse_missing_data
    from infoplane.suitability import problems_of_data

    refuse_missing_data(study, given.config)
    problems = [
        problem
        for name, dataset in study.datasets.items()
        for problem in problems_of_data(dataset, study.trainings_on(name), study.figures)
    ]
    if problems:
        for problem in problems[:-1]:
            complain(f"{given.config}: {problem}", 1)
        raise UserError(f"{given.config}: {problems[-1]}")
    print(
        f"{given.config}: {len(study.experiments)} experiments, {len(study.estimators)} estimators, "
        f"{len(study.figures)} figures; nothing wrong"
    )


def status(given: Namespace) -> None:
    study = load_study(given.config)
    from infoplane.status import summary

    for line in summary(study):
        print(line)


def costs(given: Namespace) -> None:
    from infoplane.costs import costs_of, with_totals

    print(with_totals(costs_of(given.results)).to_string(index=False, float_format="%.3f"))


def export(given: Namespace) -> None:
    from infoplane.export import export_study

    export_study(given.config, given.folder)


def redraw(given: Namespace) -> None:
    from infoplane.export import redraw

    redraw(given.folder, given.output or given.folder / "figures", given.figures, given.formats)


def datasets(given: Namespace) -> None:
    spec = parse_spec(DatasetSpec, given.spec)
    from infoplane.datasets import run

    run(spec, given.output)


def training(given: Namespace) -> None:
    spec = parse_spec(TrainingSpec, given.spec)
    from infoplane.training import run

    run(spec, given.dataset, given.repetitions, given.trajectory, given.history, given.device)


def information(given: Namespace) -> None:
    spec = parse_spec(EstimatorSpec, given.spec)
    from infoplane.information import run

    run(spec, given.dataset, given.trajectory, given.output, given.device)


def reliability(given: Namespace) -> None:
    from infoplane.information.reliability import run

    run(given.dataset, given.trajectory, given.output)


def resolution(given: Namespace) -> None:
    from infoplane.information.resolution import run

    run(given.dataset, given.trajectory, given.output)


def levels(given: Namespace) -> None:
    from infoplane.information.levels import run

    run(given.dataset, given.trajectory, given.output)


def statistics_information(given: Namespace) -> None:
    from infoplane.statistics import summarise_information

    summarise_information(given.information, given.history, given.aggregates, given.phases)


def statistics_tradeoff(given: Namespace) -> None:
    from infoplane.statistics import summarise_tradeoff

    summarise_tradeoff(given.phases, given.history, given.tradeoff, given.correlations)


def statistics_accuracy(given: Namespace) -> None:
    from infoplane.statistics import summarise_accuracy

    summarise_accuracy(given.history, given.dataset, given.output)


def statistics_errors(given: Namespace) -> None:
    from infoplane.statistics import summarise_errors

    summarise_errors(given.exact, given.binned, given.output)


def statistics_join(given: Namespace) -> None:
    from infoplane import statistics

    join = getattr(statistics, given.join)
    join(grouped(given.tables) if given.chunked else dict(given.tables), given.output)


def statistics_claims(given: Namespace) -> None:
    from infoplane.statistics import write_claims

    write_claims(dict(given.phases), given.claims, given.cells, given.margins)


def merging(given: Namespace) -> None:
    from infoplane.information.merging import run

    run(given.dataset, given.trajectory, given.repetition, given.epochs, given.output)


def activations(given: Namespace) -> None:
    from infoplane.information.activations import run

    run(given.dataset, given.trajectory, given.repetition, given.epochs, given.output)


def trace(given: Namespace) -> None:
    from infoplane.statistics import trace

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads this may have seen enough
    for paragraph in trace(given.results, given.claim, given.protocol, given.reading):
        print(paragraph, end="\n\n")


def verdicts(given: Namespace) -> None:
    from infoplane.verdict_table import write_verdicts

    write_verdicts(given.claims, given.output, from_json(given.spec, "--spec"))


def pages(given: Namespace) -> None:
    from infoplane.pages import write_page

    write_page(given.table, given.output)


def verify(given: Namespace) -> None:
    from infoplane.verify import verify

    problems, counts = verify(given.results)
    print("\n".join([*counts, *problems]))
    if problems:
        number = f"{len(problems)} problem{'s' * (len(problems) > 1)}"
        raise UserError(f"{given.results}: {number}, listed above; follow the advice there")


def figures(given: Namespace) -> None:
    spec = parse_spec(FigureSpec, given.spec)
    os.environ["MPLBACKEND"] = "agg"  # nothing is shown, and the user's may not be there
    from infoplane.figures.drawing import write_figure

    write_figure(spec, {kind: grouped(getattr(given, kind)) for kind in TABLES}, given.output)


def grouped(tables: Iterable[tuple[Any, Path]]) -> dict[Any, list[Path]]:
    """The files of each name, of which there may be several."""
    files = defaultdict(list)
    for name, path in tables:
        files[name].append(path)
    return files


def repetitions(text: str) -> range:
    """The repetitions of a chunk.

    >>> repetitions("20-39")
    range(20, 40)
    """
    try:
        return repetitions_of(text)
    except UserError as error:
        raise UserError(f"--repetitions: {error}") from None


def of_experiment(text: str) -> tuple[str, Path]:
    """An experiment and its table.

    >>> of_experiment("mine=a.parquet")
    ('mine', PosixPath('a.parquet'))
    """
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise UserError(f"{text!r}: names no table; give {EXPERIMENT}")
    return name, Path(path)


def of_study(text: str) -> tuple[str, Path]:
    """A table that is of no experiment.

    >>> of_study("claims.csv")
    ('study', PosixPath('claims.csv'))
    """
    return "study", Path(text)


def of_pair(text: str) -> tuple[tuple[str, str], Path]:
    """An experiment, an estimator and their table.

    >>> of_pair("mine/exact=a.parquet")
    (('mine', 'exact'), PosixPath('a.parquet'))
    """
    name, path = of_experiment(text)
    experiment, slash, estimator = name.partition("/")
    if not (experiment and slash and estimator):
        raise UserError(f"{text!r}: names no table; give {PAIR}")
    return (experiment, estimator), path


EXAMPLES = """\
examples:
  infoplane check config/config.yaml
  infoplane status config/config.yaml
  infoplane datasets --spec '{"name": "synthetic"}' --output synthetic.npz
  infoplane training --dataset synthetic.npz --repetitions 0-3 \\
      --spec '{"dataset": "synthetic", "network": "shwartz-ziv", "activation": "relu", "bits": 8,
               "epochs": 400, "record_every": 5}' \\
      --trajectory 0-3.safetensors --history 0-3.parquet
  infoplane information --spec '{"kind": "exact"}' --dataset synthetic.npz \\
      --trajectory 0-3.safetensors --output exact.parquet
  infoplane statistics information --information exact.parquet --history 0-3.parquet \\
      --aggregates aggregates.parquet --phases phases.parquet
  infoplane statistics claims --phases relu/exact=phases.parquet \\
      --claims claims.csv --cells cells.csv --margins margins.csv
  infoplane trace results C3 --protocol published --reading logits
  infoplane verify results
  infoplane figures --aggregates relu/exact=aggregates.parquet \\
      --spec '{"kind": "plane", "category": "mine", "experiments": ["relu"], "estimators": ["exact"]}' \\
      --output plane.pdf plane.png
"""

STATES = """\
A chunk of repetitions is
  present   if its files are there and say that they are what the config asks for: of its spec, data and
            repetitions, and made by this engine
  outdated  if they say something else
  running   if its job holds a lock on its log (where the file system has no locks, it counts as failed)
  failed    if its log is that of a job that neither runs nor has finished: it failed or was killed
Disk is what the folder takes. Time left is that of one job after another: what finished jobs took for a
repetition, times the repetitions that are not present, running ones included. It is unknown where no job has
finished.
"""


def parser() -> ArgumentParser:
    top = ArgumentParser(
        "infoplane",
        description="Exact information planes of quantized neural networks, one command a stage.",
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    stages = top.add_subparsers(metavar="STAGE", required=True)

    one = command(stages, "check", check, "check a config file and run nothing")
    one.add_argument("config", type=Path, help="the config file")

    one = command(stages, "status", status, "show how far a study is, while it runs or after")
    one.epilog, one.formatter_class = STATES, RawDescriptionHelpFormatter
    one.add_argument("config", type=Path, nargs="?", default="config/config.yaml", help="its config file")

    one = command(stages, "costs", costs, "sum up time, memory and disk of the jobs that have finished")
    one.add_argument("results", type=Path, help="the folder that the study wrote")

    one = command(stages, "export", export, "write the tables of a study, thinned, that all figures need")
    one.add_argument("config", type=Path, help="its config file")
    one.add_argument("folder", type=Path, help="the folder to write to")

    one = command(stages, "redraw", redraw, "draw the figures of an exported study again")
    one.add_argument("folder", type=Path, help="what export wrote")
    one.add_argument("figures", nargs="*", metavar="FIGURE", help="those to draw; all unless given")
    one.add_argument("--output", metavar="PATH", type=Path, help="where to; FOLDER/figures unless given")
    one.add_argument(
        "--formats", nargs="+", choices=PICTURE, default=["png"], help="file formats; png unless given"
    )

    one = command(stages, "datasets", datasets, "make a data set")
    one.add_argument("--spec", **SPEC, help="the keys of a data set, and its name")
    one.add_argument("--output", **FILE, help="the npz to write")

    one = command(stages, "training", training, "train repetitions of an experiment")
    one.add_argument("--spec", **SPEC, help="the keys of an experiment, without repetitions and chunk")
    one.add_argument("--dataset", **FILE, help="the data set")
    one.add_argument(
        "--repetitions", metavar="FIRST-LAST", required=True, type=repetitions, help="which ones, e.g. 0-19"
    )
    one.add_argument("--trajectory", **FILE, help="the recorded parameters to write (safetensors)")
    one.add_argument("--history", **FILE, help="the table of loss and accuracies to write (parquet)")
    one.add_argument("--device", **DEVICE)

    one = command(stages, "information", information, "measure H(T), I(X;T) and I(T;Y) along a trajectory")
    one.add_argument("--spec", **SPEC, help="the keys of an estimator, without experiments")
    add_trained(one)
    one.add_argument("--output", **FILE, help="the table to write (parquet)")
    one.add_argument("--device", **DEVICE)

    one = command(
        stages, "reliability", reliability, "tell how reliable the exact information of a trajectory is"
    )
    add_trained(one)
    one.add_argument("--output", **FILE, help="the table to write (parquet)")

    one = command(
        stages,
        "resolution",
        resolution,
        "measure information along a trajectory, with activations quantized to 1 to 16 bits",
    )
    add_trained(one)
    one.add_argument("--output", **FILE, help="the table to write (parquet)")

    one = command(stages, "levels", levels, "count the levels that quantized layers use along a trajectory")
    add_trained(one)
    one.add_argument("--output", **FILE, help="the table to write (parquet)")

    one = command(stages, "merging", merging, "which codes of the logits fall into one bin of the softmax")
    add_trained(one)
    add_snapshots(one, 0, "0", "0, 100, 1000, 3000")
    one.add_argument("--output", metavar="PATH", type=Path, help="the table to write (parquet), or print it")

    one = command(
        stages, "activations", activations, "count the activations of a layer of two neurons by class"
    )
    add_trained(one)
    add_snapshots(one, None, "the first with two neurons that vary", "200, 1000, 3000")
    one.add_argument("--output", **FILE, help="the table to write (parquet)")

    statistics = stages.add_parser("statistics", help="summarise repetitions and join experiments")
    tables = statistics.add_subparsers(metavar="TABLE", required=True)

    one = command(
        tables, "information", statistics_information, "aggregates and phases seen by one estimator"
    )
    one.add_argument("--information", **FILES, help="the tables of all chunks of the experiment")
    one.add_argument("--history", **FILES, help="the histories of all chunks of the experiment")
    one.add_argument("--aggregates", **FILE, help="the table to write (parquet)")
    one.add_argument("--phases", **FILE, help="the table to write (parquet)")

    one = command(tables, "tradeoff", statistics_tradeoff, "compression of single runs and their accuracies")
    one.add_argument("--phases", **FILE, help="the phases of the experiment seen by one estimator")
    one.add_argument("--history", **FILES, help="the histories of all chunks of the experiment")
    one.add_argument("--tradeoff", **FILE, help="the table of runs to write (parquet)")
    one.add_argument("--correlations", **FILE, help="the table of correlations to write (parquet)")

    one = command(tables, "accuracy", statistics_accuracy, "loss and accuracies of one experiment")
    one.add_argument("--dataset", **FILE, help="the data set that it was trained on")
    one.add_argument("--history", **FILES, help="the histories of all chunks of the experiment")
    one.add_argument("--output", **FILE, help="the table to write (parquet)")

    one = command(tables, "errors", statistics_errors, "an estimator's distance to the exact value")
    one.add_argument("--exact", **FILES, help="the tables of all chunks, seen by the exact estimator")
    one.add_argument("--binned", **FILES, help="the tables of all chunks, seen by the other estimator")
    one.add_argument("--output", **FILE, help="the table to write (parquet)")

    for name, join in JOINS.items():
        joined = TABLES[join.of]
        one = command(tables, f"join-{name}", statistics_join, join.about)
        one.add_argument(
            "--tables", **NAMED[joined.of], required=True, help=f"tables to join: {joined.about}"
        )
        one.add_argument("--output", **FILE, help="the table to write (csv)")
        one.set_defaults(join=f"join_{name}", chunked=joined.chunked)

    one = command(tables, "claims", statistics_claims, "decide the claims")
    one.add_argument("--phases", **OF_PAIRS, required=True, help="phases of the experiments that count")
    one.add_argument("--claims", **FILE, help="the table of verdicts to write (csv)")
    one.add_argument("--cells", **FILE, help="the table of what they rest on to write (csv)")
    one.add_argument("--margins", **FILE, help="the table of verdicts by other margins to write (csv)")

    one = command(stages, "trace", trace, "show what a verdict rests on, down to the runs")
    one.add_argument("results", type=Path, help="the folder that the study wrote")
    one.add_argument("claim", help="C1 to C6")
    one.add_argument("--protocol", help="the only one to show: published or controlled")
    one.add_argument("--reading", help="the only one to show, e.g. logits")

    one = command(stages, "verdicts", verdicts, "write the verdicts on the claims as a table to read")
    one.add_argument("--claims", **FILE, help="the table of verdicts (csv)")
    one.add_argument("--spec", metavar="JSON", default="{}", help="labels of experiments and estimators")
    one.add_argument("--output", **FILES, help="the files to write (.md, .html)")

    one = command(stages, "pages", pages, "show a table as a page that a browser sorts")
    one.add_argument("--table", **FILE, help="the table (csv)")
    one.add_argument("--output", **FILE, help="the page to write (html)")

    one = command(stages, "verify", verify, "check all that a study wrote")
    one.add_argument("results", type=Path, help="the folder that the study wrote")

    one = command(stages, "figures", figures, "draw one figure")
    one.add_argument("--spec", **SPEC, help="the keys of a figure")
    for kind, table in TABLES.items():
        one.add_argument(f"--{kind}", **NAMED[table.of], default=[], help=table.about)
    one.add_argument("--output", **FILES, help="the files to write, of formats of its kind (such as .pdf)")
    return top


SPEC: dict[str, Any] = {"metavar": "JSON", "required": True}
FILE: dict[str, Any] = {"metavar": "PATH", "required": True, "type": Path}
FILES: dict[str, Any] = {**FILE, "nargs": "+"}
DEVICE: dict[str, Any] = {
    "choices": ("cpu", "cuda"),
    "type": refuse_auto,
    "default": "cpu",
    "help": "where it is computed: cpu, the default; or cuda, a GPU",
}
OF_EXPERIMENTS: dict[str, Any] = {"metavar": EXPERIMENT, "nargs": "*", "type": of_experiment}
OF_PAIRS: dict[str, Any] = {"metavar": PAIR, "nargs": "*", "type": of_pair}
OF_STUDY: dict[str, Any] = {"metavar": "PATH", "nargs": "*", "type": of_study}
NAMED = {"experiment": OF_EXPERIMENTS, "estimator": OF_PAIRS, "study": OF_STUDY}


def add_trained(one: ArgumentParser) -> None:
    one.add_argument("--dataset", **FILE, help="the data set that it was trained on")
    one.add_argument("--trajectory", **FILE, help="the trajectory")


def add_snapshots(one: ArgumentParser, repetition: int | None, which: str, epochs: str) -> None:
    """Options that choose snapshots of a trajectory.

    Args:
        repetition, which: the one that is chosen if none is given, and in words.
        epochs: those that are chosen if none are given, in words.
    """
    one.add_argument(
        "--repetition",
        metavar="NUMBER",
        type=int,
        default=repetition,
        help=f"which one; {which} unless given",
    )
    one.add_argument(
        "--epochs",
        metavar="EPOCH",
        nargs="+",
        type=int,
        help=f"recorded epochs; unless given, those of {epochs} that were recorded, and the last",
    )


def command(group: Any, name: str, function: Callable[[Namespace], None], about: str) -> ArgumentParser:
    made: ArgumentParser = group.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
    made.set_defaults(function=function)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what the user can mend is one line on standard error.

    Returns:
        The exit status: 0, 1 after such a line, 130 after an interrupt.
    """
    # a job that is told to end must clean up what it has half written
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # letters that the locale lacks are spelt, as in \\u2264
            stream.reconfigure(errors="backslashreplace")
    try:
        given = parser().parse_args(arguments)
        with logged(sys.argv[1:] if arguments is None else arguments):
            given.function(given)
    except UserError as error:
        return complain(str(error), 1)
    except KeyboardInterrupt:
        return complain("interrupted", 130)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return complain("out of memory; use a smaller chunk in the config", 1)
    except OSError as error:
        place = error.filename or "a file"
        return complain(
            f"{place}: {error.strerror or error}; check its path, its rights and the space on its disk", 1
        )
    return 0


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory has run out, the processor's or a GPU's: PyTorch says so by a RuntimeError."""
    words = "can't allocate memory", "out of memory"
    return isinstance(error, MemoryError) or any(each in str(error) for each in words)


def complain(line: str, status: int) -> int:
    print(f"infoplane: {printable(line)}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
