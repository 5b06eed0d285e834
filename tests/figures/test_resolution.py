"""Resolution: compression of activations quantized to each number of bits."""

import numpy as np
import pytest
from drawings import panels

from infoplane.figures.resolution import EXACT, compression_by_bits
from infoplane.results import load_table

from .study import figure_spec


def test_compression_is_proportional_to_information(study):
    """Information at b bits is b/16 of that at 16 bits in these tables, and so is compression."""
    table = load_table(study.path("resolution", "fine"))
    means = compression_by_bits(table).groupby(["layer", "bits"])["compression"].mean().unstack()
    for bits in range(1, 17):
        np.testing.assert_allclose(means[bits], means[16] * bits / 16, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(means[EXACT], means[16] * 17 / 16, rtol=1e-9, atol=1e-12)


def test_lines_are_means_and_shares_over_runs(study):
    above, below = panels(study.draw(figure_spec("resolution")))
    runs = compression_by_bits(load_table(study.path("resolution", "fine")))
    for axes, measure in ((above, "compression"), (below, "compresses")):
        lines = [line for line in axes.lines if line.get_label().startswith("$T")]
        for layer, line in enumerate(lines, 1):
            own = runs[(runs["layer"] == layer) & (runs["bits"] < EXACT)].astype({measure: float})
            np.testing.assert_allclose(line.get_ydata(), own.groupby("bits")[measure].mean(), atol=1e-12)
            assert line.get_xdata().tolist() == [*range(1, 17)]


def test_trained_networks_are_points_beside_the_curves_of_their_activation(study):
    spec = figure_spec("resolution", ("fine", "tanh"), trained=("tanh/exact",))
    relu, tanh = panels(study.draw(spec))[:2]
    phases = load_table(study.path("phases", "tanh", "exact"))
    points = {
        line.get_color(): line.get_xydata().tolist() for line in tanh.lines if line.get_fillstyle() == "none"
    }
    assert not [line for line in relu.lines if line.get_fillstyle() == "none"]
    means = phases.groupby("layer")["compression"].mean()
    assert [point for (point,) in points.values()] == [[8, pytest.approx(mean)] for mean in means]
