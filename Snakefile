from snakemake.utils import min_version

min_version("9.27")


report: "workflow/report/study.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/information.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/pages.smk"
include: "workflow/rules/internals.smk"


rule all:
    """Everything in the config: figures, claims, and the joined tables of every data set (the default target)."""
    default_target: True
    input:
        below_results(layout.targets()),


rule claims:
    """The verdicts on the claims of the paper, and the cells that they rest on."""
    input:
        below_results(layout.verdicts()),


rule paper:
    """The figures of the paper, main and A to F, and the statistics that they show."""
    input:
        below_results(layout.figures_in("main", *"ABCDEF")),


rule synthetic:
    """Figures and joined tables of the experiments on the synthetic data set."""
    input:
        below_results(layout.figures_on("synthetic") + layout.joins_on("synthetic")),


rule mnist:
    """Figures and joined tables of the experiments on MNIST."""
    input:
        below_results(layout.figures_on("mnist") + layout.joins_on("mnist")),


rule figure_main:
    """Main figures: information planes of networks of 8 bits."""
    input:
        below_results(layout.figures_in("main")),


rule figure_a:
    """Figures of appendix A: information planes of float32 networks, binned."""
    input:
        below_results(layout.figures_in("A")),


rule figure_b:
    """Figures of appendix B: information over epochs, and planes of single runs."""
    input:
        below_results(layout.figures_in("B")),


rule figure_c:
    """Figures of appendix C: information planes of networks of 4 bits and of float32 networks."""
    input:
        below_results(layout.figures_in("C")),


rule figure_d:
    """Figures of appendix D: information planes of networks that first fitted shuffled labels."""
    input:
        below_results(layout.figures_in("D")),


rule figure_e:
    """Figures of appendix E: information planes of the other networks on MNIST."""
    input:
        below_results(layout.figures_in("E")),


rule figure_f:
    """Figures of appendix F: training and test accuracy of every experiment."""
    input:
        below_results(layout.figures_in("F")),
