"""What Snakemake has no public way for: each with its reason, and refused in one line where it has gone."""

import snakemake
from snakemake.io import IOFile


def internal(owner, name):
    """An attribute that no documentation of Snakemake names."""
    if not hasattr(owner, name):
        raise WorkflowError(
            f"infoplane: Snakemake {snakemake.__version__} has no {type(owner).__name__}.{name}; "
            "install snakemake>=9.27,<10"
        )
    return getattr(owner, name)


# Snakemake limits how many jobs start in a second, and for that looks at all waiting jobs every second: once more with
# each job that has ended, after seventy of them at the cost of a quarter of a core. On one machine there is nothing to
# limit.
onstart:
    if workflow.local_exec:
        internal(workflow.scheduler, "job_rate_limiter")
        workflow.scheduler.job_rate_limiter = None


# Results that Snakemake has no record of, it takes for current, whatever they were made from. What kernels have trained
# and measured says so itself, and better than any record: it is current wherever it comes from, as long as spec, data
# and version of the kernels are equal. So jobs whose files say something else are forced, and the records of files that
# tell are not compared.
KINDS = {"training": "history", "information": "information"}
# Another workflow that has this one as a module may have renamed its rules.
SELF_DESCRIBING = {internal(workflow, "modifier").modify_rulename(name): kind for name, kind in KINDS.items()}


def is_settled(kind, names):
    """Whether the files of a job tell that they are current; if they do not, or have no record, it is forced."""
    files = [os.path.normpath(f"{study.results}/{path}") for path in layout.made_with(kind, names)]
    describes_itself = provenance.describes_itself(kind, names)
    outdated = []
    for file in filter(os.path.exists, files):
        if describes_itself or internal(workflow.persistence, "metadata")(IOFile(file)) is None:
            outdated += [] if provenance.is_current(kind, Path(file), names) else [file]
    internal(workflow.dag, "forcefiles").update(outdated)
    for name in ("params_changed", "input_changed", "code_changed", "software_stack_changed"):
        changed = internal(workflow.persistence, name)
        if changed.__name__ == name:
            setattr(workflow.persistence, name, of_others(changed))
    if internal(workflow.dag, "bfs").__name__ == "bfs":
        workflow.dag.bfs = before_ancient(workflow.dag.bfs)
    return describes_itself and not outdated


def of_others(changed):
    """What has changed since a job ran, or nothing if its files tell."""

    def compared(job, file=None):
        kind = SELF_DESCRIBING.get(job.rule.name)
        describes_itself = kind and provenance.describes_itself(kind, dict(job.wildcards.items()))
        return () if describes_itself else changed(job, file=file)

    return compared


# Of a job that comes after one that runs, Snakemake does not look whether it has changed itself: it would run anyway. But
# it does not run if files between the two are ancient, and would stay as it was. So the search for jobs that come after
# others ends at such files.
def before_ancient(bfs):
    def searched(direction, *jobs, **options):
        after = direction is internal(workflow.dag, "depending")
        return bfs(NotAncient(direction) if after else direction, *jobs, **options)

    return searched


class NotAncient:
    """Jobs that come after others by files that are not ancient, or not there."""

    def __init__(self, depending):
        self.depending = depending

    def __getitem__(self, job):
        found = self.depending[job].items()
        return {
            other: files
            for other, files in found
            if not all(f.is_ancient and os.path.exists(f) for f in files)
        }


# Starting Python takes longer than most jobs of a small study: `infoplane run --in-process` has them run in this one. The
# functions that Snakemake makes of rules look for `shell` here.
if "INFOPLANE_IN_PROCESS" in os.environ:
    from infoplane.in_process import run_here as shell
