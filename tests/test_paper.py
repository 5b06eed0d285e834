"""The paper of a study says what its tables say, and is not made where it would say something else."""

import json
import re
import shutil
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from observations import seen
from paper_study import config_of, write_others, write_study
from phase_files import write_phases
from recorded_runs import save_runs

from infoplane.artifacts import describe, write_table
from infoplane.cli import main
from infoplane.config.study import load_config
from infoplane.errors import UserError
from infoplane.layout import Layout
from infoplane.paper import write_paper
from infoplane.paper.facts import facts
from infoplane.statistics.joins import join_prevalence, write_claims
from infoplane.statistics.settings import COLUMNS

pypdf = pytest.importorskip("pypdf")
pytest.importorskip("typst")

RELU, TANH = "synthetic-relu-8bit", "synthetic-tanh-8bit"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    config = config_of(tmp_path_factory.mktemp("paper"))
    return config, write_study(config)


@pytest.fixture(scope="module")
def paper(study):
    return pypdf.PdfReader(write_paper(study[0]))


@pytest.fixture(scope="module")
def text(paper):
    return words("\n".join(page.extract_text() for page in paper.pages))


def words(text: str) -> str:
    """A text as one line, with the spaces, hyphens and letters of a keyboard."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text))


def table(study, name: str) -> pd.DataFrame:
    return pd.read_csv(Path(study[1].results, "statistics", name))


def cell(study, experiment: str, layer: int, by: str = "exact", phase: str = "compression") -> pd.Series:
    """A cell, found by pandas."""
    wanted = {"experiment": experiment, "estimator": by, "layer": layer, "phase": phase}
    rows = table(study, "synthetic/prevalence.csv")
    return rows[(rows[[*wanted]] == pd.Series(wanted)).all(axis=1)].iloc[0]


@pytest.fixture
def changed(study, tmp_path):
    """Another study with the same tables, which a test may change."""
    config = config_of(tmp_path)
    shutil.copytree(study[1].results, tmp_path / "results", ignore=shutil.ignore_patterns("*.pdf"))
    return config


def edit(config: Path, name: str, where: dict[str, object], **values: object) -> None:
    path = config.parent / "results" / "statistics" / name
    rows = pd.read_csv(path)
    chosen = (rows[[*where]] == pd.Series(where)).all(axis=1)
    assert chosen.any()
    for column, value in values.items():
        # so that whole numbers beside an empty entry stay whole
        rows[column] = rows[column].astype(object)
        rows.loc[chosen, column] = value
    rows.to_csv(path, index=False)


def refused(config: Path, **options: Path) -> str:
    with pytest.raises(UserError) as error:
        write_paper(config, **options)
    assert "\n" not in str(error.value)
    assert not (config.parent / "results" / "paper.pdf").exists()
    return str(error.value)


def test_it_has_four_to_eight_pages(paper):
    assert 4 <= len(paper.pages) <= 8


def test_it_has_all_its_parts(text):
    titles = ["Abstract", "Question", "Method", "Results", "Verdicts", "Provenance", "References"]
    assert all(title in text for title in titles)
    assert "Left out" not in text and "We train" in text


@pytest.mark.parametrize("experiment", [RELU, TANH])
def test_numbers_are_those_of_the_tables(study, text, experiment):
    hidden = cell(study, experiment, 5)
    assert f"{hidden['k']} of {hidden['n']} runs" in text
    assert f"[{100 * hidden['lower']:.0f}, {100 * hidden['upper']:.0f}]" in text
    assert f"{hidden['mean']:.2f} bit".replace("-", "−") in text
    for by in ("exact", "rebinned", "softmax"):
        output = cell(study, experiment, 6, by)
        assert f"{output['mean']:.2f} [{output['mean_lower']:.2f}, {output['mean_upper']:.2f}]" in text


def test_numbers_of_the_config_and_of_all_tables_together_are_told(study, text):
    trained = study[1].trained.values()
    networks = sum(its.repetitions for its in trained)
    assert f"{networks:,} networks in {len(trained)} experiments" in text
    checked = [table(study, f"{name}/violations.csv") for name in study[1].inputs]
    compared = pd.concat(checked).query("estimator == 'exact'")["compared"].sum()
    assert f"In {compared:,} comparisons" in text
    assert "commit" in text and "numpy" in text and "ab" * 8 in text


def test_settings_are_those_of_the_experiments_that_claims_rest_on_and_of_the_others(study, text):
    counted = [its.spec for its in study[1].trained.values() if not its.control]
    others = [its.spec for its in study[1].trained.values() if its.control]
    settings = {(its.optimizer, its.learning_rate, its.batch_size) for its in counted}
    assert settings == {("adam", 1e-4, 256)}
    assert re.search(r"\(Table 2\) are trained with Adam \(learning rate 10.4\), in batches of 256\.", text)
    assert {its.optimizer for its in others} == {"adam", "sgd"}
    sizes = [its.batch_size for its in others if its.batch_size != "whole"]
    batches = f"batches of {min(sizes):,} to {max(sizes):,} or of the whole training set"
    said = f"{len(others)} experiments are controls and ablations, with networks that are trained with Adam"
    assert re.search(rf"{said} \(learning rate.*? or SGD \(learning rate.*? to .*?in {batches}", text)


def test_verdicts_are_those_of_the_table(study, text):
    for _, its in table(study, "claims.csv").iterrows():
        assert re.search(rf"{its['claim']} {its['reading']}.*?{its['verdict']}", text)


def test_figures_have_their_captions(text, study):
    caption = words(study[1].figures["output-readings"].caption)
    assert "I(X;T)" in caption and caption.replace(" ", "") in text.replace(" ", "")
    assert "Estimators: exact; re-binned; quantized on [0, 1], output layer." in text


def test_every_float_is_cited(text):
    for kind in ("Table", "Figure"):
        captions = {*re.findall(rf"{kind} (\d+): ", text)}
        assert captions and captions == {*re.findall(rf"{kind} (\d+)\b(?!:)", text)}


def test_equal_tables_give_equal_bytes(study, changed, tmp_path):
    text = study[0].read_text()
    again = write_paper(study[0], tmp_path / "again.pdf")
    assert again.read_bytes() == Path(study[1].results, "paper.pdf").read_bytes()
    assert study[0].read_text() == text


def test_an_exported_study_says_what_made_it(study, tmp_path):
    folder = shutil.copytree(study[1].results, tmp_path / "exported")
    made = {"commit": "c0ffee" * 6, "config_sha256": "5a" * 32, "engine": 7}
    (folder / "provenance.json").write_text(json.dumps(made))
    pages = pypdf.PdfReader(write_paper(study[0], tmp_path / "exported.pdf", results=folder)).pages
    text = words(pages[-2].extract_text() + pages[-1].extract_text())
    assert "SHA-256 5a5a" in text and "commit c0ffee" in text and "version 7" in text


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"{",
        bytes(range(256)),
        b"[1, 2]",
        b"null",
        b'{"commit": "c0ffee"}',
        b'{"commit": 3, "config_sha256": "5a", "engine": 1}',
    ],
)
def test_an_export_that_does_not_say_what_made_it_is_named(changed, told):
    path = changed.parent / "results" / "provenance.json"
    path.write_bytes(told)
    assert refused(changed) == f"{path}: does not say what the study was made by; export the study again"


@pytest.mark.parametrize("spec", [{"training": {}}, {"estimator": None}, {"estimator": {"kind": "exact"}}])
def test_means_of_which_nothing_is_said_are_named(changed, spec):
    path = next((changed.parent / "results").rglob("aggregates.parquet"))
    write_table(path, pd.DataFrame({"epoch": [0]}), describe("aggregates", spec))
    assert refused(changed).startswith(f"{path}: was made by infoplane ")


def test_a_table_without_a_row_is_named(changed):
    edit(changed, "synthetic/prevalence.csv", {"experiment": RELU, "estimator": "rebinned"}, estimator="x")
    error = refused(changed)
    assert "synthetic/prevalence.csv: experiment=synthetic-relu-8bit estimator=rebinned" in error
    assert "selects 0 rows" in error


def test_a_table_without_a_column_is_named(changed):
    path = changed.parent / "results" / "statistics" / "synthetic" / "prevalence.csv"
    pd.read_csv(path).drop(columns="estimator").to_csv(path, index=False)
    assert f"{path}: has no column estimator" in refused(changed)


@pytest.mark.parametrize("name", ["statistics/mnist/prevalence.csv", "figures/main-relu.svg"])
def test_a_missing_file_is_named(changed, name):
    path = changed.parent / "results" / name
    path.unlink()
    assert refused(changed) == f"{path}: missing; run the workflow to its end first"


def test_a_flipped_verdict_changes_the_sentence(study, changed):
    sentences = {
        "supported": "the output compresses in most runs of every experiment",
        "refuted": "the output shows no compression in most runs of some experiments",
    }
    reading = {"claim": "C3", "protocol": "published", "reading": "logits"}
    for verdict, sentence in sentences.items():
        edit(changed, "claims.csv", reading, verdict=verdict)
        pages = pypdf.PdfReader(write_paper(changed)).pages
        text = words(pages[0].extract_text())
        assert f"When the output is read as the quantized logits, {sentence}" in text


def first_page(config: Path) -> str:
    """The first page, with the abstract."""
    return words(pypdf.PdfReader(write_paper(config)).pages[0].extract_text())


def test_a_mixed_verdict_says_of_no_cell_what_none_shows(changed):
    edit(changed, "claims.csv", {"claim": "C3", "reading": "logits"}, verdict="mixed", shows=0)
    edit(changed, "claims.csv", {"claim": "C3", "reading": "rebinned"}, verdict="mixed", shows=2)
    edit(changed, "claims.csv", {"claim": "C5", "protocol": "published"}, verdict="mixed", shows=0)
    edit(changed, "claims.csv", {"claim": "C5", "protocol": "controlled"}, verdict="mixed", shows=2)
    text = first_page(changed)
    assert "logits, it remains open whether the output compresses in most runs of every experiment" in text
    assert "code, the output compresses in most runs of some experiments, but it remains open" in text
    assert "published protocol, exact counting of quantized networks does not confirm" in text
    assert "tanh networks for any layer, but leaves some layers open" in text
    assert "under the controlled one, exact counting of quantized networks confirms" in text
    assert "tanh networks, for some layers but not for all" in text


@pytest.mark.parametrize(
    ("verdict", "end", "without"),
    [("refuted", " until the end of training", "supported"), ("supported", "", "left open")],
)
def test_what_rests_on_layers_near_log2_n_is_said(changed, verdict, end, without):
    other = "mixed" if without == "left open" else without
    reading = {"claim": "C3", "protocol": "published"}
    edit(changed, "claims.csv", reading, verdict="mixed", verdict_not_near_log2_n="mixed", decisive="x/y T1")
    by = {"verdict": verdict, "verdict_not_near_log2_n": other, "decisive": "mnist-4x10-8bit/exact T5"}
    edit(changed, "claims.csv", reading | {"reading": "logits"}, **by)
    layer = {"experiment": "mnist-4x10-8bit", "layer": 5}
    edit(changed, "mnist/prevalence.csv", layer, near_log2_n=True)
    pages = pypdf.PdfReader(write_paper(changed)).pages
    rest = f"whose output distinguishes nearly all inputs{end}; without such layers, the claim is {without}."
    first, text = words(pages[0].extract_text()), words("\n".join(page.extract_text() for page in pages))
    assert f"This verdict rests on networks {rest}" in first
    assert f"This verdict rests on networks (4x10 on MNIST) {rest}" in text
    assert f"C3 logits (published) is {without} instead of {verdict}" in text
    assert re.search(rf"C3 logits {verdict} .{{0,40}}{other}n", text)
    assert "n The verdict without cells" in text


def test_networks_near_log2_n_are_said_to_decide(changed):
    reading = {"claim": "C6", "protocol": "published", "reading": "networks/codes"}
    edit(changed, "claims.csv", reading, verdict="supported", verdict_not_near_log2_n="refuted")
    assert "compress in no hidden layer (C6) is refuted instead of supported." in first_page(changed)


def test_nothing_is_said_of_layers_near_log2_n_where_they_decide_nothing(text):
    assert "rest on cells near" not in text and "without such layers" not in text
    assert "The verdict without" not in text and "Fragile" not in text


def test_claims_on_which_the_protocols_agree_are_sentences(changed):
    for claim in ("C1", "C4", "C6"):
        edit(changed, "claims.csv", {"claim": claim}, verdict="supported")
    edit(changed, "claims.csv", {"claim": "C2"}, verdict="supported")
    for protocol, verdict in {"published": "refuted", "controlled": "supported"}.items():
        edit(changed, "claims.csv", {"claim": "C5", "protocol": protocol}, verdict=verdict)
    text = first_page(changed)
    assert "The two protocols agree on four of the claims. Different ways of binning contradict" in text
    assert "Every layer that has something left to fit shows a fitting phase. How much hidden" in text
    assert "Some hidden layers show no compression in most runs. Under the published" in text


def test_networks_that_memorise_are_said_to_be_later(changed):
    said = "peaks at epoch 4,151 (ReLU) and 4,151 (tanh) with shuffled labels, but at 155 and 155"
    assert said.replace(" ", "") in whole(changed).replace(" ", "")
    edit(changed, "synthetic/phases.csv", {"experiment": "memorised-tanh"}, fitting_peak_epoch=0)
    assert "fewer epochs left" not in whole(changed)


def test_a_mixed_verdict_on_fitting_says_whether_layers_lack_it(changed):
    edit(changed, "claims.csv", {"claim": "C2", "protocol": "published"}, verdict="mixed", lacks=0)
    edit(changed, "claims.csv", {"claim": "C2", "protocol": "controlled"}, verdict="mixed", lacks=1)
    text = first_page(changed)
    assert "Under the published protocol, no layer lacks a fitting phase" in text
    assert "under the controlled one, it remains open whether every layer shows a fitting phase: some" in text


def test_no_data_is_no_claim_that_nothing_was_run(changed):
    for claim in ("C2", "C3", "C5"):
        edit(changed, "claims.csv", {"claim": claim}, verdict="no data", ceiling=3)
    text = first_page(changed)
    assert "othing in this study says whether every layer shows a fitting phase" in text
    assert "logits, nothing in this study says whether the output compresses" in text
    assert "nothing was run" not in text


def whole(config: Path) -> str:
    """All pages."""
    return words("\n".join(page.extract_text() for page in pypdf.PdfReader(write_paper(config)).pages))


@pytest.mark.parametrize(("left", "said"), [(10, True), (40, False)])
def test_little_left_to_fit_is_said_where_it_is_so_in_every_layer_that_lacks_the_phase(changed, left, said):
    edit(changed, "claims.csv", {"claim": "C2", "protocol": "published"}, verdict="refuted")
    for data in ("synthetic", "mnist"):
        edit(changed, f"{data}/prevalence.csv", {"phase": "fitting"}, status="shows")
    layer = {"experiment": TANH, "estimator": "exact", "layer": 5}
    edit(changed, "synthetic/prevalence.csv", layer | {"phase": "fitting"}, status="lacks", k=10)
    edit(changed, "synthetic/prevalence.csv", layer | {"phase": "fitting_with_headroom"}, k=left, n=left)
    assert ("most of their runs have little left to fit" in whole(changed)) == said


@pytest.mark.parametrize(
    ("number", "words"), [(None, "runs, bad fits are not defined."), (1, "runs, 1 is a bad fit, with")]
)
def test_bad_fits_are_told_where_they_are_defined(changed, number, words):
    edit(changed, "mnist/fits.csv", {"experiment": "mnist-bottleneck-2-8bit"}, bad_fits=number)
    assert words in whole(changed)


ALIKE = """
defaults: {dataset: synthetic, network: shwartz-ziv, activation: relu, bits: 8, record_every: 5,
           repetitions: 6, chunk: 6}
