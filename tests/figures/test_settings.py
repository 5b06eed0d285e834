"""Points are the means of settings."""

import numpy as np
from drawings import panels, words

from infoplane.results import load_table

from .study import figure_spec


def test_points_are_the_means_over_the_runs_of_settings(study):
    figure = study.draw(figure_spec("settings", ("fine", "prefit", "tanh")))
    assert len(panels(figure)) == 2 * 4
    hidden = panels(figure)[0]
    found = sorted(tuple(np.ravel(container.lines[0].get_xydata())) for container in hidden.containers)
    expected = []
    for name in ("fine", "prefit"):
        runs = load_table(study.path("tradeoff", name, "exact")).query("layer == 5")
        expected.append(tuple(runs[["compression", "test_accuracy"]].mean()))
    np.testing.assert_allclose(found, sorted(expected))


def test_the_reference_and_the_factors_are_told(study):
    said = words(study.draw(figure_spec("settings", ("fine", "prefit"))))
    assert "reference" in said and "prefit epochs" in said and "2 settings, 12 runs" in said


def test_two_settings_have_no_correlation_and_three_have_one(study):
    """The ranks of two are always alike or opposite."""
    two = words(study.draw(figure_spec("settings", ("fine", "prefit"))))
    assert "settings: too few for ρ (n = 2)" in two and "settings: ρ" not in two and "seeds: ρ = " in two
    three = words(study.draw(figure_spec("settings", ("fine", "prefit", "bad"))))
    assert "settings: ρ = " in three and "too few" not in three
    one = words(study.draw(figure_spec("settings", ("single",))))
    assert "seeds: too few for ρ (n = 1)" in one and "settings: too few for ρ (n = 1)" in one


def test_settings_without_a_measure_do_not_count(study):
    """Two of three settings have runs that did not fail."""
    told = words(study.draw(figure_spec("settings", ("fine", "prefit", "none"))))
    assert "settings: too few for ρ (n = 2)" in told
