"""The jobs of the workflow, without Snakemake: the study that they are of, and their commands."""

import os
import shlex
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from infoplane.config.parsing import from_yaml
from infoplane.config.study import Study, resolve
from infoplane.digests import canonical
from infoplane.layout import Layout, behind_names, path_of, ready_of
from infoplane.provenance import Provenance, refuse_folders, refuse_missing_data

__all__ = ["Commands", "planned_study", "python_command"]


def planned_study(config: Mapping[str, Any], files: Sequence[str], modules: str) -> Study:
    """The study of a config that Snakemake has read.

    Args:
        config: the keys of all files together; of equal keys, Snakemake takes the last.
        files: the config files, none if the keys were given on the command line.
        modules: the folder that jobs import infoplane from, "" for the installed package.

    Raises:
        UserError: the config, the data that it names or a folder cannot be used.
    """
    source = ", ".join(files) or "--config"
    for file in files:
        from_yaml(Path(file))
    study = resolve(config, source)
    refuse_missing_data(study, source)
    refuse_folders([modules or ".", os.getcwd(), tempfile.gettempdir(), study.results])
    return study


def python_command(modules: str, in_conda: bool) -> str:
    """How a job starts Python, in the words of a shell.

    Text is UTF-8 wherever a job runs. The user's PYTHONPATH comes behind `modules`. The folder of the study
    is never searched for modules.

    Args:
        modules: the folder that infoplane is imported from, "" for the installed package.
        in_conda: whether jobs have an environment of their own, and not the Python that runs Snakemake.

    >>> python_command("/a clone/src", in_conda=True)
    "PYTHONUTF8=1 PYTHONOPTIMIZE= PYTHONPATH='/a clone/src'${PYTHONPATH:+:$PYTHONPATH} python -P"
    """
    paths = f"PYTHONPATH={shlex.quote(modules)}${{PYTHONPATH:+:$PYTHONPATH}} " if modules else ""
    return f"PYTHONUTF8=1 PYTHONOPTIMIZE= {paths}{'python' if in_conda else shlex.quote(sys.executable)} -P"


class Commands:
    """The commands of the jobs of a study.

    Args:
        provenance: what the files of the study depend on.
        python: how a job starts Python, as `python_command` writes it.
    """

    def __init__(self, provenance: Provenance, python: str) -> None:
        self.study = provenance.study
        self.layout = Layout(self.study)
        self.provenance = provenance
        self.python = python

    def line(
        self,
        stage: str,
        kind: str,
        names: Mapping[str, str],
        inputs: Mapping[str, Iterable[str]],
        outputs: Mapping[str, str] | Sequence[str],
        options: Mapping[str, str],
        named: bool = False,
    ) -> str:
        """A command line, for a shell: options, the spec if there is one, inputs and outputs.

        Args:
            stage: the command of infoplane; names in braces stand for those of the job.
            kind: the kind of the first file that the job writes, a key of `infoplane.layout.FILES`.
            names: the names in the path of that file.
            inputs: paths by the options that take them.
            outputs: paths by the options that take them, or paths that one option takes.
            options: further ones, in which names in braces stand for those of the job.
            named: whether an input stands behind the experiment, or experiment and estimator, that it is of.
        """
        given = {name: [value.format_map(names)] for name, value in options.items()}
        if stage.startswith("recorded "):
            given |= self.recordings(names["experiment"])
        if (spec := self.provenance.spec(kind, names)) is not None:
            given["spec"] = [canonical(spec)]
        for name, paths in inputs.items():
            if name == "after":
                continue
            if words := [behind_names(each, self.study.results) if named else each for each in paths]:
                given[name] = words
        if isinstance(outputs, Mapping):
            given |= {name: [path] for name, path in outputs.items()}
        else:
            given["output"] = [*outputs]
        if kind == "information":
            self.share_replay(given, names)
        lines = (shlex.join([f"--{name}", *values]) for name, values in given.items())
        return " ".join([self.python, "-m", "infoplane.cli", stage.format_map(names), *lines])

    def share_replay(self, given: dict[str, list[str]], names: Mapping[str, str]) -> None:
        """Have the job of the exact information measure what others lack, and their jobs look for it."""
        first, *others = self.layout.measured_together(names["experiment"]) or [""]
        own = names["estimator"]
        if own in others:
            given["ready"] = [ready_of(given["output"][0])]
        for other in others if own == first else []:
            its = {**names, "estimator": other}
            path = os.path.normpath(f"{self.study.results}/{path_of('information', **its)}")
            if not self.provenance.is_current("information", Path(path), its):
                given["spec"].append(canonical(self.provenance.spec("information", its)))
                given["output"].append(ready_of(path))

    def recordings(self, experiment: str) -> dict[str, list[str]]:
        """The files of a recorded experiment, and the name of its inputs.

        They are options and not inputs of a job, because the content of the files counts and not their time.
        """
        recorded = self.study.recorded[experiment]
        return {"files": [*map(str, recorded.paths)], "dataset": [recorded.dataset]}