experiments: {short: {epochs: 300}, long: {epochs: 600}, other: {epochs: 300, bits: 4},
              again: {epochs: 600, bits: 4, control: true}}
estimators: {exact: {kind: exact}}
"""


def test_labels_of_experiments_differ(tmp_path):
    config = config_of(tmp_path, ALIKE)
    study = load_config(config)
    told = facts(study, Layout(study), config)
    labels = {name: its["label"] for name, its in told["experiments"].items()}
    assert labels == {
        "short": "ReLU, 8 bits, 300 epochs",
        "long": "ReLU, 8 bits, 600 epochs",
        "other": "ReLU, 4 bits",
        "again": "ReLU, 4 bits, 600 epochs",
    }


def test_an_experiment_of_which_every_run_failed_has_dashes(changed):
    missing = dict.fromkeys(("mean", "mean_lower", "mean_upper", "lower", "upper"))
    failed = {"k": 0, "n": 0, "status": "too few", **missing}
    edit(changed, "synthetic/prevalence.csv", {"experiment": RELU}, **failed)
    edit(changed, "synthetic/fits.csv", {"experiment": RELU}, test_accuracy=None)
    edit(changed, "synthetic/levels.csv", {"experiment": RELU}, levels_mean=None)
    correlation = {"activation": "relu", "scope": "seeds"}
    edit(changed, "synthetic/settings.csv", correlation, rho=None, lower=None, upper=None)
    text = whole(changed)
    assert "the logits of 8-bit ReLU networks lose –, and their re-binned softmax loses –." in text
    assert "in ReLU networks, it compresses in 0 of 0 runs, by –." in text
    assert "in ReLU networks, there are too few runs to judge" in text
    assert "in ReLU networks (– across seeds)" in text


def test_one_of_a_kind_is_singular(changed):
    counts = dict.fromkeys(("shows", "lacks", "mixed", "ceiling"), 1)
    edit(changed, "claims.csv", {"claim": "C2", "protocol": "published"}, **counts)
    near = {"experiment": "mnist-bottleneck-2-8bit", "layer": 1}
    edit(changed, "mnist/prevalence.csv", {"experiment": near["experiment"]}, near_log2_n=False)
    edit(changed, "mnist/prevalence.csv", near, near_log2_n=True)
    text = whole(changed)
    assert "1 shows fitting, 1 lacks it, 1 is mixed, and 1 is at the ceiling" in text
    assert re.search("Layer .{1,3} is near .*: its values reflect the number", text)


def test_a_verdict_without_a_sentence_is_named(changed):
    edit(changed, "claims.csv", {"claim": "C4", "protocol": "controlled"}, verdict="undecided")
    error = refused(changed)
    assert "claim=C4 protocol=controlled reading=codes: is undecided" in error


def test_drawn_tables_have_columns_of_the_statistics(study, tmp_path):
    phases = dict(write_phases(tmp_path, seen(name, runs=6)) for name in ("one", "other"))
    join_prevalence(phases, tmp_path / "prevalence.csv")
    write_claims(phases, *(tmp_path / f"{name}.csv" for name in ("claims", "cells", "margins")))
    for name, drawn in {"prevalence": "synthetic/prevalence.csv", "claims": "claims.csv"}.items():
        assert {*table(study, drawn)} <= {*pd.read_csv(tmp_path / f"{name}.csv")}
    assert {*table(study, "synthetic/settings.csv")} <= {*COLUMNS}


SMALL = """
defaults: {dataset: synthetic, network: shwartz-ziv, activation: relu, epochs: 300, record_every: 5,
           repetitions: 6, chunk: 6}
