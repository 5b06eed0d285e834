"""Commands of the command line: from the words that were given to the work, and what is printed of it."""

import os
import shlex
import sys
from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from infoplane.arguments import CONFIG, complain
from infoplane.config import DatasetSpec, EstimatorSpec, FigureSpec, TrainingSpec
from infoplane.config.kinds import TABLES
from infoplane.config.parsing import from_json, quoted
from infoplane.config.study import load_config
from infoplane.config.validation import parse_spec
from infoplane.config.words import counted
from infoplane.errors import UserError
from infoplane.layout import path_of
from infoplane.refusals import refuse_empty, refuse_other_suffix

# The stages are imported by their commands: they need seconds, `--help` and a mistake in a spec do not.


def init(given: Namespace) -> None:
    from infoplane.new_study import start_study

    for path in start_study(given.folder):
        print(path)
    place = "" if given.folder == Path(".") else f"cd {shlex.quote(str(given.folder))} && "
    print(f"now: {place}infoplane run")


def run(given: Namespace) -> None:
    from infoplane.running import Options, claimed, run_study, unlock

    if given.config.suffix not in (".yaml", ".yml", ".json"):  # a target of the default config
        given.config, given.target = CONFIG, [str(given.config), *given.target]
    if given.unlock:
        with claimed(Path.cwd()):
            unlock(Path.cwd())
    else:
        cores = given.cores or os.cpu_count() or 1
        options = Options(cores, given.dry_run, given.in_process, given.verbose)
        run_study(given.config, given.target, options)


def check(given: Namespace) -> None:
    study = load_config(given.config)
    from infoplane.config.layers import problems_of_layers
    from infoplane.config.recorded import repeated_runs
    from infoplane.provenance import refuse_missing_data, refuse_unwritable
    from infoplane.suitability import problems_of_data, warnings_of_data

    refuse_unwritable(study, given.config)
    refuse_missing_data(study, given.config)
    problems = [
        problem
        for name, dataset in study.datasets.items()
        for problem in problems_of_data(dataset, study.trainings_on(name), study.figures, study.estimators)
    ]
    for name, recorded in study.recorded.items():
        problems += problems_of_layers(name, len(recorded.spec.layers), study.estimators, study.figures)
    if any(figure.mp4 for figure in study.figures.values()):
        from infoplane.figures.film import ffmpeg

        ffmpeg()
    problems = [*dict.fromkeys(problems)]
    if problems:
        for problem in problems[:-1]:
            complain(f"{given.config}: {problem}", 1)
        raise UserError(f"{given.config}: {problems[-1]}")
    warnings = [
        warning
        for name, dataset in study.datasets.items()
        for warning in warnings_of_data(dataset, study.trainings_on(name).values())
    ] + repeated_runs(study.recorded)
    for warning in warnings:
        print(f"warning: {given.config}: {warning}", file=sys.stderr)
    sizes = {
        "experiment": len(study.experiments),
        "estimator": len(study.estimators),
        "figure": len(study.figures),
    }
    found = counted(len(warnings), "warning") if warnings else "nothing wrong"
    print(f"{given.config}: {', '.join(counted(size, noun) for noun, size in sizes.items())}; {found}")


def status(given: Namespace) -> None:
    study = load_config(given.config)
    from infoplane.provenance import refuse_missing_data
    from infoplane.status import summary, watch

    refuse_missing_data(study, str(given.config))
    if given.watch:
        watch(study)
        return
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
    specs = [parse_spec(EstimatorSpec, each) for each in given.spec]
    if len(specs) != len(given.output):
        raise UserError(
            f"--output: {len(given.output)} for {len(specs)} estimators; give a path for each --spec"
        )
    if len({*given.output}) < len(given.output):
        raise UserError("--output: the same path twice; give each --spec its own")
    if given.ready and len(specs) > 1:
        raise UserError(
            f"--ready: {given.ready} is for one estimator, and these are {len(specs)}; leave it out"
        )
    if given.ready and is_taken(given.ready, specs[0], given.trajectory, given.output[0]):
        print(f"already measured by another job; moved {given.ready} to {given.output[0]}")
        return
    from infoplane.information import run

    run(specs, given.dataset, given.trajectory, given.output, given.device)
    if given.ready:
        given.ready.unlink(missing_ok=True)


def is_taken(ready: Path, spec: EstimatorSpec, trajectory: Path, output: Path) -> bool:
    """Whether a table that another job has left is what was asked for, whole, and therefore was moved."""
    from infoplane.artifacts import read_table
    from infoplane.provenance import is_information

    if not is_information(ready, spec, trajectory):
        return False
    try:
        read_table(ready, "information")
    except UserError:
        return False
    os.replace(ready, output)
    return True


