"""The command line: commands for studies, and one for each stage, from files to files."""

import os
import signal
import sys
from argparse import SUPPRESS, Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from infoplane import commands
from infoplane.arguments import (
    DEVICE,
    FILE,
    FILES,
    NAMED,
    OF_PAIRS,
    SPEC,
    Parser,
    add_config,
    add_recorded,
    add_snapshots,
    add_trained,
    complain,
    positive,
    proportion,
    repetitions,
)
from infoplane.config.kinds import JOINED, PICTURE, TABLES
from infoplane.config.suggestions import suggestion
from infoplane.errors import UserError
from infoplane.layout import JOINS
from infoplane.log import logged

__all__ = ["execute", "main", "parser"]

EXAMPLES = """\
examples:
  infoplane init mine && cd mine && infoplane run
  infoplane run config/quick.yaml --cores 4
  infoplane status config/quick.yaml --watch
  infoplane trace results/quick C3 --protocol published --reading logits
  infoplane verify results/quick

commands of single stages, which the workflow runs (each has --help):
{stages}

"infoplane --print-completion bash" prints what completes commands and options in bash; it knows zsh
and tcsh too.
"""

# What the help of a stage ends in
BY_HAND = {
    "datasets": """\
  infoplane datasets --spec '{"name": "synthetic"}' --output synthetic.npz""",
    "training": """\
  infoplane training --dataset synthetic.npz --repetitions 0-3 \\
      --spec '{"dataset": "synthetic", "network": "shwartz-ziv", "activation": "relu", "bits": 8,
               "epochs": 400, "record_every": 5}' \\
      --trajectory 0-3.safetensors --history 0-3.parquet""",
    "information": """\
  infoplane information --spec '{"kind": "exact"}' --dataset synthetic.npz \\
      --trajectory 0-3.safetensors --output exact.parquet
  infoplane information --spec '{"kind": "exact"}' '{"kind": "rebinned"}' --dataset synthetic.npz \\
      --trajectory 0-3.safetensors --output exact.parquet rebinned.parquet""",
    "statistics": """\
  infoplane statistics information --information exact.parquet --history 0-3.parquet \\
      --aggregates aggregates.parquet --phases phases.parquet
  infoplane statistics claims --phases relu/exact=phases.parquet \\
      --claims claims.csv --cells cells.csv --margins margins.csv""",
    "figures": """\
  infoplane figures --aggregates relu/exact=aggregates.parquet \\
      --spec '{"kind": "plane", "category": "mine", "experiments": ["relu"], "estimators": ["exact"]}' \\
      --output plane.pdf plane.png""",
}

# What is trained or replayed chunk by chunk
OF_CHUNKS = (commands.training, commands.information, commands.replay)

RUNS = """\
Makes what is missing or depends on a change, in the present folder. Bars show how far each stage is, and
how long the rest will take, by the times of finished jobs. A job that fails holds up only what depends on
it; its log is named. Ctrl-C stops the run, and the same command goes on from there.

examples:
  infoplane run                                  # config/config.yaml, on all cores
  infoplane run mine.yaml claims                 # the verdicts alone
  infoplane run mine.yaml -n                     # how many jobs would run?
  infoplane run toy.yaml --in-process            # a study of seconds
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


REMAKES = """\
--remake chooses chunks of repetitions at random, at least one, trains them once more in a temporary folder,
measures their information by every estimator, and compares the values of all files byte for byte. It takes
as long as these jobs took. Chunks that PyTorch has trained, recorded runs, and what other versions of the
kernels made, are left out.

examples:
  infoplane verify results/quick
  infoplane verify results/quick --remake 0.1
  infoplane verify results/quick --remake 0.1 --seed 1       # other chunks

by code for processors of 2013, without AVX-512 (the empty NUMBA_CPU_FEATURES is needed):
  NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES= infoplane verify results/quick --remake 0.1
