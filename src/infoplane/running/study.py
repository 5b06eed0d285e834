"""A run of the workflow: Snakemake as a child process, its progress, and how it ends."""

import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import dropwhile
from pathlib import Path
from typing import NamedTuple, NoReturn

from infoplane.config.parsing import quoted, shortened
from infoplane.config.study import Study, load_config
from infoplane.config.suggestions import nearest
from infoplane.config.words import counted
from infoplane.errors import UserError
from infoplane.layout import Layout, path_of
from infoplane.provenance import refuse_missing_data, refuse_unwritable
from infoplane.running.folder import FolderClaim, claimed, is_locked, unlock
from infoplane.running.process import Child
from infoplane.running.progress import RunProgress, StartedJob

__all__ = ["Options", "run_study", "snakefile", "target_names"]

# Seconds that jobs have to end in after an interrupt; those in the process of Snakemake do not hear of it
PATIENCE = 5
PATIENCE_IN_PROCESS = 1
PACKAGE = Path(__file__).parents[1]


class Options(NamedTuple):
    """How a study is run.

    Attributes:
        cores: how many jobs run side by side.
        dry_run: whether jobs are counted and not run.
        in_process: whether all jobs run in one process, one after the other.
        verbose: whether all is printed that Snakemake says.
    """

    cores: int
    dry_run: bool = False
    in_process: bool = False
    verbose: bool = False


def snakefile() -> Path:
    """The workflow: of the package as a wheel has it, or at the top of the repository."""
    for path in (PACKAGE / "workflow" / "Snakefile", PACKAGE.parents[1] / "workflow" / "Snakefile"):
        if path.exists():
            return path
    raise UserError(f"{PACKAGE}: comes without the workflow; install infoplane from a wheel, or from a clone")


def target_names() -> list[str]:
    """The names of parts of a study, as the workflow has them."""
    return re.findall(r"^rule (\w+):", snakefile().read_text(), re.MULTILINE)


def run_study(config: Path, targets: Sequence[str], options: Options) -> None:
    """Make a study, or parts of it, in the present folder.

    Args:
        config: its config file.
        targets: names of `target_names`, or files of results; all if there are none.

    Raises:
        UserError: config, target or data are not right, jobs have failed, or another run is at work.
    """
    refuse_without_snakemake()
    study = load_config(config)
    refuse_unwritable(study, str(config))
    refuse_missing_data(study, str(config))
    refuse_other_targets(study, targets)
    arguments = [*targets, *arguments_of(config, options)]
    with claimed(Path.cwd()) as claim:
        unlock(Path.cwd(), claim.inherited)
        progress = progress_of(study, 1 if options.in_process else options.cores)
        progress.read_benchmarks(Path(study.results))
        child = Child(arguments, environment_of(options), [claim.descriptor])
        try:
            errors = follow(child, progress, options, claim)
            status = child.wait()
        except BaseException:  # whatever it is, jobs would go on unseen
            try:
                child.stop(PATIENCE_IN_PROCESS if options.in_process else PATIENCE)
            finally:
                if not options.dry_run:  # which takes no lock
                    unlock(Path.cwd(), claim.own())
            raise
    if options.dry_run and not status:
        print_plan(progress)
    elif status:
        raise UserError(reason(status, errors, progress, child))
    else:
        print(
            f"{counted(progress.done.total(), 'job')} done; results are in {study.results}"
            if progress.totals
            else f"nothing to do: everything is in {study.results}"
        )


def refuse_other_targets(study: Study, targets: Sequence[str]) -> None:
    """Refuse names that are not targets, with the nearest one, or the file of the figure of that name."""
    layout = Layout(study)
    own = {name: name for name in target_names() if layout.part(name)}
    figures = {name: str(Path(study.results, layout.figures([name])[0])) for name in study.figures}
    files = [os.path.normpath(Path(study.results, each)) for each in layout.all_files()]
    for target in targets:
        if target in target_names() or os.path.normpath(target) in files:
            continue
        if "/" in target:
            refuse_other_file(target, files)
        meant = nearest(target, [*own, *figures])
        remedy = f"use {', '.join(target_names())}, or paths below {study.results}"
        if meant:
            remedy = f"did you mean {quoted((figures | own)[meant])}?"
        raise UserError(f"{quoted(target)} is not a target; {remedy}")


def refuse_other_file(target: str, files: Sequence[str]) -> NoReturn:
    """Refuse the path of no file of the study, with the nearest one of its format."""
    alike = [each for each in files if Path(each).suffix == Path(target).suffix]
    meant = nearest(target, alike)
    remedy = f"did you mean {quoted(meant)}?" if meant else f"name one as {quoted((alike or files)[0])}"
    raise UserError(f"{quoted(target)} is no file of this study; {remedy}")


