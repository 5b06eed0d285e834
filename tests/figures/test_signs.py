"""Cells say how often estimates agree with the exact value."""

from drawings import panels

from infoplane.plotting.phases import observation_of
from infoplane.results import load_table
from infoplane.statistics.signs import signs

from .study import figure_spec


def test_cells_are_the_shares_of_the_table(study):
    names, estimators = ("fine", "tanh"), ("coarse", "rebinned")
    figure = study.draw(figure_spec("signs", names, estimators))
    axes = panels(figure)[0]
    told = signs(
        [
            observation_of(name, by, load_table(study.path("phases", name, by)))
            for name in names
            for by in ("exact", *estimators)
        ]
    ).query("layer == 0")
    texts = {
        (int(text.get_position()[1]), int(text.get_position()[0])): text.get_text() for text in axes.texts
    }
    assert len(texts) == 3 * 2  # two experiments, and all
    for column, estimator in enumerate(estimators):
        for row, (name, bits) in enumerate([("fine", "8"), ("tanh", "8"), ("", "all")]):
            own = (told[["experiment", "estimator", "bits"]] == [name, estimator, bits]).all(axis=1)
            (cell,) = told[own].to_dict("records")
            share, ends = texts[row, column].split("\n")
            assert share == f"{100 * cell['prevalence']:.0f} %"
            assert ends == f"{100 * cell['lower']:.0f}–{100 * cell['upper']:.0f}"
