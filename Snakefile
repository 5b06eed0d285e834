from snakemake.utils import min_version

min_version("9.27")

# A --configfile is a study of its own: Snakemake would merge it into the default one.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


report: "workflow/report/study.rst"


# Snakemake limits how many jobs start in a second, and for that looks at all waiting jobs every second: once more with
# each job that has ended, after seventy of them at the cost of a quarter of a core. On one machine there is nothing to
# limit.
onstart:
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


include: "workflow/rules/study.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/information.smk"
include: "workflow/rules/reliability.smk"
include: "workflow/rules/levels.smk"
include: "workflow/rules/merging.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/pages.smk"
include: "workflow/rules/records.smk"


rule all:
    """Everything in the config: figures, claims, and the joined tables of every data set (the default target)."""
    default_target: True
    input:
        drawn(study.figures),
        tables_on(study.datasets),
        VERDICTS,
        pages_of(tables_on(study.datasets)),
        pages_of(VERDICTS),


rule claims:
    """The verdicts on the claims of the paper, and the cells that they rest on."""
    input:
        VERDICTS,


rule paper:
    """The figures of the paper, main and A to F, and the statistics that they show."""
    input:
        drawn(figures_in("main", *"ABCDEF")),


rule synthetic:
    """Figures and joined tables of the experiments on the synthetic data set."""
    input:
        drawn(figures_on("synthetic")),
        tables_on(datasets_of("synthetic")),


rule mnist:
    """Figures and joined tables of the experiments on MNIST."""
    input:
        drawn(figures_on("mnist")),
        tables_on(datasets_of("mnist")),


rule figure_main:
    """Main figures: information planes of networks of 8 bits."""
    input:
        drawn(figures_in("main")),


rule figure_a:
    """Figures of appendix A: information planes of float32 networks, binned."""
    input:
        drawn(figures_in("A")),


rule figure_b:
    """Figures of appendix B: information over epochs, and planes of single runs."""
    input:
        drawn(figures_in("B")),


rule figure_c:
    """Figures of appendix C: information planes of networks of 4 bits and of float32 networks."""
    input:
        drawn(figures_in("C")),


rule figure_d:
    """Figures of appendix D: information planes of networks that first fitted shuffled labels."""
    input:
        drawn(figures_in("D")),


rule figure_e:
    """Figures of appendix E: information planes of the other networks on MNIST."""
    input:
        drawn(figures_in("E")),


rule figure_f:
    """Figures of appendix F: training and test accuracy of every experiment."""
    input:
        drawn(figures_in("F")),
