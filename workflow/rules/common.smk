"""What the rules share: the study, where its files lie, and the form of a job."""

import os
import sys
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
    from infoplane.digests import canonical
    from infoplane.config.kinds import PICTURE
    from infoplane.config.labels import report_category
    from infoplane.config.words import evaluated
    from infoplane.errors import UserError
    from infoplane.jobs import Commands, planned_study, python_command
    from infoplane.layout import BESIDE, FILES, JOINS, Layout, benchmark_of, log_of
    from infoplane.log import failures
    from infoplane.provenance import Provenance
    from infoplane.reruns import Reruns, internal
except ImportError as error:
    sys.exit(
        f"infoplane: {error}; install the version of the package that this workflow is of where Snakemake is"
    )

# A --configfile is a study of its own: Snakemake would merge it into the default one, of this folder or of the clone.
if not workflow.overwrite_configfiles:

    configfile: next(filter(os.path.exists, ["config/config.yaml"]), f"{ROOT}/config/config.yaml")


try:
    study = planned_study(config, [*map(os.path.relpath, workflow.configfiles)], SOURCE)
except UserError as error:
    sys.exit(f"infoplane: {error}")

# Jobs run by the Python that runs Snakemake, unless they have an environment of their own.
IN_CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
if IN_CONDA and not SOURCE:
    sys.exit("infoplane: --sdm conda takes the modules of a clone; run the Snakefile of one, or leave it out")

# The front page of the report knows the config alone, which counts a sweep as one experiment.
config["summary"] = evaluated(len(study.experiments), len(study.estimators))

layout = Layout(study)
provenance = Provenance(study)
commands = Commands(provenance, python_command(SOURCE, IN_CONDA))
reruns = Reruns(workflow, layout, provenance)
STARTED = time.time()
# What a job that computes on a GPU asks a scheduler for
GPUS = 1 if study.device == "cuda" else 0
# Runs are trained, or taken over from recordings; a pattern of no names matches nothing.
TRAINED = "|".join(study.trained) or "(?!)"
RECORDED = "|".join(study.recorded) or "(?!)"
# What every job runs
SHELL = "{params.command} > {log:q} 2>&1"


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


def results(kind):
    """The outputs of a job, called as their kinds: the first file and those that it writes beside it."""
    return {each: result(each) for each in (kind, *BESIDE.get(kind, ()))}


def drawn(format):
    """A file of a figure, in the report where the paper has it."""
    return report(
        f"<results>/figures/{{figure}}.{format}",
        caption="../report/figure.rst",
        category=lambda wildcards: report_category(study.figures[wildcards.figure].category),
        labels={"figure": "{figure}", "as PNG": "yes" if format == "png" else "no"},
    )


def log(kind):
    return f"<results>/{log_of(FILES[kind])}"


def benchmark(kind):
    return f"<results>/{benchmark_of(FILES[kind])}"


def made_from(kind):
    """The inputs of a job, named after what they hold; where its files tell that they are current, times do not count."""

    def inputs(wildcards):
        names = dict(wildcards.items())
        mark = ancient if reruns.is_settled(kind, names) else str
        files = layout.made_from(kind, names)
        if "after" in files and reruns.is_there(kind, names):
            files.pop("after", None)
        return {name: [*map(mark, below_results(paths))] for name, paths in files.items()}

    return inputs


def content(kind):
    """A param that Snakemake compares: all that a job depends on besides its inputs, as one text."""
    return lambda wildcards: canonical(provenance.content(kind, dict(wildcards.items())))


def command(stage, kind, named=False, **options):
    """A param: the command of a job, with options that are called as its inputs and, if several, its outputs."""

    def line(wildcards, input, output):
        outputs = dict(output.items()) if len(output) > 1 else {}
        files = dict(input.items()), outputs or [*output]
        return commands.line(stage, kind, dict(wildcards.items()), *files, options, named)

    return line


def grows(amount):
    """A resource that grows from one attempt to the next."""
    return lambda wildcards, attempt: amount * attempt
