"""Saturation is the peak of H(T) as a share of log2 N."""

import numpy as np
from drawings import panels, words
from matplotlib.patches import Polygon

from infoplane.results import load_table

from .study import figure_spec


def test_cells_are_mean_shares(study):
    (axes,) = panels(study.draw(figure_spec("saturation", ("fine", "hourglass"))))
    written = {
        (int(text.get_position()[1]), int(text.get_position()[0]) + 1): text.get_text() for text in axes.texts
    }
    for row, (name, inputs) in enumerate({"fine": 4096, "hourglass": 70_000}.items()):
        for layer, runs in load_table(study.path("phases", name, "exact")).groupby("layer"):
            assert written[row, layer] == f"{runs['peak'].mean() / np.log2(inputs):.2f}"


def test_cells_near_log2_n_are_marked_and_told(study):
    figure = study.draw(figure_spec("saturation", ("hourglass",)))
    phases = load_table(study.path("phases", "hourglass", "exact"))
    near = (phases.groupby("layer")["near_log2_n"].mean() > 0.5).sum()
    (axes,) = panels(figure)
    assert sum(isinstance(patch, Polygon) for patch in axes.patches) == near > 0
    assert "above 0.8 of a sample's" in words(figure)
