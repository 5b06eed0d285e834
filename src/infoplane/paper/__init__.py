"""Paper of a study: a PDF, set by Typst from a template that reads every number from the tables by a key."""

import json
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from infoplane.artifacts import written_aside
from infoplane.config.kinds import PICTURE
from infoplane.config.study import Study, load_config
from infoplane.errors import UserError
from infoplane.export import PROVENANCE, copy, joins_of_export
from infoplane.layout import Layout, pair_of, path_of
from infoplane.paper.facts import facts
from infoplane.provenance import refuse_missing_recordings
from infoplane.refusals import refuse_other_suffix
from infoplane.statistics.joins import join_phases

__all__ = ["write_paper"]

MAIN, FACTS, PAPER = "paper.typ", "study.json", "paper.pdf"
TEMPLATE = Path(__file__).with_name("template")


def write_paper(
    config: Path,
    output: Path | None = None,
    template: Path | None = None,
    results: Path | None = None,
) -> Path:
    """Write the paper of a study that has been run to its end.

    Typst sees a folder with the template, the tables (csv), the figures (svg) and `study.json`, and nothing
    else: no network, and no fonts but those that it carries. The bytes of the PDF depend on these files and
    on the version of Typst alone.

    Args:
        config: the config file of the study.
        output: the PDF; `paper.pdf` in the folder of results unless given.
        template: a folder whose files replace those of the template, or are added to them.
        results: the folder of tables and figures, such as that of an exported study; the folder of results
            that the config names unless given.

    Returns:
        The path of the PDF.

    Raises:
        UserError: Typst is not installed; the output is no PDF; recordings, a table or a figure are missing;
            a key selects no row of its table; or no sentence of the template fits a verdict.
    """
    typst = imported()
    study = load_config(config)
    if results is not None:
        study = replace(study, results=str(results))
    output = output or Path(study.results, PAPER)
    refuse_other_suffix(output, ".pdf", "a paper")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        collect(study, config, template, folder)
        try:
            pdf = typst.compile(str(folder / MAIN), root=str(folder), ignore_system_fonts=True, timestamp=0)
        except typst.TypstError as error:
            raise UserError(reason(error, study.results)) from error
    with written_aside(output) as aside:
        aside.write_bytes(pdf)
    return output


def imported() -> Any:
    try:
        import typst
    except ImportError as error:
        raise UserError(
            "typst, which typesets papers, is not installed; pip install 'infoplane[paper]'"
        ) from error
    return typst


def collect(study: Study, config: Path, template: Path | None, folder: Path) -> None:
    """Copy the template, the tables and the figures into a folder, and write what else the template reads."""
    layout, results = Layout(study), Path(study.results)
    tables = tables_of(layout, config)
    shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True)
    if template is not None:
        if not template.is_dir():
            raise UserError(
                f"{template}: is no folder; name one with a {MAIN}, or with other files of the template"
            )
        shutil.copytree(template, folder, dirs_exist_ok=True)
    for table in tables:
        copy(results / table, folder / table)
    join_missing_phases(layout, folder)
    for name in layout.figures_of(PICTURE):
        path = f"figures/{name}.svg"
        # Typst names a missing figure where the template shows it
        if (results / path).is_file():
            copy(results / path, folder / path)
    text = json.dumps(facts(study, layout, config), ensure_ascii=False)
    (folder / FACTS).write_text(text, encoding="utf-8")


def tables_of(layout: Layout, config: Path) -> list[str]:
    """The paths of the tables (csv) that a study has at its end; of an exported one, what the export has.

    Raises:
        UserError: recordings, which tell what tables there are, are missing or not right.
    """
    results = Path(layout.study.results)
    is_exported = (results / PROVENANCE).is_file()
    if not is_exported:
        refuse_missing_recordings(layout.study, str(config))
    joins = layout.joins(layout.study.inputs)
    tables = [each for each in (*joins, *layout.verdicts()) if each.endswith(".csv")]
    left_out = {*joins} - {*joins_of_export(layout)} if is_exported else set[str]()
    return [each for each in tables if each not in left_out or (results / each).is_file()]


def join_missing_phases(layout: Layout, folder: Path) -> None:
    """Write the joined phases that are missing in a folder.

    An exported study has phases run by run alone, those of claims and of figures.
    """
    results = Path(layout.study.results)
    for dataset in layout.study.inputs:
        names = {"dataset": dataset, "table": "phases"}
        exported = [results / path for path in layout.joined(names) if (results / path).is_file()]
        joined = folder / path_of("joined", **names)
        if exported and not joined.is_file():
            join_phases({pair_of(path, "phases"): path for path in exported}, joined)


def reason(error: Any, results: str) -> str:
    """Why the template could not be set, in one line.

    Args:
        error: of Typst.
        results: the folder of results.
    """
    message = " ".join(error.message.split())
    if missing := re.match(r"file not found \(searched at .*?/((?:statistics|figures)/[^)]*)\)", message):
        return f"{Path(results, missing[1])}: missing; run the workflow to its end first"
    if said := re.match(r'(?:assertion failed|panicked with): "?(.*?)"?$', message):
        message = said[1].replace('\\"', '"')
    places = re.findall(r"([\w.-]+\.typ:\d+)", error.diagnostic)
    return f"{places[-1] if places else MAIN}: {message}"