"""

# What is told of a trajectory by its replay, each by a module of `infoplane.information`
REPLAYS = {
    "reliability": "tell how reliable the exact information of a trajectory is",
    "resolution": "measure information along a trajectory, with activations quantized to 1 to 16 bits",
    "levels": "count the levels that quantized layers use along a trajectory",
}


def parser() -> ArgumentParser:
    """The parser of the command line: the commands for studies, and those of single stages."""
    top = Parser(
        "infoplane",
        description="Exact information planes of quantized neural networks.",
        formatter_class=RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"infoplane {version('infoplane')}")
    top.add_argument("--print-completion", action=PrintCompletion, metavar="SHELL", help=SUPPRESS)
    group = top.add_subparsers(metavar="COMMAND", required=True, title="commands")
    add_studies(group)
    add_results(group)
    stages = Plumbing(group)
    add_stages(stages)
    add_recorded_runs(stages)
    add_replays(stages)
    add_statistics(stages)
    add_drawings(stages)
    add_index(stages)
    top.epilog = EXAMPLES.format(stages="\n".join(stages.lines()))
    return top


def add_studies(group: Any) -> None:
    """Add the commands that begin a study, run it, and tell how far it is."""
    one = command(group, "init", commands.init, "write a small study to begin with: config, data, README")
    one.add_argument("folder", type=Path, nargs="?", default=".", help="where; %(default)s by default")

    add_run(group)

    one = command(group, "check", commands.check, "check a config file and the data, and run nothing")
    add_config(one)

    one = command(group, "status", commands.status, "show how far a study is, while it runs or after")
    one.epilog, one.formatter_class = STATES, RawDescriptionHelpFormatter
    add_config(one)
    one.add_argument("--watch", action="store_true", help="show it again every few seconds, until Ctrl-C")

    one = command(
        group, "costs", commands.costs, "sum up time, memory and disk of the jobs that have finished"
    )
    one.add_argument("results", type=Path, help="the folder that the study wrote")


def add_run(group: Any) -> None:
    one = command(group, "run", commands.run, "run a study, or parts of it")
    one.epilog, one.formatter_class = RUNS, RawDescriptionHelpFormatter
    add_config(one)
    one.add_argument(
        "target",
        nargs="*",
        help="what to make: claims, paper, figure_main and others, or paths below results; all by default",
    )
    one.add_argument(
        "--cores", metavar="N", type=positive, help="how many jobs run side by side; all cores by default"
    )
    one.add_argument("-n", "--dry-run", action="store_true", help="count the jobs and run none")
    one.add_argument(
        "--in-process",
        action="store_true",
        help="run all jobs in one process, one after the other: faster for studies of seconds",
    )
    one.add_argument("--verbose", action="store_true", help="print all that Snakemake says")
    one.add_argument("--unlock", action="store_true", help="remove the lock that a killed Snakemake has left")


def add_results(group: Any) -> None:
    """Add the commands that show, hand on and check the results of a study."""
    one = command(
        group, "export", commands.export, "write the tables of a study, thinned, that all figures need"
    )
    one.add_argument("config", type=Path, help="its config file")
    one.add_argument("folder", type=Path, help="where to: a new or empty folder, or an earlier export")

    one = command(group, "redraw", commands.redraw, "draw the figures of an exported study again")
    one.add_argument("folder", type=Path, help="what export wrote")
    one.add_argument("figures", nargs="*", metavar="FIGURE", help="those to draw; all by default")
    one.add_argument("--output", metavar="PATH", type=Path, help="where to; FOLDER/figures by default")
    one.add_argument(
        "--formats", nargs="+", choices=PICTURE, default=["png"], help="file formats; png by default"
    )

    one = command(group, "trace", commands.trace, "show what a verdict rests on, down to the runs")
    one.add_argument("results", type=Path, help="the folder that the study wrote")
    one.add_argument("claim", help="C1 to C6")
    one.add_argument("--protocol", help="the only one to show: published or controlled")
    one.add_argument("--reading", help="the only one to show, e.g. logits")

    one = command(group, "bundle", commands.bundle, "pack the index of a study and all that it links to")
    one.add_argument("config", type=Path, help="the config file of a study that has run")
    one.add_argument("--output", **FILE, help="the archive to write (zip)")

    one = command(group, "paper", commands.paper, "typeset the paper of a study from its tables and figures")
    one.add_argument("config", type=Path, help="the config file of a study that has run")
    one.add_argument(
        "--output", metavar="PATH", type=Path, help="the PDF; paper.pdf in the folder of results"
    )
    one.add_argument(
        "--template", metavar="FOLDER", type=Path, help="a folder whose files replace those of the template"
    )
    one.add_argument(
        "--results",
        metavar="FOLDER",
        type=Path,
        help="what export wrote; the results of the config by default",
    )

    one = command(group, "verify", commands.verify, "check all that a study wrote")
    one.epilog, one.formatter_class = REMAKES, RawDescriptionHelpFormatter
    one.add_argument("results", type=Path, help="the folder that the study wrote")
    one.add_argument(
        "--remake", metavar="SHARE", type=proportion, help="instead, make this share of the chunks once more"
    )
    one.add_argument(
        "--seed", metavar="N", type=int, default=0, help="of their choice; %(default)s by default"
    )


def add_index(group: Any) -> None:
    """Add the command that writes the index of a study."""
    one = command(
        group, "index", commands.index, "show verdicts, figures, tables and methods of a study on one page"
    )
    one.add_argument("--spec", **SPEC, help="labels of experiments and estimators")
    one.add_argument("--pages", **FILES, help="the pages of its tables (html)")
    several: dict[str, Any] = {"nargs": "*", "metavar": "PATH", "type": Path, "default": []}
    one.add_argument("--claims", **several, help="the table of verdicts (csv), if there is one")
    one.add_argument("--figures", **several, help="the files of all figures")
    one.add_argument("--accuracy", **several, help="the tables of accuracy of all experiments")
    one.add_argument("--aggregates", **several, help="the tables of mean information of all experiments")
    one.add_argument("--output", **FILE, help="the page to write (html)")


def add_stages(group: Any) -> None:
    """Add the commands that make a data set, train, and measure information."""
    one = command(group, "datasets", commands.datasets, "make a data set")
    one.add_argument("--spec", **SPEC, help="the keys of a data set, and its name")
    one.add_argument("--output", **FILE, help="the npz to write")

    one = command(group, "training", commands.training, "train repetitions of an experiment")
    one.add_argument("--spec", **SPEC, help="the keys of an experiment, without repetitions and chunk")
    one.add_argument("--dataset", **FILE, help="the data set")
    one.add_argument(
        "--repetitions", metavar="FIRST-LAST", required=True, type=repetitions, help="which ones, e.g. 0-19"
    )
    one.add_argument("--trajectory", **FILE, help="the recorded parameters to write (safetensors)")
    one.add_argument("--history", **FILE, help="the table of loss and accuracies to write (parquet)")
    one.add_argument("--device", **DEVICE)

    one = command(
        group, "information", commands.information, "measure H(T), I(X;T) and I(T;Y) along a trajectory"
    )
    one.add_argument(
        "--spec",
        **SPEC,
        nargs="+",
        help="the keys of an estimator, without experiments; several share a replay",
    )
    add_trained(one)
    one.add_argument("--output", **FILES, help="the table to write (parquet), one for each --spec")
    one.add_argument(
        "--ready",
        metavar="PATH",
        type=Path,
        help="a table that another job may have left: moved to --output if it is the right one, else removed",
    )
    one.add_argument("--device", **DEVICE)


def add_recorded_runs(group: Any) -> None:
    """Add the commands that take over recordings of other models."""
    recorded = group.add_parser("recorded", help="take over what was recorded of other models")
    kinds = recorded.add_subparsers(metavar="KIND", required=True)
    one = command(kinds, "history", commands.recorded_history, "loss and accuracies of recorded runs")
    add_recorded(one)
    one = command(
        kinds, "information", commands.recorded_information, "information of recorded runs by one estimator"
    )
    one.add_argument("--spec", **SPEC, help="the keys of an estimator, without experiments")
    add_recorded(one)


def add_replays(group: Any) -> None:
    """Add the commands that replay a trajectory."""
    for stage, about in REPLAYS.items():
        one = command(group, stage, commands.replay, about)
        add_trained(one)
        one.add_argument("--output", **FILE, help="the table to write (parquet)")
        one.set_defaults(stage=stage)

    one = command(
        group, "merging", commands.merging, "which codes of the logits fall into one bin of the softmax"
    )
    add_trained(one)
    add_snapshots(one, 0, "0", "0, 100, 1000, 3000")
    one.add_argument("--output", metavar="PATH", type=Path, help="the table to write (parquet), or print it")

    one = command(
        group,
        "activations",
        commands.activations,
        "count the activations of a layer of two neurons by class",
    )
    add_trained(one)
    add_snapshots(one, None, "the first with two neurons that vary", "200, 1000, 3000")
    one.add_argument("--output", **FILE, help="the table to write (parquet)")


def add_statistics(group: Any) -> None:
    """Add the commands that summarise the repetitions of an experiment, join experiments, decide claims."""
    statistics = group.add_parser("statistics", help="summarise repetitions and join experiments")
    tables = statistics.add_subparsers(metavar="TABLE", required=True)
    add_summaries(tables)

    for name, join in JOINS.items():
        joined = TABLES[join.of]
        one = command(tables, f"join-{name}", commands.statistics_join, JOINED[name])
        one.add_argument(
            "--tables", **NAMED[joined.of], required=True, help=f"tables to join: {joined.about}"
        )
        one.add_argument("--output", **FILE, help="the table to write (csv)")
        one.set_defaults(join=f"join_{name}", chunked=joined.chunked)

    one = command(tables, "claims", commands.statistics_claims, "decide the claims")
    one.add_argument("--phases", **OF_PAIRS, required=True, help="phases of the experiments that count")
    one.add_argument("--claims", **FILE, help="the table of verdicts to write (csv)")
    one.add_argument("--cells", **FILE, help="the table of what they rest on to write (csv)")
    one.add_argument("--margins", **FILE, help="the table of verdicts by other margins to write (csv)")


def add_summaries(tables: Any) -> None:
    """Add the commands that summarise the repetitions of one experiment."""
    one = command(
        tables, "information", commands.statistics_information, "aggregates and phases seen by one estimator"
    )
    one.add_argument("--information", **FILES, help="the tables of all chunks of the experiment")
    one.add_argument("--history", **FILES, help="the histories of all chunks of the experiment")
    one.add_argument("--aggregates", **FILE, help="the table to write (parquet)")
    one.add_argument("--phases", **FILE, help="the table to write (parquet)")

    one = command(
        tables, "tradeoff", commands.statistics_tradeoff, "compression of single runs and their accuracies"
    )
    one.add_argument("--phases", **FILE, help="the phases of the experiment seen by one estimator")
    one.add_argument("--history", **FILES, help="the histories of all chunks of the experiment")
    one.add_argument("--tradeoff", **FILE, help="the table of runs to write (parquet)")
    one.add_argument("--correlations", **FILE, help="the table of correlations to write (parquet)")

    one = command(tables, "accuracy", commands.statistics_accuracy, "loss and accuracies of one experiment")
    one.add_argument(
        "--dataset",
        metavar="PATH",
        type=Path,
        help="the data set that it was trained on; not for recorded runs",
    )
    one.add_argument("--history", **FILES, help="the histories of all chunks of the experiment")
    one.add_argument("--output", **FILE, help="the table to write (parquet)")

    one = command(tables, "errors", commands.statistics_errors, "an estimator's distance to the exact value")
    one.add_argument("--exact", **FILES, help="the tables of all chunks, seen by the exact estimator")
    one.add_argument("--binned", **FILES, help="the tables of all chunks, seen by the other estimator")
    one.add_argument("--output", **FILE, help="the table to write (parquet)")


def add_drawings(group: Any) -> None:
    """Add the commands that write verdicts, pages and figures from tables."""
    one = command(group, "verdicts", commands.verdicts, "write the verdicts on the claims as a table to read")
    one.add_argument("--claims", **FILE, help="the table of verdicts (csv)")
    one.add_argument(
        "--spec",
        metavar="JSON",
        default="{}",
        help="labels of experiments and estimators; %(default)s by default",
    )
    one.add_argument("--output", **FILES, help="the files to write (.md, .html)")

    one = command(group, "pages", commands.pages, "show a table as a page that a browser sorts")
    one.add_argument("--table", **FILE, help="the table (csv)")
    one.add_argument("--output", **FILE, help="the page to write (html)")

    one = command(group, "figures", commands.figures, "draw one figure")
    one.add_argument("--spec", **SPEC, help="the keys of a figure")
    for kind, table in TABLES.items():
        one.add_argument(f"--{kind}", **NAMED[table.of], default=[], help=table.about)
    one.add_argument("--output", **FILES, help="the files to write, of formats of its kind (such as .pdf)")


class Plumbing:
    """The commands of stages, which the list of commands leaves out.

    Args:
        group: all commands.
    """

    def __init__(self, group: Any) -> None:
        self.group = group
        self.about: dict[str, str] = {}

    def add_parser(self, name: str, help: str, **options: Any) -> ArgumentParser:
        self.about[name] = help
        made: ArgumentParser = self.group.add_parser(name, **{"description": sentence(help)} | options)
        if name in BY_HAND:
            made.epilog, made.formatter_class = f"example:\n{BY_HAND[name]}", RawDescriptionHelpFormatter
        return made

    def lines(self) -> Iterator[str]:
        for name, about in self.about.items():
            yield f"  {name:<20}{about}"


def sentence(words: str) -> str:
    """What a command does, as a sentence.

    >>> sentence("draw one figure")
    'Draw one figure.'
    """
    return f"{words[0].upper()}{words[1:]}."


class PrintCompletion(Action):
    """Option that prints what completes commands in a shell, and ends."""

    def __call__(self, parser: ArgumentParser, namespace: Any, values: Any, option: Any = None) -> None:
        try:
            import shtab
        except ImportError as error:
            raise UserError(
                "shtab, which completes commands, is not installed; pip install 'infoplane[study]'"
            ) from error
        if values not in shtab.SUPPORTED_SHELLS:
            parser.error(
                f"{option}: {values!r} is not a known shell; {suggestion(values, shtab.SUPPORTED_SHELLS)}"
            )
        print(shtab.complete(parser, values))
        parser.exit()


def command(group: Any, name: str, function: Callable[[Namespace], None], about: str) -> ArgumentParser:
    made: ArgumentParser = group.add_parser(name, help=about, description=sentence(about))
    made.set_defaults(function=function)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and clean up if it is told to end.

    Returns:
        The exit status, as of `execute`.
    """
    # a job that is told to end must clean up what it has half written
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # letters that the locale lacks are spelt, as in \\u2264
            stream.reconfigure(errors="backslashreplace")
    return execute(sys.argv[1:] if arguments is None else arguments)


