"""Numbers in texts are those of the tables, and sentences that rest on a verdict hold."""

import re
from pathlib import Path

import pandas as pd
import pytest

from infoplane import UserError
from infoplane.artifacts import write_csv
from infoplane.texts import broken_conditions, renew, with_quotations

ROOT = Path(__file__).parents[1]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture
def tables(tmp_path):
    write_csv(
        tmp_path / "cells.csv",
        pd.DataFrame(
            {"layer": [4, 5], "compress": [7, 18], "runs": 20, "mean": [0.24, 1.4567], "change": -0.5}
        ),
    )
    write_csv(
        tmp_path / "claims.csv", pd.DataFrame({"claim": ["C1", "C2"], "verdict": ["supported", "mixed"]})
    )
    return tmp_path


def quoted(query, form, value="?"):
    return f"before <!-- quote {query} | {form} -->{value}<!-- end --> after"


@pytest.mark.parametrize(
    ("query", "form", "value"),
    [
        ("cells.csv layer=5", "{compress} of {runs}", "18 of 20"),
        ("cells.csv layer=5", "{mean:.2f} bit", "1.46 bit"),
        ("cells.csv layer=4 runs=20", "{mean}", "0.24"),
        (
            "cells.csv layer=4",
            "relu-8bit loses {change} bit, {change:.1f} to -1",
            "relu-8bit loses −0.5 bit, −0.5 to −1",
        ),
        ("claims.csv claim=C2", "{verdict}", "mixed"),
    ],
)
def test_quotation_is_written_anew(tables, query, form, value):
    assert with_quotations(quoted(query, form), tables) == quoted(query, form, value)
    assert with_quotations(quoted(query, form, value), tables) == quoted(query, form, value)


@pytest.mark.parametrize(
    ("query", "form", "complaint"),
    [
        ("cells.csv layer=6", "{mean}", "cells.csv layer=6: matches 0 rows of cells.csv"),
        ("cells.csv runs=20", "{mean}", "cells.csv runs=20: matches 2 rows of cells.csv"),
        ("cells.csv lair=5", "{mean}", "has no column lair; use one of layer, compress, runs, mean, change"),
        ("cells.csv layer=5", "{median}", "{median}: cannot be filled in"),
        ("cells.csv layer=5", "{mean:d}", "{mean:d}: cannot be filled in"),
        ("other.csv layer=5", "{mean}", "other.csv: missing"),
    ],
)
def test_a_quotation_of_nothing_is_one_line(tables, query, form, complaint):
    with pytest.raises(UserError) as caught:
        with_quotations(quoted(query, form), tables)
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


def test_rows_become_a_table(tables):
    text = "<!-- rows cells.csv runs=20 | layer = T{layer} | lost = {mean:.2f} bit -->old<!-- end -->"
    table = "\n| layer | lost |\n|---|---|\n| T4 | 0.24 bit |\n| T5 | 1.46 bit |\n"
    assert with_quotations(text, tables) == text.replace("old", table)
    with pytest.raises(UserError, match="layer: is not a column of a table; write heading = format"):
        with_quotations(text.replace(" = T{layer}", ""), tables)


def test_a_cross_table_names_its_rows_and_columns(tables):
    names = ["relu", "tanh"]
    cells = pd.DataFrame({"experiment": [*names, "relu"], "layer": [4, 4, 5], "k": [7, 9, 18], "runs": 20})
    write_csv(tables / "cells.csv", cells)
    form = "experiment: ReLU = relu; tanh = tanh | layer: T5 = 5; T4 = 4\n | {k} of {runs}"
    text = f"<!-- cross cells.csv runs=20\n | {form} -->old<!-- end -->"
    table = "\n|  | T5 | T4 |\n|---|---|---|\n| ReLU | 18 of 20 | 7 of 20 |\n| tanh | – | 9 of 20 |\n"
    assert with_quotations(text, tables) == text.replace("old", table)
    for wrong, complaint in (
        (("T4 = 4", "T4 = 6"), "cells.csv runs=20 layer=6: matches no row"),
        (("T4 = 4", "4"), "4: is not a named value; write NAME = value"),
        ((" | {k}", "{k}"), "is not a cross table"),
        ((" = relu", " = relu,tanh"), "matches 2 rows"),
        (("tanh = tanh", "ReLU = tanh"), "two values have one name"),
    ):
        with pytest.raises(UserError, match=complaint):
            with_quotations(text.replace(*wrong), tables)


