"""What the rules share: the study, where its files lie, and the form of a job."""

import os
import shlex
import sys
import tempfile
import time
from pathlib import Path

# What runs is the code beside this workflow, wherever infoplane was installed from. Where the workflow is a part of the
# installed package, or of another workflow that fetches it, there is none, and what is installed runs.
ROOT = os.path.normpath(workflow.current_basedir.join("../..").get_path_or_uri(secret_free=True))
SOURCE = os.path.join(ROOT, "src") if os.path.isdir(os.path.join(ROOT, "src", "infoplane")) else ""
if SOURCE:
    sys.path.insert(0, SOURCE)

from snakemake.settings.types import DeploymentMethod

try:
    from infoplane.artifacts import canonical
    from infoplane.config.kinds import PICTURE
    from infoplane.config.parsing import from_yaml
    from infoplane.config.study import resolve
    from infoplane.errors import UserError
    from infoplane.layout import FILES, JOINS, Layout, behind_names, benchmark_of, log_of, report_category
    from infoplane.log import failures
    from infoplane.provenance import Provenance, refuse_folders, refuse_missing_data
except ImportError as error:
    sys.exit(
        f"infoplane: {error}; install the version of the package that this workflow is of where Snakemake is"
    )

# A --configfile is a study of its own: Snakemake would merge it into the default one, of this folder or of the clone.
if not workflow.overwrite_configfiles:

    configfile: next(filter(os.path.exists, ["config/config.yaml"]), f"{ROOT}/config/config.yaml")


try:
    sources = [*map(os.path.relpath, workflow.configfiles)]
    for source in sources:  # Snakemake takes the last of equal keys
        from_yaml(Path(source))
    study = resolve(config, ", ".join(sources) or "--config")
    refuse_missing_data(study, ", ".join(sources) or "--config")
    refuse_folders([SOURCE or ".", os.getcwd(), tempfile.gettempdir(), study.results])
except UserError as error:
    sys.exit(f"infoplane: {error}")

layout = Layout(study)
provenance = Provenance(study)
STARTED = time.time()
# What a job that computes on a GPU asks a scheduler for
GPUS = 1 if study.device == "cuda" else 0
# Runs are trained, or taken over from recordings; a pattern of no names matches nothing.
TRAINED = "|".join(study.trained) or "(?!)"
RECORDED = "|".join(study.recorded) or "(?!)"

# Jobs run by the Python that runs Snakemake, unless they have an environment of their own. Text is UTF-8 wherever they
# run; what the user has in PYTHONPATH comes behind our modules, what lies in the folder of the study never.
IN_CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
PATHS = f"PYTHONPATH={shlex.quote(SOURCE)}${{PYTHONPATH:+:$PYTHONPATH}} " if SOURCE else ""
PYTHON = f"PYTHONUTF8=1 PYTHONOPTIMIZE= {PATHS}{'python' if IN_CONDA else shlex.quote(sys.executable)} -P"
if IN_CONDA and not SOURCE:
    sys.exit("infoplane: --sdm conda takes the modules of a clone; run the Snakefile of one, or leave it out")


onerror:
    print("Failed:", *failures(Path(study.results, "logs"), STARTED), sep="\n    ", file=sys.stderr)


pathvars:
    results=os.path.normpath(study.results),


wildcard_constraints:
    dataset="|".join(sorted({each.dataset for each in study.experiments.values()})),
    experiment="|".join(study.experiments),
    estimator="|".join(study.estimators),
    figure="|".join(study.figures),
    chunk=r"\d+-\d+",


def below_results(paths):
    return [f"<results>/{each}" for each in paths]


def result(kind):
    """An output: a file of a kind, which is not to be empty."""
    return ensure(f"<results>/{FILES[kind]}", non_empty=True)


def drawn(format):
    """A file of a figure, in the report where the paper has it."""
    return report(
        f"<results>/figures/{{figure}}.{format}",
        caption="../report/figure.rst",
        category=lambda wildcards: report_category(study.figures[wildcards.figure].category),
        labels={"figure": "{figure}", "as PNG": "yes" if format == "png" else "no"},
    )


def of_formats(*formats):
    """The figures that have these formats; without any, what is no name."""
    return "|".join(layout.figures_of(formats)) or "/"


def log(kind):
    return f"<results>/{log_of(FILES[kind])}"


def benchmark(kind):
    return f"<results>/{benchmark_of(FILES[kind])}"


def made_from(kind):
    """The inputs of a job, named after what they hold; where its files tell that they are current, times do not count."""

    def inputs(wildcards):
        names = dict(wildcards.items())
        mark = ancient if is_settled(kind, names) else str
        files = layout.made_from(kind, names)
        return {name: [*map(mark, below_results(paths))] for name, paths in files.items()}

    return inputs


def content(kind):
    """A param that Snakemake compares: all that a job depends on besides its inputs, as one text."""
    return lambda wildcards: canonical(provenance.content(kind, dict(wildcards.items())))


def command(stage, kind=None, named=False, **options):
    """A param: the command of a job, with options that are called as its inputs and outputs are.

    Args:
        stage: the command of infoplane.
        kind: whose spec is an option.
        named: whether each input stands behind the experiment, or experiment and estimator, that it is of.
        options: further ones, as texts in which names stand, or as functions from names to words.
    """

    def words(wildcards, input, output):
        names = dict(wildcards.items())
        given = {
            name: value(names) if callable(value) else [value.format_map(names)]
            for name, value in options.items()
        }
        if kind:
            given["spec"] = [canonical(provenance.spec(kind, names))]
        for name, paths in input.items():
            if paths:
                given[name] = [behind_names(each, study.results) if named else each for each in paths]
        given |= {name: [path] for name, path in output.items()} or {"output": [*output]}
        lines = (shlex.join([f"--{name}", *values]) for name, values in given.items())
        return " ".join([PYTHON, "-m", "infoplane.cli", stage.format_map(names), *lines])

    return words


def grows(amount):
    """A resource that grows from one attempt to the next."""
    return lambda wildcards, attempt: amount * attempt


def recordings(names):
    """The files of a recorded experiment: not inputs, because their content counts and not their time."""
    return [*map(str, study.recorded[names["experiment"]].paths)]


def recorded_inputs(names):
    """The data set of a recorded experiment."""
    return [study.recorded[names["experiment"]].dataset]
