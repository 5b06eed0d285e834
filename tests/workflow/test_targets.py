"""What the named targets ask for, in a study of two data sets and in one that lacks what they name."""

import re

import pytest
from conftest import ROOT

CATEGORIES = {
    "figure_main": {"plane", "plane-digits"},
    "figure_a": {"binned"},
    "figure_b": {"curves", "runs"},
    "figure_c": set(),
    "figure_d": {"prefit"},
    "figure_e": set(),
    "figure_f": {"accuracy"},
}
SHOWN = {
    "plane": {"patterns exact"},
    "plane-digits": {"digits exact"},
    "binned": {"patterns uniform"},
    "curves": {"digits exact"},
    "runs": {"patterns exact"},
    "prefit": {"prefit exact"},
    "accuracy": {"patterns", "digits"},
    "ours": {"patterns exact", "patterns rebinned"},
}
DATASETS = {"patterns": "synthetic", "prefit": "synthetic", "digits": "mnist"}
CHUNKS = {"patterns": ["0-1"], "prefit": ["0-1", "2-2"], "digits": ["0-1"]}
TABLES = ["information", "phases", "prevalence", "differences", "fits", "violations"]


def work(figures, pairs=(), accuracies=(), joined=()) -> set[str]:
    """All jobs behind some figures, further tables of pairs and accuracies, and the joins over data sets."""
    shown = set().union(*(SHOWN[figure] for figure in figures), pairs, accuracies)
    jobs = {f"figures {figure}" for figure in figures}
    jobs |= {f"statistics_join {dataset} {table}" for dataset in joined for table in TABLES}
    for names in shown:
        experiment, _, estimator = names.partition(" ")
        chunks = CHUNKS[experiment]
        jobs |= {f"datasets {DATASETS[experiment]}"} | {f"training {experiment} {chunk}" for chunk in chunks}
        if estimator:
            measured = {names, f"{experiment} exact"}  # whose job measures other estimators too
            jobs |= {f"statistics_information {names}"}
            jobs |= {f"information {each} {chunk}" for each in measured for chunk in chunks}
        else:
            jobs |= {f"statistics_accuracy {names}"}
    return jobs


@pytest.mark.parametrize("target", CATEGORIES)
def test_a_category_is_its_figures_and_what_they_show(fresh, target):
    assert fresh.announced(target, config="paper.yaml") == work(CATEGORIES[target])


def test_paper_is_all_of_its_categories_and_nothing_else(fresh):
    paper = work(set().union(*CATEGORIES.values()))
    assert fresh.announced("paper", config="paper.yaml") == paper
    assert not any("ours" in job or "rebinned" in job for job in paper)


@pytest.mark.parametrize(
    ("target", "figures", "pairs"),
    [
        ("synthetic", {"plane", "binned", "runs", "prefit", "ours"}, set()),
        ("mnist", {"plane-digits", "curves"}, {"digits rebinned"}),
    ],
)
def test_a_data_set_is_its_figures_and_tables(fresh, target, figures, pairs):
    experiments = {name for name, dataset in DATASETS.items() if dataset == target}
    announced = fresh.announced(target, config="paper.yaml")
    assert announced == work(figures, pairs, experiments, [target])


def test_all_is_the_default_and_everything(fresh):
    everything = work(SHOWN, {"digits rebinned"}, DATASETS, ["synthetic", "mnist"]) | {"statistics_claims"}
    everything |= {"index", "verdicts", "pages claims", "pages cells", "pages margins"}
    everything |= {f"pages {dataset}/{table}" for dataset in ("synthetic", "mnist") for table in TABLES}
    assert fresh.announced(config="paper.yaml") == everything
    assert fresh.announced("all", config="paper.yaml") == everything


def test_no_table_of_a_data_set_rests_on_another(fresh):
    """Where one of them cannot be had, the others are finished."""
    tables = [f"results/statistics/synthetic/{table}.csv" for table in TABLES]
    assert not any("mnist" in job or "digits" in job for job in fresh.announced(*tables, config="paper.yaml"))


@pytest.mark.parametrize("target", ["mnist", "figure_a", "figure_c", "figure_d", "figure_e"])
def test_a_target_of_nothing_does_nothing(fresh, target):
    assert fresh.announced(target) == set()


def test_a_data_set_is_known_by_its_kind(fresh):
    def renamed(config):
        config["datasets"] = {"few-digits": {"kind": "mnist", "fraction": 0.01}}
        config["experiments"]["relu"] |= {"dataset": "few-digits", "network": "conv"}

    fresh.edit(renamed)
    assert "datasets few-digits" in fresh.announced("mnist")
    assert "datasets few-digits" not in fresh.announced("synthetic")


def test_targets_are_explained(fresh):
    listed = fresh.snakemake("--list-target-rules").stdout
    explained = dict(re.findall(r"^(\w+) \((.*)\)$", listed, re.MULTILINE))
    assert set(explained) == {"all", "paper", "claims", "synthetic", "mnist", *CATEGORIES}
    for letter in "abcdef":
        assert explained[f"figure_{letter}"].startswith(f"Figures of appendix {letter.upper()}: ")
    assert "MNIST" in explained["mnist"] and "default" in explained["all"]


PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("config/*.*"),
    *ROOT.glob("workflow/**/*.yaml"),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_name_targets_before_config_files(page):
    """Snakemake takes all words behind --configfile for config files."""
    commands = re.findall(r"snakemake [^`\n]*--configfile[ =]([^`\n|;&#)]*)", page.read_text())
    for behind in commands:
        words = behind.split(" --")[0].split()
        assert len(words) == 1, behind
