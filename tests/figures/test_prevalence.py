"""Prevalence is how many runs fit and compress, in panels of one scale."""

from drawings import panels, words
from matplotlib.patches import Polygon

from infoplane.results import load_table

from .study import figure_spec


def numbers(axes) -> dict[tuple[int, int], str]:
    """What is written in the cells, by row and layer."""
    return {
        (int(text.get_position()[1]), int(text.get_position()[0]) + 1): text.get_text() for text in axes.texts
    }


def test_cells_say_how_many_runs_do_it(study):
    fitting, compression = panels(study.draw(figure_spec("prevalence", ("fine", "tanh"))))
    for row, name in enumerate(("fine", "tanh")):
        phases = load_table(study.path("phases", name, "exact"))
        for layer, runs in phases.groupby("layer"):
            assert numbers(compression)[row, layer] == f"{runs['compresses'].sum()}/6"
            ceiling = runs["headroom"].mean() <= 0.01
            assert numbers(fitting)[row, layer] == ("–" if ceiling else f"{runs['fits'].sum()}/6")


def test_experiments_are_grouped_by_protocol(study):
    figure = study.draw(figure_spec("prevalence", ("fine", "hourglass", "tanh")))
    titles = [axes.get_title().replace("\n", " ") for axes in panels(figure)]
    assert titles == [
        f"runs that {phase} protocol {protocol}"
        for protocol in ("published", "controlled")
        for phase in ("fit", "compress")
    ]
    rows = [label.get_text() for label in panels(figure)[0].get_yticklabels()]
    assert rows == ["ReLU, 8 bits", "tanh, 8 bits"]


def test_several_estimators_are_rows_and_experiments_groups(study):
    figure = study.draw(figure_spec("prevalence", ("fine", "tanh"), ("exact", "coarse")))
    assert len(panels(figure)) == 4
    assert [label.get_text() for label in panels(figure)[2].get_yticklabels()] == [
        "exact",
        "30 bins, global range",
    ]


def test_cells_near_log2_n_are_marked_and_told(study):
    figure = study.draw(figure_spec("prevalence", ("hourglass",)))
    phases = load_table(study.path("phases", "hourglass", "exact"))
    near = (phases.groupby("layer")["near_log2_n"].mean() > 0.5).sum()
    for axes in panels(figure):
        assert sum(isinstance(patch, Polygon) for patch in axes.patches) == near > 0
    assert r"near $\log_2 N$" in words(figure)


def test_one_scale_and_one_bar_for_all(study):
    figure = study.draw(figure_spec("prevalence", ("fine", "hourglass")))
    assert [axes.get_label() for axes in figure.axes].count("<colorbar>") == 1


def test_layers_are_those_asked_for(study):
    for axes in panels(study.draw(figure_spec("prevalence", layers=(2, 6)))):
        assert [label.get_text() for label in axes.get_xticklabels()] == ["$T_{2}$", "$T_{6}$"]