def execute(arguments: Sequence[str]) -> int:
    """Run one command; what the user can mend is one line on standard error.

    Returns:
        The exit status: 0, 1 after such a line, 130 after an interrupt, 141 where the reader has gone.
    """
    given = Namespace(function=None)
    try:
        given = parser().parse_args(arguments)
        with logged(arguments):
            given.function(given)
        sys.stdout.flush()
    except UserError as error:
        return complain(str(error), 1)
    except KeyboardInterrupt:
        return complain("interrupted", 130)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return complain(f"out of memory; {remedy_of_memory(given.function)}", 1)
    except BrokenPipeError:  # whoever read the output has seen enough
        return end_of_pipe()
    except OSError as error:
        place = error.filename or "a file"
        return complain(
            f"{place}: {error.strerror or error}; check its path, its rights and the space on its disk", 1
        )
    return 0


def remedy_of_memory(command: Callable[[Namespace], None] | None) -> str:
    """What makes a command take less memory.

    >>> remedy_of_memory(commands.training), remedy_of_memory(commands.figures)
    ('use a smaller chunk in the config', 'use a smaller dpi in the config, or show fewer experiments')
    """
    if command in OF_CHUNKS:
        return "use a smaller chunk in the config"
    if command in (commands.figures, commands.redraw):
        return "use a smaller dpi in the config, or show fewer experiments"
    return "end other programs, or run fewer jobs at a time (--cores)"


def end_of_pipe() -> int:
    """The exit status where nobody reads the output any more; nothing is left for Python to write."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return 128 + signal.SIGPIPE


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory has run out, the processor's or a GPU's: PyTorch says so by a RuntimeError."""
    words = "can't allocate memory", "out of memory"
    return isinstance(error, MemoryError) or any(each in str(error) for each in words)


if __name__ == "__main__":
    sys.exit(main())