def refuse_without_snakemake() -> None:
    for name in ("snakemake", "rich"):
        if find_spec(name) is None:
            raise UserError(
                f"{name}, which `infoplane run` needs, is not installed; pip install 'infoplane[study]'"
            )


def arguments_of(config: Path, options: Options) -> list[str]:
    """The arguments of Snakemake, targets aside."""
    arguments = ["--snakefile", str(snakefile()), "--configfile", str(config)]
    arguments += ["--cores", str(1 if options.in_process else options.cores)]
    arguments += ["--keep-going", "--rerun-incomplete"]
    return [*arguments, *(["--dry-run"] if options.dry_run else [])]


def environment_of(options: Options) -> dict[str, str]:
    """Variables of Snakemake's own environment, which is that of the jobs where they run in its process."""
    own = {"PYTHONUTF8": "1", "PYTHONOPTIMIZE": "", "INFOPLANE_IN_PROCESS": "1"}
    return own if options.in_process else {}


def progress_of(study: Study, cores: int) -> RunProgress:
    """The progress of a run that begins: which jobs will only move what another one has measured."""
    others = Layout(study).measured_by_others()
    exact = {name: study.exact_estimator(name) or "" for name in study.experiments}
    measured_now = [
        names
        for names in others
        if not Path(
            study.results, path_of("information", **names | {"estimator": exact[names["experiment"]]})
        ).exists()
    ]
    untimed, moving = (
        {path_of("information", **names).rpartition(".")[0] for names in group}
        for group in (others, measured_now)
    )
    return RunProgress(cores, targets=target_names(), untimed=untimed, moving=moving)


def follow(child: Child, progress: RunProgress, options: Options, claim: FolderClaim) -> list[str]:
    """Show what Snakemake tells until it ends; the errors that it tells of.

    What it will run it tells when it has its lock, which is noted then.

    A terminal that is closed ends the run, as Ctrl-C does.
    """
    from infoplane.running.display import display_of

    signal.signal(signal.SIGHUP, lambda *_: sys.exit(128 + signal.SIGHUP))
    errors = []
    display = display_of(progress)
    try:
        for event in child.listen():
            known = len(progress.warnings)
            progress.take(event)
            if event["event"] == "run_info" and not options.dry_run:
                claim.note()
            for warning in progress.warnings[known:]:
                display.write(warning)
            display.update()
            if options.verbose and event["text"]:
                display.write(event["text"])
            if event["level"] in ("ERROR", "CRITICAL") and event["event"] != "job_error":
                errors.append(event["text"])
    finally:
        display.close()
    return errors


def reason(status: int, errors: Sequence[str], progress: RunProgress, child: Child) -> str:
    """Why a run has failed, in one line."""
    if progress.failed:
        *others, last = map(describe_failure, progress.failed)
        for line in others:
            print(f"infoplane: {line}", file=sys.stderr)
        return last
    if any("LockException" in error for error in errors) or is_locked(Path.cwd()):
        return (
            "another Snakemake is running in this folder, or a killed one has left its lock; wait, or "
            "remove the lock by `infoplane run --unlock`"
        )
    said = in_one_line("\n".join(errors)) or child.last_line.removeprefix("infoplane: ")
    return (said or f"Snakemake ended with status {status}") + named(
        newest_log(Path(".snakemake/log"), child.started)
    )


def in_one_line(text: str) -> str:
    """What Snakemake says of an error, without the calls that led to it.

    >>> in_one_line("Error in file x, line 3:\\nno such rule")
    'Error in file x, line 3: no such rule'
    """
    *_, last = text.rpartition("Traceback (most recent call last):\n")
    lines = [line for line in last.splitlines() if line.strip()]
    if last != text:  # calls are indented, and what was raised is not
        lines = list(dropwhile(lambda line: line[0].isspace(), lines))
    said = (line.strip() for line in lines if not line.strip().startswith('File "'))
    return shortened(" ".join(said))


def newest_log(folder: Path, since: float) -> Path | None:
    """The last log of Snakemake in a folder that was written since some time (s), if there is any."""
    written = {path: path.stat().st_mtime for path in folder.glob("*.snakemake.log")}
    return max((path for path in written if written[path] >= since), key=written.__getitem__, default=None)


def named(log: Path | None) -> str:
    return f" (log: {log})" if log else ""


def describe_failure(job: StartedJob) -> str:
    return f"{job.name} failed: {job.last_words.removeprefix('infoplane: ')} (log: {job.log})"


def print_plan(progress: RunProgress) -> None:
    """Print how many jobs of each stage would run."""
    for line in plan(progress):
        print(line)


def plan(progress: RunProgress) -> Iterator[str]:
    for stage in progress.stages:
        yield f"{stage:12} {progress.totals[stage]:6}"
    total = progress.totals.total()
    yield f"{counted(total, 'job')} would run" if total else "nothing to do"
