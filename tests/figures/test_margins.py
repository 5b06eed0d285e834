"""Verdicts against margins: a cell for each, the words of the table in them."""

import pandas as pd
import pytest
from drawings import panels, words

from infoplane.errors import UserError
from infoplane.figures.drawing import write_figure

from .study import MARGINS, figure_spec


def test_cells_are_the_verdicts(study):
    (axes,) = panels(study.draw(figure_spec("margins")))
    table = study.margins()
    written = [text.get_text() for text in axes.texts]
    told = table["verdict"].replace({"too few runs": "few runs", "no data": "–"})
    assert written == told.tolist()
    assert [label.get_text() for label in axes.get_xticklabels()] == MARGINS
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "C1  published, bins",
        "C1  controlled, bins",
        "C3  published, logits",
    ]


def test_the_margin_that_decides_stands_out(study):
    (axes,) = panels(study.draw(figure_spec("margins")))
    weights = {label.get_text(): label.get_fontweight() for label in axes.get_xticklabels()}
    assert [name for name, weight in weights.items() if weight == "bold"] == ["0.1 bit"]


def test_a_study_without_claims_says_so(study, tmp_path):
    empty = study.margins().iloc[:0]
    empty.to_csv(tmp_path / "margins.csv", index=False)
    spec = figure_spec("margins")
    write_figure(spec, {"margins": {"study": [tmp_path / "margins.csv"]}}, [tmp_path / "a.png"])
    assert (tmp_path / "a.png").exists()


def test_another_table_is_refused(tmp_path):
    pd.DataFrame({"claim": ["C1"]}).to_csv(tmp_path / "claims.csv", index=False)
    with pytest.raises(UserError, match=r"has no column margin; give margins\.csv"):
        write_figure(
            figure_spec("margins"), {"margins": {"study": [tmp_path / "claims.csv"]}}, [tmp_path / "a.png"]
        )


def test_words_say_what_the_columns_are(study):
    assert "compression that counts, at least" in words(study.draw(figure_spec("margins")))