experiments: {synthetic-relu-8bit: {bits: 8}, synthetic-relu-4bit: {bits: 4}}
estimators: {exact: {kind: exact}}
"""


def test_parts_of_a_small_study_are_left_out_and_named(tmp_path):
    config = config_of(tmp_path, SMALL)
    write_study(config)
    text = words("".join(page.extract_text() for page in pypdf.PdfReader(write_paper(config)).pages))
    assert "Information planes of the study in " in text
    assert "lacks experiments that conclusions on their claims need" in text
    assert "this study does not have synthetic-tanh-8bit" in text
    assert "12 networks in 2 experiments" in text
    assert "read as the quantized logits" not in text
    assert not re.search("We repeat|contributors|Fashion-MNIST|Figures of the study", text)


OWN = (
    SMALL.replace("synthetic-relu", "mine")
    + """
figures: {curves: {kind: curves, category: mine, experiments: [mine-8bit], estimators: [exact]}}
"""
)


def test_a_study_of_ones_own_has_its_figures_and_no_sections_of_the_paper(tmp_path):
    config = config_of(tmp_path, OWN)
    write_study(config)
    text = whole(config)
    assert "Figures of the study" in text and "means over runs, with bands" in text
    assert not re.search("We repeat|Left out|Results", text.replace("results", ""))


def test_recorded_runs_alone_have_a_paper(tmp_path):
    save_runs(tmp_path)
    recorded = f"{{mine: {{recorded: {{files: {tmp_path}/run-*.parquet}}}}}}"
    config = config_of(tmp_path, f"experiments: {recorded}\nestimators: {{exact: {{kind: exact}}}}\n")
    missing = tmp_path / "results" / "statistics" / "recorded" / "information.csv"
    assert refused(config) == f"{missing}: missing; run the workflow to its end first"
    write_others(load_config(config))
    text = whole(config)
    assert "This is a report on 2 recorded runs of 1 experiment." in text
    assert "are trained with" not in text


def test_recordings_that_are_refused_have_no_paper(tmp_path):
    """They tell what tables the study has: without them, none would be missing."""
    recorded = f"{{mine: {{recorded: {{files: {tmp_path}/run-*.parquet}}}}}}"
    config = config_of(tmp_path, f"experiments: {recorded}\nestimators: {{exact: {{kind: exact}}}}\n")
    assert "experiments.mine.recorded: " in refused(config)
    save_runs(tmp_path)
    config.write_text(config.read_text().replace("kind: exact", "kind: adaptive, bins: 9"))
    assert "experiments.mine.recorded: no estimator of the config was recorded" in refused(config)


@pytest.mark.parametrize("name", ["statistics/margins.csv", "statistics/synthetic/phases.csv"])
def test_every_table_of_the_study_must_be_there(changed, name):
    """Those that the paper does not read too; an export alone has no joined phases."""
    path = changed.parent / "results" / name
    path.write_text("")
    assert refused(changed) == f"{path}: is empty; remove it and run the workflow again"
    path.unlink()
    assert refused(changed) == f"{path}: missing; run the workflow to its end first"


def test_an_export_has_no_joined_phases(tmp_path):
    config = config_of(tmp_path, SMALL)
    study = write_study(config)
    (tmp_path / "results" / "provenance.json").write_text(
        json.dumps({"commit": None, "config_sha256": "5a" * 32, "engine": 7})
    )
    Path(study.results, "statistics", "synthetic", "phases.csv").unlink()
    assert "12 networks in 2 experiments" in whole(config)
    Path(study.results, "statistics", "synthetic", "violations.csv").unlink()
    Path(study.results, "paper.pdf").unlink()
    assert "violations.csv: missing" in refused(config)


def test_a_paper_is_a_pdf(study, tmp_path):
    with pytest.raises(UserError, match=r"mine.doc: a paper is written as .pdf; rename the output"):
        write_paper(study[0], tmp_path / "mine.doc")
    assert not (tmp_path / "mine.doc").exists()


def test_a_template_of_ones_own_replaces_ours(changed, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "paper.typ").write_text(
        '#import "tables.typ": *\nMine: #runs(cell("synthetic-relu-8bit", 5))'
    )
    output = tmp_path / "own.pdf"
    given = ["--template", str(tmp_path / "own"), "--output", str(output)]
    assert main(["paper", str(changed), *given]) == 0
    assert re.match(r"Mine: \d+ of 50", words(pypdf.PdfReader(output).pages[0].extract_text()))
    (tmp_path / "own" / "paper.typ").write_text('#import "tables.typ": *\n\n#picture("none")')
    assert "paper.typ:3: none: is not a figure" in refused(changed, template=tmp_path / "own")
    assert "is no folder" in refused(changed, template=tmp_path / "missing")
