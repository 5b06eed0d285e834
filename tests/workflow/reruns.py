"""Changes of a study, and exactly which jobs run again after each.

`python tests/workflow/reruns.py` prints the table of docs/reruns.md; a test holds it against dry runs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

TRAINING = {"training relu 0-1", "training relu 2-2", "training tanh 0-1"}
INFORMATION = {
    "information relu exact 0-1",
    "information relu exact 2-2",
    "information tanh exact 0-1",
    "information tanh uniform 0-1",
}
ESTIMATES = {f"statistics_information {pair}" for pair in ("relu exact", "tanh exact", "tanh uniform")}
ACCURACIES = {"statistics_accuracy relu", "statistics_accuracy tanh"}


def joined(*tables: str) -> set[str]:
    """The tables of all experiments on a data set, and their pages."""
    return {
        f"{rule}{table}" for table in tables for rule in ("statistics_join synthetic ", "pages synthetic/")
    }


FITS = joined("fits")
PHASES = joined("information", "phases", "prevalence", "differences", "violations")
CLAIMS = {"statistics_claims", "verdicts", "pages claims", "pages cells", "pages margins"}
FIGURES = {"figures plane", "figures curves", "figures runs", "figures accuracy"}

Config = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A change of the config or of a module, and the jobs that a dry run then announces.

    Attributes:
        said: what it is, for the table.
        jobs: by rule and what stands for its wildcards.
        config: the change of the config.
        module: the module that is edited.
        edit: the change of its text.
    """

    said: str
    jobs: set[str]
    config: Callable[[Config], None] = lambda config: None
    module: str = ""
    edit: Callable[[str], str] = lambda text: f"{text}\n# an edit\n"

    @property
    def announced(self) -> set[str]:
        """The jobs with that of the index, which rests on all others."""
        return self.jobs | ({"index"} if self.jobs else set())


def of(name: str, jobs: Iterable[str]) -> set[str]:
    """The jobs on one experiment."""
    return {job for job in jobs if job.split(" ")[1] == name}


def set_key(section: str, name: str, **keys: Any) -> Callable[[Config], None]:
    return lambda config: config[section].setdefault(name, {}).update(keys)


def reordered(config: Config) -> None:
    config["experiments"] = dict(reversed(config["experiments"].items()))
    config["experiments"]["relu"]["bits"] = {"activations": 8, "weights": 8}
    config["defaults"] = dict(reversed(config["defaults"].items()), learning_rate=1e-4)


def without_tanh(config: Config) -> None:
    del config["experiments"]["tanh"], config["estimators"]["uniform"], config["figures"]["curves"]
    config["figures"]["plane"]["experiments"] = ["relu"]


ALL_BUT_DATA = TRAINING | INFORMATION | ESTIMATES | ACCURACIES | FITS | PHASES | CLAIMS | FIGURES
TANH = of("tanh", TRAINING | INFORMATION | ESTIMATES | ACCURACIES) | FITS | PHASES | CLAIMS | FIGURES
TANH -= {"figures runs"}
RELU = of("relu", TRAINING | INFORMATION | ESTIMATES | ACCURACIES) | FITS | PHASES | CLAIMS | FIGURES
RELU -= {"figures curves"}
INFORMATION_BY_TORCH = (
    of("tanh", INFORMATION | ESTIMATES) | PHASES | CLAIMS | {"figures plane", "figures curves"}
)

