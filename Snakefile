# The workflow where `snakemake` looks for it; catalogues, modules of other workflows and the wheel take the file itself.
include: "workflow/Snakefile"


# Snakemake forgets the default target of a file that is included.
internal(workflow, "default_target")
workflow.default_target = "all"
