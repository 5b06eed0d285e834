"""How far a run is, from what Snakemake tells of it: finished jobs by stage, and the time left."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from infoplane.layout import FILES
from infoplane.log import last_line, warnings_in
from infoplane.status import seconds

__all__ = ["RunProgress", "StartedJob", "TimeLeft"]

# Folders of results, in the order in which they are filled
STAGES = list(dict.fromkeys(path.partition("/")[0] for path in FILES.values()))


class StartedJob(NamedTuple):
    """A job that has started.

    Attributes:
        stage: the folder of results that it writes to.
        name: the rule, and what stands for its wildcards.
        log: the path of its log.
        started: when (s).
    """

    stage: str
    name: str
    log: Path
    started: float

    @property
    def last_words(self) -> str:
        said = last_line(self.log) if self.log.exists() else ""
        return said.removeprefix(f"{self.stage}: ")


class TimeLeft(NamedTuple):
    """The time (s) that jobs will take; at least that where no job of some stages was ever measured."""

    seconds: float
    is_all: bool


@dataclass
class RunProgress:
    """What has become of the jobs of a run.

    Attributes:
        cores: how many jobs run side by side.
        measured: wall times (s) of finished jobs, by stage: those of earlier runs, and of this one.
        clock: the time (s).
        targets: rules that only ask for files and make none, which are no jobs.
        untimed: files, by their path without suffix, whose jobs need a replay, or only a moment if another
            job has measured the table. Their times tell nothing of others.
        moving: those of them that will need a moment.
        totals, done: numbers of jobs by stage.
        moved: number of jobs of `moving` that have finished.
        running: jobs that have started, by their number.
        failed: those that have failed.
        warnings: lines that finished jobs have written to their logs, each once.
    """

    cores: int
    measured: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    clock: Callable[[], float] = time.monotonic
    targets: Collection[str] = ()
    untimed: Collection[str] = ()
    moving: Collection[str] = ()
    totals: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    moved: int = 0
    running: dict[int, StartedJob] = field(default_factory=dict)
    failed: list[StartedJob] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def read_benchmarks(self, results: Path) -> None:
        """Take in the wall times that a folder of results has of jobs that have finished."""
        for benchmark in (results / "benchmarks").rglob("*.tsv"):
            took = seconds(benchmark)
            if took is not None and file_of(benchmark) not in self.untimed:
                self.measured[benchmark.relative_to(results).parts[1]].append(took)

    def take(self, event: Mapping[str, Any]) -> None:
        """Take in one message of Snakemake."""
        match event:
            case {"event": "run_info", "stats": stats}:
                self.totals = Counter()
                for rule, number in stats.items():
                    if rule not in self.targets and (stage := rule_stage(rule)):
                        self.totals[stage] += number
            case {"event": "job_info", "jobid": number, "rule_name": rule, "log": [log, *_]}:
                name = " ".join([rule, *event["wildcards"].values()])
                self.running[number] = StartedJob(rule_stage(rule), name, Path(log), self.clock())
            case {"event": "job_finished", "job_id": number} if number in self.running:
                job = self.running.pop(number)
                self.done[job.stage] += 1
                if file_of(job.log) in self.untimed:
                    self.moved += file_of(job.log) in self.moving
                else:
                    self.measured[job.stage].append(self.clock() - job.started)
                self.warnings = list(dict.fromkeys([*self.warnings, *warnings_in(job.log)]))
            case {"event": "job_error", "jobid": number} if number in self.running:
                self.failed.append(self.running.pop(number))

    @property
    def stages(self) -> list[str]:
        return [stage for stage in STAGES if self.totals[stage]]

    def left(self, *stages: str) -> TimeLeft:
        """The time that unfinished jobs of some stages will take; of all stages, if none are named."""
        waiting = {stage: self.totals[stage] - self.done[stage] for stage in stages or self.stages}
        if "information" in waiting:
            waiting["information"] = max(waiting["information"] - len(self.moving) + self.moved, 0)
        known = [stage for stage in waiting if self.measured[stage]]
        means = {stage: sum(self.measured[stage]) / len(self.measured[stage]) for stage in known}
        total = sum(waiting[stage] * means[stage] for stage in known)
        return TimeLeft(total / self.cores, all(stage in known for stage in waiting if waiting[stage]))


def file_of(path: Path) -> str:
    """The file of information, without its suffix, that a log or a benchmark is of.

    >>> file_of(Path("results/logs/information/mine/exact/0-19.log"))
    'information/mine/exact/0-19'
    """
    return "/".join(path.with_suffix("").parts[-4:])


def rule_stage(rule: str) -> str:
    """The stage of a rule, which is named after it, or ends in what it makes; none of a target.

    >>> rule_stage("statistics_join"), rule_stage("recorded_history"), rule_stage("all")
    ('statistics', 'training', '')
    """
    stage, _, made = rule.partition("_")
    return stage if stage in STAGES else FILES.get(made or rule, "").partition("/")[0]