def test_a_query_has_a_name(tables):
    text = "<!-- let RUNS = cells.csv runs=20 --><!-- let FIFTH = RUNS layer=5 -->"
    quotations = quoted("FIFTH", "{mean:.1f}") + "<!-- rows RUNS layer=5,4,6 | T = {layer} --><!-- end -->"
    written = with_quotations(text + quotations, tables)
    assert ">1.5<" in written and "| T |\n|---|\n| 4 |\n| 5 |\n<" in written
    (line,) = broken_conditions(f"{text}<!-- holds FIFTH | mean = 2 -->", tables)
    assert line == "cells.csv runs=20 layer=5: mean is 1.4567, but the text holds for 2"


def test_a_file_is_inserted(tables):
    (tables / "verdicts.md").write_text("| C1 |\n")
    text = "<!-- insert verdicts.md --><!-- end --> <!-- quote cells.csv layer=5 | {runs} -->?<!-- end -->"
    written = text.replace(" --><!-- end --> ", " -->\n| C1 |\n<!-- end --> ").replace("?", "20")
    assert with_quotations(text, tables) == written == with_quotations(written, tables)
    with pytest.raises(UserError, match=r"other\.md: cannot be read"):
        with_quotations("<!-- insert other.md --><!-- end -->", tables)


def test_sentence_fails_with_its_verdict(tables):
    condition = "<!-- holds claims.csv claim=C1 | verdict = {} -->"
    assert [*broken_conditions(condition.format("supported"), tables)] == []
    (line,) = broken_conditions(condition.format("refuted"), tables)
    assert line == "claims.csv claim=C1: verdict is supported, but the text holds for refuted"
    with pytest.raises(UserError, match="has no column verdikt"):
        [*broken_conditions("<!-- holds claims.csv claim=C1 | verdikt = mixed -->", tables)]


def test_a_condition_speaks_of_every_row_and_of_numbers(tables):
    def broken(condition):
        return [*broken_conditions(f"<!-- holds cells.csv {condition} -->", tables)]

    assert (
        broken("layer=4,5 | runs = 20")
        == broken("layer=5 | mean > 1.4")
        == broken("layer=5 | mean < 2")
        == []
    )
    assert broken("layer=5 | mean > 2") == ["cells.csv layer=5: mean is 1.4567, but the text holds for > 2"]
    assert len(broken("layer=4,5 | runs = 21")) == 2
    with pytest.raises(UserError, match="matches no row of layer=7"):
        broken("layer=4,7 | runs = 20")


def test_texts_are_renewed_in_place(tables):
    text = tables / "text.md"
    text.write_text(
        quoted("cells.csv layer=5", "{runs}") + "<!-- holds claims.csv claim=C2 | verdict = new -->"
    )
    (line,) = renew(tables, [text])
    assert line.startswith(f"{text}: claims.csv claim=C2")
    assert ">20<" in text.read_text()


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_no_quotation_breaks_its_paragraph(path):
    """In Markdown, a comment at the beginning of a line ends the paragraph before it."""
    assert not re.search(r"^ *<!-- quote", path.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_numbers_of_the_docs_are_those_of_their_tables(path):
    """After the tables in docs/results change: python -m infoplane.texts docs/results README.md docs/*.md."""
    text = path.read_text(encoding="utf-8")
    assert with_quotations(text, ROOT / "docs" / "results") == text
    assert [*broken_conditions(text, ROOT / "docs" / "results")] == []
