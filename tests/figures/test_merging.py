"""Merging shows codes and the bins that they fall into."""

import pandas as pd
import pytest
from drawings import panels, words
from matplotlib.figure import Figure

from infoplane.figures.merging import bins_of, draw_differences
from infoplane.results import load_table

from .study import figure_spec


def test_titles_count_codes_and_bins(study):
    figure = study.draw(figure_spec("merging"))
    assert "repetition 0" in words(figure)
    table = load_table(study.path("merging", "fine"))
    titles = [axes.get_title() for axes in panels(figure) if axes.get_title()]
    assert [title.split("\n")[0] for title in titles] == [
        "after 1 epoch",
        "after 101 epochs",
        "after 401 epochs",
        "after 1151 of 1200 epochs",
    ]
    for title in titles:
        assert title.split("\n")[1].startswith("50 codes, ")
        assert title.split("\n")[2].startswith(f"{table['bin_0'].nunique()} bins, ")


def test_bars_are_the_inputs_of_each_code(study):
    axes = panels(study.draw(figure_spec("merging")))[0]
    codes = load_table(study.path("merging", "fine")).query("epoch == 0")
    bars = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in axes.patches}
    assert bars == dict(zip(codes["code_0"] - codes["code_1"], codes["count"], strict=True))


@pytest.mark.parametrize(
    ("scale", "words"), [(1.7028666494477e28, "1.7e+28"), (0.012345, "0.0123"), (0.5, "0.5")]
)
def test_the_step_of_the_axis_has_three_significant_digits(scale, words):
    codes = pd.DataFrame(
        {"code_0": [0, 3], "code_1": [1, 0], "count": [2, 2], "bin_0": [0, 9], "bin_1": [9, 0]}
    ).assign(scale=scale, softmax_0=[0.2, 0.8], softmax_1=[0.8, 0.2])
    above, below = Figure().subplots(2)
    draw_differences(above, below, codes, bins_of(codes))
    assert below.get_xlabel() == f"$q_0 - q_1$  [step {words}]"
