"""What Snakemake would do: refuse a bad config in one line, and run no job that nothing asks for."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from infoplane.code import ENGINES, PLUMBING, ROOT, STAGES, TEMPLATES, WORDING, code_of, imports_of
from infoplane.config.kinds import PICTURE
from infoplane.config.study import load_config
from infoplane.layout import FILES, Layout


@pytest.mark.parametrize("name", ["config", "quick"])
def test_configs_ask_for_every_stage(fresh, name):
    jobs = fresh.jobs(f"config/{name}.yaml")
    study = load_config(fresh.folder / "config" / f"{name}.yaml")
    chunks = {name: len(experiment.chunks) for name, experiment in study.experiments.items()}
    layout = Layout(study)

    def number(kind):
        return len({path for name in study.figures for path in layout.drawn_from(name).get(kind, [])})

    joined = len(layout.joins(study.datasets))
    assert jobs == Counter(
        {
            "datasets": len(study.datasets),
            "training": sum(chunks.values()),
            "information": sum(chunks[experiment] for experiment, _ in study.pairs),
            "reliability": number("reliability"),
            "resolution": number("resolution"),
            "levels": number("levels"),
            "merging": number("merging"),
            "activations": number("activations"),
            "statistics_information": len(study.pairs),
            "statistics_accuracy": len(study.experiments),
            "statistics_errors": number("errors"),
            "statistics_tradeoff": number("tradeoff"),
            "statistics_join": joined,
            "statistics_claims": 1,
            "verdicts": 1,
            "pages": joined + 3,
            "figures": len(layout.figures_of(PICTURE)),
            "figures_explorer": len(layout.figures_of(("html",))),
            "figures_film": len(layout.figures_of(("gif",))),
            "index": 1,
        }
    )


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
        "infoplane: study.yaml: line 4: 'figures' occurs twice in one mapping; remove one"
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


def directly_imported(module: str, source: Path) -> set[str]:
    """The modules of infoplane that a module imports, wherever in it."""
    path = source / module.replace(".", "/")
    text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    found = set()
    statement = r"^ *from infoplane(?:\.([\w.]+))? import (\((?:[^)]*)\)|[^\n]*)"
    for package, imported in re.findall(statement, text, re.MULTILINE):
        names = {package, *(f"{package}.{name}".strip(".") for name in re.findall(r"\w+", imported))}
        for name in names - {""}:
            place = source / name.replace(".", "/")
            if place.with_suffix(".py").is_file() or (place / "__init__.py").is_file():
                found.add(name)
    return found


def reached(stage: str, but: set[str], source: Path) -> set[str]:
    """The modules that `code_of` is to name: those that a stage reaches past none left out, and wording."""
    found, waiting = set(), [stage]
    while waiting:
        name = waiting.pop()
        if name not in found and (name in WORDING or not {name, name.partition(".")[0]} & but):
            found.add(name)
            waiting += directly_imported(name, source)
    return found


def name_of(path: Path, source: Path) -> str:
    return ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("stage", sorted({*STAGES.values()}))
def test_stages_are_known_by_the_modules_that_they_reach(stage, engine):
    """An independent walk over the imports: all that a stage rests on, but plumbing and the other engine."""
    other = {name for others in ENGINES for name in ENGINES[others] if others != engine}
    but = PLUMBING | other | ({"datasets"} if stage != STAGES["dataset"] else set())
    files = code_of(stage, but - PLUMBING)
    tracked = {name_of(path, ROOT) for path in files if path.suffix == ".py"}
    assert tracked == reached(stage, but, ROOT)
    assert stage in tracked


@pytest.mark.parametrize(
    ("stage", "template"),
    [("figures.drawing", "explorer.js"), ("pages", "table.html"), ("pages.index", "index.css")],
)
def test_pages_are_known_by_their_templates_too(stage, template):
    assert template in {path.name for path in code_of(stage)}


def test_what_an_editor_leaves_beside_templates_changes_no_digest(tmp_path):
    for name in (
        "__init__.py",
        "page.html",
        "page.html~",
        ".page.html",
        ".DS_Store",
        "page.css",
        "page.html.orig",
    ):
        (tmp_path / "pages" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "pages" / name).touch()
    assert {path.name for path in code_of("pages", root=tmp_path)} == {"__init__.py", "page.css", "page.html"}


def test_every_template_is_of_a_known_format():
    """Else its stage would not be made again after it changes."""
    folders = {path.parent for path in ROOT.rglob("*.py")} - {ROOT}
    beside = {path for folder in folders for path in folder.glob("*.*") if path.suffix != ".py"}
    tracked = {path for path in beside if path.suffix in TEMPLATES}
    assert {"index.html", "index.css", "table.js", "d3.LICENSE.txt"} <= {path.name for path in tracked}
    packed = subprocess.run(["git", "ls-files", ROOT], cwd=ROOT, capture_output=True, text=True).stdout
    known = {ROOT / line for line in packed.splitlines()}
    assert not (beside & known) - tracked


def test_the_index_takes_no_words_from_plumbing():
    """Words of modules that its digest leaves out would stay as they were."""
    words = {
        f"infoplane.{name}" for name in imports_of("pages.index") if name in PLUMBING and name != "config"
    }
    assert words == {
        f"infoplane.{name}" for name in ("artifacts", "code", "digests", "errors", "recognition")
    }


def test_plumbing_and_engines_are_modules():
    """None of the names has gone stale."""
    for name in PLUMBING.union(*ENGINES.values()):
        path = ROOT.joinpath(*name.split("."))
        assert path.with_suffix(".py").exists() or path.is_dir(), name
    assert not any((ROOT / f"{name}.py").exists() and name not in PLUMBING for name in ("verify", "status"))


def test_every_kind_of_artifact_is_made_by_a_stage():
    assert STAGES.keys() == FILES.keys()
