from snakemake.utils import min_version

min_version("9.27")

# A --configfile is a study of its own: Snakemake would merge it into the default one.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/study.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/information.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/figures.smk"


rule all:
    default_target: True
    input:
        expand("<results>/statistics/{table}.csv", table=["information", "phases", "fits"]),
        expand("<results>/figures/{figure}.{format}", figure=study.figures, format=["pdf", "png"]),
