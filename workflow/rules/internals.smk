"""What Snakemake has no public way for: each with its reason, and refused in one line where it has gone."""

import snakemake


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
# and version of the kernels are equal. So jobs whose files say something else are forced, and of files that tell no
# record is compared.
def outdated_is_forced(rule):
    """An input of no files, whose function forces the job where its files are outdated."""
    kind = KINDS[rule.name]

    def current(wildcards):
        names = dict(wildcards.items())
        ignore_records(workflow.persistence)
        for file in (pattern.apply_wildcards(wildcards) for pattern in rule.output):
            recorded = internal(workflow.persistence, "metadata")(file) is not None
            asked = os.path.exists(file) and (provenance.tells(kind, names) or not recorded)
            if asked and not provenance.is_current(kind, Path(file), names):
                internal(workflow.dag, "forcefiles").add(file)
        return []

    return current


def ignore_records(persistence):
    """Have no records compared of results that tell."""
    recorded = internal(persistence, "has_metadata")
    if recorded.__name__ == "is_compared":
        return

    def is_compared(job):
        told = job.rule.name in KINDS and provenance.tells(KINDS[job.rule.name], dict(job.wildcards.items()))
        return not told and recorded(job)

    persistence.has_metadata = is_compared


for each in workflow.rules:
    if each.name in KINDS:
        internal(each, "set_input")(current=outdated_is_forced(each))
