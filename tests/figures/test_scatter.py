"""Scatter shows every distinct activation of two neurons by class."""

import numpy as np
from drawings import panels

from infoplane.results import load_table

from .study import figure_spec


def test_points_are_the_activations_coloured_by_class(study):
    figure = study.draw(figure_spec("scatter"))
    table = load_table(study.path("activations", "fine"))
    assert [axes.get_title() for axes in panels(figure)] == [
        "after 201 epochs",
        "after 1001 epochs",
        "after 1151 of 1200 epochs",
    ]
    for axes, (_, own) in zip(panels(figure), table.groupby("epoch"), strict=True):
        (points,) = axes.collections
        shown = {
            (*place, label)
            for place, label in zip(map(tuple, points.get_offsets()), points.get_array(), strict=True)
        }
        assert shown == {*zip(own["t_1"], own["t_2"], own["label"], strict=True)}
        assert [text.get_text() for text in axes.texts] == [*"0123456789"]


def test_the_number_of_a_class_stands_in_its_middle(study):
    axes = panels(study.draw(figure_spec("scatter")))[0]
    own = load_table(study.path("activations", "fine")).query("epoch == 200")
    for label, text in enumerate(axes.texts):
        middle = own.loc[own["label"] == label, ["t_1", "t_2"]].quantile(0.5, interpolation="lower")
        np.testing.assert_allclose(text.get_position(), middle)
