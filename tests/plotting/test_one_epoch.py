"""Tables of a single epoch, as of a recorder after its first call, drawn to the last step."""

import io
import warnings

import numpy as np
import pandas as pd
import pytest
import simulation
from matplotlib.figure import Figure

import infoplane

LABELS = np.arange(4096) % 2


def table(epoch: int, runs: int) -> pd.DataFrame:
    """Information of some runs at one epoch."""
    return simulation.information(range(runs), 400, 20).query(f"epoch == {epoch}")


def saved(axes) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes.get_figure().savefig(file)
    return file.getvalue()


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("epoch", [-1, 0])
class TestOneEpoch:
    @pytest.mark.parametrize("quantity", ["i_xt", "distinct"])
    def test_curves_are_points_with_a_marker(self, epoch, runs, quantity):
        axes = infoplane.plot_curves(table(epoch, runs), quantity, Figure().subplots())
        assert saved(axes)
        lines = axes.lines[:6]
        assert all(line.get_xdata().tolist() == [epoch + 1] for line in lines)
        assert all(line.get_markevery() == [0] for line in lines)

    @pytest.mark.parametrize("colour", ["epoch", "layer"])
    def test_planes(self, epoch, runs, colour):
        assert saved(infoplane.plot_plane(table(epoch, runs), Figure().subplots(), colour=colour))

    @pytest.mark.parametrize("phase", ["fitting", "compression"])
    def test_phases(self, epoch, runs, phase):
        measured = infoplane.phases(table(epoch, runs), LABELS)
        assert saved(infoplane.plot_phases(measured, Figure().subplots(), phase=phase))
