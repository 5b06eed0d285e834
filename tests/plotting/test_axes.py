"""Scales of epochs, colours and markers."""

from itertools import pairwise

import numpy as np
import pytest

from infoplane.plotting.axes import EPOCHS, epoch_norm, epoch_ticks, layer_style


def test_later_epochs_are_lighter_in_grey_too():
    linear = EPOCHS(range(EPOCHS.N))[:, :3] ** 2.2
    assert (np.diff(linear @ [0.2126, 0.7152, 0.0722]) > 0).all()


@pytest.mark.parametrize("epochs", [1, 2, 5, 60, 400, 3000, 8000, 30000])
def test_scale_is_logarithmic_and_covers_all_epochs(epochs):
    norm = epoch_norm(epochs)
    assert norm(-1) == 0 and (epochs == 1 or norm(epochs - 1) == 1)
    if epochs > 1000:
        places = np.asarray(norm(np.array([0, 9, 99, 999])))
        np.testing.assert_allclose(np.diff(places), np.diff(places)[0])


@pytest.mark.parametrize("epochs", [1, 2, 5, 9, 10, 60, 99, 100, 400, 3000, 8000])
def test_ticks_begin_before_the_first_step_and_end_with_the_last_epoch(epochs):
    ticks = [*epoch_ticks(epochs)]
    assert ticks[0] == 0 and ticks[-1] == epochs and (np.diff(ticks) > 0).all()
    assert all(later / earlier >= 2.5 for earlier, later in pairwise(ticks[1:]))


def test_layers_of_deep_networks_differ_in_colour_or_marker():
    styles = [layer_style(place) for place in range(64)]
    assert len({(style["color"], style["marker"]) for style in styles}) == 64
