"""What Snakemake has no public way for, besides what `infoplane.reruns` does: each with its reason."""


# Snakemake limits how many jobs start in a second, and for that looks at all waiting jobs every second: once more with
# each job that has ended, after seventy of them at the cost of a quarter of a core. On one machine there is nothing to
# limit.
onstart:
    if workflow.local_exec:
        internal(workflow.scheduler, "job_rate_limiter")
        workflow.scheduler.job_rate_limiter = None


# Starting Python takes longer than most jobs of a small study: `infoplane run --in-process` has them run in this one. The
# functions that Snakemake makes of rules look for `shell` here.
if "INFOPLANE_IN_PROCESS" in os.environ:
    from infoplane.in_process import run_here as shell