def recorded_history(given: Namespace) -> None:
    from infoplane.recorded import write_history

    write_history(given.files, given.dataset, given.output)


def recorded_information(given: Namespace) -> None:
    spec = parse_spec(EstimatorSpec, given.spec)
    from infoplane.recorded import write_information

    write_information(spec, given.files, given.dataset, given.output)


def replay(given: Namespace) -> None:
    stage = import_module(f"infoplane.information.{given.stage}")
    stage.run(given.dataset, given.trajectory, given.output)


def statistics_information(given: Namespace) -> None:
    from infoplane.statistics.tables import summarise_information

    summarise_information(given.information, given.history, given.aggregates, given.phases)


def statistics_tradeoff(given: Namespace) -> None:
    from infoplane.statistics.tables import summarise_tradeoff

    summarise_tradeoff(given.phases, given.history, given.tradeoff, given.correlations)


def statistics_accuracy(given: Namespace) -> None:
    from infoplane.statistics.tables import summarise_accuracy

    summarise_accuracy(given.history, given.dataset, given.output)


def statistics_errors(given: Namespace) -> None:
    from infoplane.statistics.tables import summarise_errors

    summarise_errors(given.exact, given.binned, given.output)


def statistics_join(given: Namespace) -> None:
    from infoplane.statistics import joins

    join = getattr(joins, given.join)
    join(grouped(given.tables) if given.chunked else dict(given.tables), given.output)


def statistics_claims(given: Namespace) -> None:
    from infoplane.statistics.joins import write_claims

    write_claims(dict(given.phases), given.claims, given.cells, given.margins)


def merging(given: Namespace) -> None:
    from infoplane.information.merging import run

    run(given.dataset, given.trajectory, given.repetition, given.epochs, given.output)


def activations(given: Namespace) -> None:
    from infoplane.information.activations import run

    run(given.dataset, given.trajectory, given.repetition, given.epochs, given.output)


def trace(given: Namespace) -> None:
    from infoplane.provenance import refuse_recorded_alone
    from infoplane.statistics.trace import trace

    refuse_recorded_alone(given.results)
    for paragraph in trace(given.results, given.claim, given.protocol, given.reading):
        print(paragraph, end="\n\n")


def verdicts(given: Namespace) -> None:
    from infoplane.pages.verdicts import write_verdicts

    write_verdicts(given.claims, given.output, labels_in(given.spec))


def pages(given: Namespace) -> None:
    from infoplane.pages import write_page

    write_page(given.table, given.output)


def index(given: Namespace) -> None:
    from infoplane.pages.index import write_index

    write_index(
        given.figures,
        given.pages,
        given.claims,
        given.accuracy,
        given.aggregates,
        labels_in(given.spec),
        given.output,
    )


def bundle(given: Namespace) -> None:
    from infoplane.pages.bundle import linked_files, write_bundle

    refuse_other_suffix(given.output, ".zip", "a bundle")
    index = Path(load_config(given.config).results, path_of("index"))
    for path in [index, *linked_files(index)]:
        refuse_empty(path)
    write_bundle(index, given.output)


def paper(given: Namespace) -> None:
    from infoplane.paper import write_paper

    print(write_paper(given.config, given.output, given.template, given.results))


def verify(given: Namespace) -> None:
    from infoplane.verify import verify, verify_by_remaking

    if given.remake:
        verify_by_remaking(given.results, given.remake, given.seed)
        return
    problems, counts = verify(given.results)
    print("\n".join([*counts, *problems]))
    if problems:
        number = counted(len(problems), "problem")
        raise UserError(f"{given.results}: {number}, listed above; follow the advice there")


def figures(given: Namespace) -> None:
    spec = parse_spec(FigureSpec, given.spec)
    os.environ["MPLBACKEND"] = "agg"  # nothing is shown, and the user's may not be there
    from infoplane.figures.drawing import write_figure

    write_figure(spec, {kind: grouped(getattr(given, kind)) for kind in TABLES}, given.output)


def labels_in(text: str) -> dict[str, str]:
    """Labels by the names of experiments and estimators that they replace, from their JSON.

    >>> labels_in('{"relu": "ReLU, 8 bits"}')
    {'relu': 'ReLU, 8 bits'}
    """
    labels = from_json(text, "--spec")
    if not isinstance(labels, dict) or not all(isinstance(label, str) for label in labels.values()):
        raise UserError(f"--spec: {quoted(labels)} is refused; it must be a mapping of names to labels")
    return labels


def grouped(tables: Iterable[tuple[Any, Path]]) -> dict[Any, list[Path]]:
    """The files of each name, of which there may be several."""
    files = defaultdict(list)
    for name, path in tables:
        files[name].append(path)
    return files