CHANGES = [
    Change("nothing", set()),
    Change("a remark, another order or spelling of keys", set(), reordered),
    Change(
        "more repetitions of tanh: 4 instead of 2",
        {job.replace("0-1", "2-3") for job in TANH},
        set_key("experiments", "tanh", repetitions=4),
    ),
    Change(
        "more repetitions of relu: 4 instead of 3, the last chunk grows",
        {"training relu 2-3", "information relu exact 2-3", *of("relu", ESTIMATES)}
        | {"statistics_accuracy relu"}
        | (FITS | PHASES | CLAIMS | FIGURES - {"figures curves"}),
        set_key("experiments", "relu", repetitions=4),
    ),
    Change(
        "fewer repetitions of relu: 2 instead of 3",
        {*of("relu", ESTIMATES), "statistics_accuracy relu"}
        | (FITS | PHASES | CLAIMS | FIGURES - {"figures curves"}),
        set_key("experiments", "relu", repetitions=2),
    ),
    Change("the learning rate of tanh", TANH, set_key("experiments", "tanh", learning_rate=0.01)),
    Change(
        "a new experiment",
        {
            "training new 0-1",
            "information new exact 0-1",
            *(job.replace("relu", "new") for job in of("relu", ESTIMATES)),
        }
        | {"statistics_accuracy new", "figures accuracy"}
        | (FITS | PHASES | CLAIMS),
        set_key("experiments", "new", activation="relu", bits=4),
    ),
    Change(
        "experiment tanh is removed",
        FITS | PHASES | CLAIMS | {"figures plane", "figures accuracy"},
        without_tanh,
    ),
    Change("experiment tanh becomes a control", CLAIMS, set_key("experiments", "tanh", control=True)),
    Change(
        "a new estimator",
        {f"information {chunk} 0-1" for chunk in ("relu adaptive", "tanh adaptive")}
        | {"information relu adaptive 2-2"}
        | {job.replace("exact", "adaptive") for job in ESTIMATES if "exact" in job}
        | (PHASES | CLAIMS),
        set_key("estimators", "adaptive", kind="adaptive", bins=16),
    ),
    Change(
        "the number of bins of uniform",
        {"information tanh uniform 0-1", *(job for job in ESTIMATES if "uniform" in job), "figures curves"}
        | (PHASES | CLAIMS),
        set_key("estimators", "uniform", bins=20),
    ),
    Change("the resolution of one figure", {"figures plane"}, set_key("figures", "plane", dpi=60)),
    Change("a note on all figures", FIGURES, lambda config: config["figure_defaults"].update(note="another")),
    Change(
        "a new figure",
        {"figures new"},
        set_key("figures", "new", kind="plane", category="A", experiments=["tanh"], estimators=["uniform"]),
    ),
    *(
        Change(f"an edit of {module}", set(), module=module)
        for module in (
            "cli.py",
            "config/study.py",
            "layout.py",
            "verify/information.py",
            "status.py",
            "statistics/trace.py",
            "kernels/layers.py",
        )
    ),
    *(
        Change(f"an edit of {module}", FIGURES, module=module)
        for module in ("figures/plane.py", "config/labels.py", "config/kinds.py")
    ),
    Change(
        "an edit of statistics/phases.py",
        ESTIMATES | ACCURACIES | FITS | PHASES | CLAIMS | FIGURES,
        module="statistics/phases.py",
    ),
    Change("an edit of statistics/claims.py", FITS | PHASES | CLAIMS, module="statistics/claims.py"),
    *(
        Change(f"an edit of {module}", INFORMATION_BY_TORCH, module=module)
        for module in ("information/estimators.py", "kernels/counting.py")
    ),
    *(
        Change(f"an edit of {module}", TANH, module=module)
        for module in ("training.py", "networks/forward.py")
    ),
    Change(
        "an edit of datasets/synthetic.py",
        {"datasets synthetic"} | ACCURACIES | TANH,
        module="datasets/synthetic.py",
    ),
    Change(
        "an edit of datasets/synthetic.py and the resolution of one figure",
        {"datasets synthetic", "figures runs"} | ACCURACIES | TANH,
        lambda config: config["figures"]["runs"].update(dpi=60),
        module="datasets/synthetic.py",
    ),
    Change(
        "another version of the kernels",
        RELU,
        module="code.py",
        edit=lambda text: text.replace("VERSION = 1", "VERSION = 2"),
    ),
]

EVERYTHING = {"datasets synthetic"} | ALL_BUT_DATA
# The columns of the table, and how the names of their jobs begin
COLUMNS = {
    "data": ("datasets ",),
    "training": ("training ",),
    "information": ("information ",),
    "statistics": ("statistics_information ", "statistics_accuracy "),
    "joined tables": ("statistics_join synthetic ",),
    "claims": ("statistics_claims",),
    "figures": ("figures ",),
}


def table() -> str:
    """What runs again after each change, as Markdown: a row for each change, a column for each stage."""
    lines = [f"| change | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for change in CHANGES:
        cells = [cell(change.jobs, beginnings) for beginnings in COLUMNS.values()]
        lines.append(f"| {change.said} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(jobs: set[str], beginnings: tuple[str, ...]) -> str:
    def among(jobs: set[str]) -> set[str]:
        return {job for job in jobs if job.startswith(beginnings)}

    if among(jobs) >= among(EVERYTHING):
        return "all"
    names = {job.removeprefix(start) for job in jobs for start in beginnings if job.startswith(start)}
    return ", ".join(sorted(names)) or "–"


if __name__ == "__main__":
    print(table())
