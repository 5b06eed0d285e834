"""Scales of epochs, colours and markers."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure

from infoplane.plotting.axes import EPOCHS, epoch_axis, epoch_norm, epoch_ticks, layer_style


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


def axis_of(width: float, epochs: int, prefit: int = 0) -> tuple[dict[int, str], list]:
    """Texts of an axis of epochs that is so many inches wide, by their places, and where they are drawn."""
    figure = Figure((width + 1, 2))
    axes = figure.add_axes((0.5 / (width + 1), 0.3, width / (width + 1), 0.6))
    epoch_axis(axes, epochs, prefit)
    figure.canvas.draw()
    shown = [(place, text) for place, text in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)]
    shown = [(int(place), text) for place, text in shown if text.get_text()]
    return {place: text.get_text() for place, text in shown}, [text.get_window_extent() for _, text in shown]


@pytest.mark.parametrize("width", [0.6, 1, 1.3, 2, 3, 6])
@pytest.mark.parametrize(("epochs", "prefit"), [(8000, 0), (30_000, 0), (1200, 0), (8000, 1000), (60, 300)])
def test_texts_of_epochs_never_touch(width, epochs, prefit):
    texts, boxes = axis_of(width, epochs, prefit)
    assert texts[epochs] == str(epochs) and (width < 1 or len(texts) > 2)
    assert all(right.x0 - left.x1 > 1 for left, right in pairwise(boxes))


def test_wide_axes_name_every_power_and_narrow_ones_fewer():
    assert [*axis_of(6, 8000)[0].values()] == ["init", "1", "10", "100", "1000", "8000"]
    assert [*axis_of(1.3, 8000)[0].values()] == ["init", "10", "100", "8000"]


def test_the_end_of_a_prefit_part_is_the_number_of_its_epochs():
    for width in (1, 2, 6):
        texts, _ = axis_of(width, 8000, 1000)
        assert texts[0] == "1000"
