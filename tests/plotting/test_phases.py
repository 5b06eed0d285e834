"""Prevalence as a plot of one's own."""

import numpy as np
import pandas as pd
import pytest
import simulation
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import infoplane
from infoplane.errors import UserError
from infoplane.plotting.phases import PALE_INK, PREVALENCE, colour_of, ink_on, luminance
from infoplane.statistics.phases import phases


def table(name: str = "relu") -> pd.DataFrame:
    bad = pd.Series(pd.NA, range(6), dtype="boolean")
    found = phases(simulation.information(range(6), 1200, 50), 4096, simulation.H_Y, [], bad, sample=False)
    spec = {"training": simulation.TRAINING | {"record_every": 50}, "estimator": {"kind": "exact"}}
    found.attrs["spec"] = spec
    return found


def test_a_row_for_each_table_and_a_cell_for_each_layer():
    one = table()
    axes = infoplane.plot_phases({"first": one, "second": one}, Figure().subplots(), phase="compression")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["first", "second"]
    counts = one.groupby("layer")["compresses"].sum()
    assert [text.get_text() for text in axes.texts] == [f"{count}/6" for count in counts] * 2
    for layers in ([5, 6], (6, 5), np.array([5, 6]), pd.Series([5, 6])):
        drawn = infoplane.plot_phases(one, Figure().subplots(), layers=layers).texts
        assert [text.get_text() for text in drawn] == [f"{counts[layer]}/6" for layer in (5, 6)]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([9], "no layer 9; the table holds 1, 2, 3, 4, 5, 6"),
        ([1, 0], "no layer 0; the table holds 1, 2, 3, 4, 5, 6"),
        (["conv"], "no layer 'conv'; the table holds 1, 2, 3, 4, 5, 6"),
        ([], "layers: there are none; name some, or leave them out to show all"),
        (3, "layers: 3 is given, expected numbers of layers from 1"),
    ],
)
def test_layers_that_are_in_no_table_are_refused(layers, message):
    with pytest.raises(UserError) as caught:
        infoplane.plot_phases({"one": table(), "other": table()}, Figure().subplots(), layers=layers)
    assert str(caught.value) == message


def test_a_layer_of_one_table_is_a_cell_of_its_row():
    short = table().query("layer < 5")
    short.attrs = table().attrs
    axes = infoplane.plot_phases({"deep": table(), "short": short}, Figure().subplots(), layers=[4, 6])
    assert len(axes.texts) == 3


def test_other_tables_are_refused():
    with pytest.raises(UserError, match="the table holds no phases"):
        infoplane.plot_phases(simulation.information(range(2), 100, 10), Figure().subplots())
    with pytest.raises(UserError, match=r"^the table has no rows; give phases of an experiment"):
        infoplane.plot_phases(table()[:0], Figure().subplots())


@pytest.mark.parametrize("phase", ["fitting", "compression"])
@pytest.mark.parametrize("name", ["layer", "compression", "peak", "near_log2_n", "repetition"])
def test_columns_of_other_values_are_refused(phase, name):
    expected = "True and False" if name == "near_log2_n" else "numbers"
    with pytest.raises(UserError, match=f"^the table holds 'x' in the column {name}, expected {expected}; "):
        infoplane.plot_phases(table().assign(**{name: "x"}), Figure().subplots(), phase=phase)
    with pytest.raises(UserError, match=f"^the table has no column {name}; give|holds no phases"):
        infoplane.plot_phases(table().drop(columns=name), Figure().subplots(), phase=phase)
    if name in ("layer", "repetition"):
        with pytest.raises(UserError, match=f"^the table lacks numbers in the column {name}; give phases"):
            infoplane.plot_phases(table().assign(**{name: np.nan}), Figure().subplots(), phase=phase)


def test_a_spec_of_another_version_is_refused():
    other = table()
    other.attrs["spec"] = other.attrs["spec"] | {"estimator": {"kind": "psychic"}}
    with pytest.raises(UserError, match=r"^the table: was made by .* from a spec that this version does not"):
        infoplane.plot_phases(other, Figure().subplots())


def test_more_runs_are_darker_in_grey_too():
    shades = np.array([luminance(PREVALENCE(share)) for share in np.linspace(0, 1, 101)])
    assert (np.diff(shades) < 0).all()
    assert shades[0] > 2 * shades[75] > 4 * shades[100]


def test_undecided_is_paler_than_shows_and_lacks():
    shows, lacks, undecided = (
        luminance(colour_of(k, 50, status)) for k, status in ((50, "shows"), (0, "lacks"), (25, "mixed"))
    )
    assert shows < 0.1 < 0.5 < lacks < 0.7 < undecided


@pytest.mark.parametrize("status", ["shows", "lacks", "mixed"])
def test_numbers_stand_out(status):
    for k in range(51):
        colour = colour_of(k, 50, status)
        ink = luminance(to_rgb(ink_on(colour) if status != "mixed" else PALE_INK))
        low, high = sorted([ink, luminance(colour)])
        assert (high + 0.05) / (low + 0.05) >= 4.5


@pytest.mark.parametrize(("k", "n"), [(4, 4), (0, 3)])
def test_too_few_runs_are_pale(k, n):
    full, pale = to_rgb(PREVALENCE(k / n)), colour_of(k, n, "too few")
    assert all(one > other for one, other in zip(pale, full, strict=True))
