"""Which jobs run again: what Snakemake decides, corrected by what the files of a job tell of themselves.

Snakemake has no public way for this. Every name of its internals that is used here is looked up by
`internal`, which refuses a version of Snakemake that lacks it.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import snakemake
from snakemake.exceptions import WorkflowError
from snakemake.io import IOFile

from infoplane.layout import Layout
from infoplane.provenance import Provenance

__all__ = ["NotAncient", "Reruns", "internal"]

# The rules whose files tell that they are current, and what they write
KINDS = {"training": "history", "information": "information"}
# The comparisons of a job with the record of its last run
COMPARISONS = ("params_changed", "input_changed", "code_changed", "software_stack_changed")


def internal(owner: Any, name: str) -> Any:
    """An attribute that no documentation of Snakemake names.

    Raises:
        WorkflowError: this version of Snakemake does not have it.
    """
    if not hasattr(owner, name):
        raise WorkflowError(
            f"infoplane: Snakemake {snakemake.__version__} has no {type(owner).__name__}.{name}; "
            "install snakemake>=9.27,<10"
        )
    return getattr(owner, name)


class Reruns:
    """The decision which jobs of a study run again.

    Snakemake takes results that it has no record of for current, whatever they were made from. Files that
    kernels have made say themselves what they were made from, and better than any record: they are current
    wherever they come from, as long as spec, data and version of the kernels are equal. So jobs whose files
    say something else are forced, and the records of files that tell are not compared.

    Args:
        workflow: Snakemake's own.
    """

    def __init__(self, workflow: Any, layout: Layout, provenance: Provenance) -> None:
        self.workflow = workflow
        self.layout = layout
        self.provenance = provenance
        # Another workflow that has this one as a module may have renamed its rules.
        renamed = internal(workflow, "modifier").modify_rulename
        self.kinds = {renamed(rule): kind for rule, kind in KINDS.items()}

    def is_settled(self, kind: str, names: Mapping[str, str]) -> bool:
        """Whether the files of a job tell that they are current; a job whose files are outdated is forced.

        Args:
            kind: of the first file of the job, a key of `infoplane.layout.FILES`.
            names: the names in its path.
        """
        self.correct()
        results = self.provenance.study.results
        files = [os.path.normpath(f"{results}/{path}") for path in self.layout.made_with(kind, names)]
        describes_itself = self.provenance.describes_itself(kind, names)
        record_of = internal(self.workflow.persistence, "metadata")
        outdated = [
            file
            for file in filter(os.path.exists, files)
            if (describes_itself or record_of(IOFile(file)) is None)
            and not self.provenance.is_current(kind, Path(file), names)
        ]
        internal(self.workflow.dag, "forcefiles").update(outdated)
        return describes_itself and not outdated

    def is_there(self, kind: str, names: Mapping[str, str]) -> bool:
        """Whether the files of a job are there and tell that they are current."""
        results = self.provenance.study.results
        files = [Path(results, path) for path in self.layout.made_with(kind, names)]
        return self.provenance.describes_itself(kind, names) and all(
            self.provenance.is_current(kind, file, names) for file in files
        )

    def correct(self) -> None:
        """Replace, once, how this run of Snakemake compares records and searches for jobs."""
        for name in COMPARISONS:
            changed = internal(self.workflow.persistence, name)
            if changed.__name__ == name:
                setattr(self.workflow.persistence, name, self.unless_files_tell(changed))
        search = internal(self.workflow.dag, "bfs")
        if search.__name__ == "bfs":
            self.workflow.dag.bfs = self.up_to_ancient(search)

    def unless_files_tell(self, changed: Callable[..., Any]) -> Callable[..., Any]:
        """What has changed since a job ran, or nothing if its files tell."""

        def compared(job: Any, file: Any = None) -> Any:
            kind = self.kinds.get(job.rule.name)
            tell = kind and self.provenance.describes_itself(kind, dict(job.wildcards.items()))
            return () if tell else changed(job, file=file)

        return compared

    def up_to_ancient(self, search: Callable[..., Any]) -> Callable[..., Any]:
        """A search for jobs that come after others which ends at files whose times do not count.

        Snakemake does not look whether a job has changed itself that comes after one that runs: it would run
        anyway. But it does not run if the files between the two are ancient, and would stay as it was.
        """

        def searched(direction: Any, *jobs: Any, **options: Any) -> Any:
            after = direction is internal(self.workflow.dag, "depending")
            return search(NotAncient(direction) if after else direction, *jobs, **options)

        return searched


class NotAncient(Mapping[Any, dict[Any, Any]]):
    """The jobs that come after each job by files that are not ancient, or not there."""

    def __init__(self, depending: Mapping[Any, Mapping[Any, Any]]) -> None:
        self.depending = depending

    def __getitem__(self, job: Any) -> dict[Any, Any]:
        found = self.depending[job].items()
        return {
            other: files
            for other, files in found
            if not all(file.is_ancient and os.path.exists(file) for file in files)
        }

    def __iter__(self) -> Iterator[Any]:
        return iter(self.depending)

    def __len__(self) -> int:
        return len(self.depending)
