"""What Snakemake would do: refuse a bad config in one line, and run no job that nothing asks for."""

import ast
import re
from itertools import product
from pathlib import Path

import pytest

from infoplane.code import PLUMBING, TORCH, code_of
from infoplane.config.study import load_study


@pytest.mark.parametrize("name", ["config", "quick"])
def test_configs_ask_for_every_stage(fresh, name):
    jobs = fresh.jobs(f"config/{name}.yaml")
    study = load_study(fresh.folder / "config" / f"{name}.yaml")
    chunks = {name: len(experiment.chunks) for name, experiment in study.experiments.items()}
    shown = {
        kind: {
            pair
            for figure in study.figures.values()
            if figure.kind == kind
            for pair in product(figure.experiments, figure.estimators or [""])
        }
        for kind in ("tradeoff", "errors", "merging", "reliability", "levels")
    }
    of_figures = {
        "statistics_tradeoff": len(shown["tradeoff"]),
        "statistics_errors": len(shown["errors"]),
        "merging": len(shown["merging"]),
        "reliability": sum(chunks[experiment] for experiment, _ in shown["reliability"]),
        "levels": sum(chunks[experiment] for experiment, _ in shown["levels"]),
    }
    correlated = {study.experiments[experiment].dataset for experiment, _ in shown["tradeoff"]}
    joined = 2 * 4 + len(correlated)
    assert jobs == {rule: count for rule, count in of_figures.items() if count} | {
        "datasets": 2,
        "training": sum(chunks.values()),
        "information": sum(chunks[experiment] for experiment, _ in study.pairs),
        "statistics_information": len(study.pairs),
        "statistics_accuracy": len(study.experiments),
        "statistics_join": joined,
        "statistics_claims": 1,
        "pages": joined + 2,
        "figures": len(study.figures),
    }


def test_default_config_is_used_where_none_is_given(fresh):
    fresh.edit(lambda config: config.update(results="elsewhere"))
    assert " elsewhere/figures/plane.pdf" in fresh.snakemake("--dry-run").stdout
    assert " results/figures/main-relu.pdf" in fresh.snakemake("--dry-run", config=None).stdout


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda config: config["defaults"].update(epocs=3),
            "study.yaml: defaults.epocs: unknown key; did you mean 'epochs'?",
        ),
        (
            lambda config: config["experiments"]["relu"].update(activation="rellu"),
            "study.yaml: experiments.relu.activation: 'rellu' is unknown; did you mean 'relu'?",
        ),
        (
            lambda config: config["figures"]["plane"].update(estimators=["exat"]),
            "study.yaml: figures.plane.estimators: 'exat' is unknown; did you mean 'exact'?",
        ),
        (
            lambda config: config["defaults"].update(repetitions=0),
            "study.yaml: defaults.repetitions: 0 is refused; it must be greater than 0",
        ),
        (
            lambda config: config.pop("experiments"),
            "study.yaml: experiments: missing; add it",
        ),
    ],
)
def test_bad_config_is_one_line(fresh, change, line):
    fresh.edit(change)
    run = fresh.snakemake()
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == f"infoplane: {line}"
    assert "Traceback" not in run.stdout + run.stderr and "Error" not in run.stdout + run.stderr
    assert not (fresh.folder / "results").exists()


def test_a_repeated_key_is_one_line(fresh):
    """Snakemake would take the last of them."""
    fresh.config.write_text(fresh.config.read_text() + "figures: {}\n")
    run = fresh.snakemake()
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        "infoplane: study.yaml: line 4: 'figures' stands twice in one mapping; remove one"
    )


def test_no_claim_rests_on_a_control(finished):
    finished.edit(lambda config: config["experiments"]["tanh"].update(control=True))
    dry_run = finished.snakemake("--dry-run", "claims").stdout
    assert "relu/exact/phases" in dry_run and "tanh/exact/phases" not in dry_run


def test_dropped_trajectories_are_temporary(fresh):
    def dropped() -> list[str]:
        return re.findall(r"Would remove temporary output (.*)", fresh.snakemake("--dry-run").stdout)

    assert not dropped()
    fresh.edit(lambda config: config.update(trajectories="drop"))
    chunks = ("relu/0-1", "relu/2-2", "tanh/0-1")
    assert sorted(dropped()) == [f"results/training/{chunk}.safetensors" for chunk in chunks]


def imported(module: str, source: Path) -> set[str]:
    """All modules of infoplane that one of them rests on, itself included, wherever they are imported."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            path = source / name.replace(".", "/")
            text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
            nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
            names = [node.module.removeprefix("infoplane.") for node in nodes if node.module]
            waiting += [
                name for name, node in zip(names, nodes, strict=True) if node.module.startswith("infoplane.")
            ]
    return found


def test_rules_track_the_modules_of_their_stage(fresh):
    """Every module that the numbers of a stage depend on, but those that read what other stages wrote."""
    source = fresh.folder / "src" / "infoplane"
    rules = fresh.folder / "workflow" / "rules"
    readers = imported("datasets", source) - imported("kernels.random", source)
    for rule, stage in {
        "training": "training",
        "information": "information.estimate",
        "reliability": "information.reliability",
        "levels": "information.levels",
        "merging": "information.merging",
    }.items():
        assert f'code=code_for("{stage}")' in (rules / f"{rule}.smk").read_text()
        tracked = {name_of(path, source) for path in code_of(stage, {"datasets"}, source)}
        assert tracked == imported(stage, source) - PLUMBING - readers
        by_kernels = {name_of(path, source) for path in code_of(stage, {"datasets", *TORCH}, source)}
        assert tracked - by_kernels <= TORCH and by_kernels <= tracked and "kernels.layers" in by_kernels
    readers |= {"trajectory", "statistics.chunks"}
    for stage in ("statistics", "figures"):
        modules = {f"{stage}.{path.stem}" for path in (source / stage).glob("*.py")} | {stage}
        listed = re.findall(r'"src/infoplane/(.*)\.py"', (rules / f"{stage}.smk").read_text())
        modules |= {name.replace("/", ".") for name in listed}
        assert imported(stage, source) - PLUMBING <= modules | readers


def name_of(path: Path, source: Path) -> str:
    return ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
