"""Single runs are ranked by their distance to the mean."""

import numpy as np
import pandas as pd
import pytest
from drawings import panels

from infoplane.figures.runs import distances as distances_of
from infoplane.results import load_table

from .study import figure_spec


def test_from_the_run_nearest_to_the_mean_to_the_farthest(study):
    titles = [axes.get_title() for axes in panels(study.draw(figure_spec("runs")))]
    single = load_table(study.path("information", "fine", "exact"))
    curves = single.set_index(["repetition", "epoch", "layer"])[["i_xt", "i_ty"]]
    apart = ((curves - curves.groupby(["epoch", "layer"]).mean()) ** 2).sum(axis=1)
    of_epochs = apart.groupby(["repetition", "epoch"]).mean().unstack()
    distances = np.sqrt(trapezoid_rule(of_epochs)).sort_values()
    for title, place, name in zip(
        titles, [0, 2, 4, 5], ["best", "middle", "second-worst", "worst"], strict=True
    ):
        assert title.startswith(f"{name}: repetition {distances.index[place]}, ")
        assert f"{distances.iloc[place]:.2f} bit" in title


def trapezoid_rule(values):
    """Means over epochs; the first and the last one count for a whole gap."""
    gaps = np.diff(values.columns)
    weights = np.concatenate([gaps[:1], (gaps[:-1] + gaps[1:]) / 2, gaps[-1:]])
    return (values * weights).sum(axis=1) / weights.sum()


def test_runs_are_ranked_alike_by_fewer_epochs():
    """Of a run that is off for long, and one that is off at many recorded epochs, soon over."""
    index = pd.MultiIndex.from_product(
        [range(2), range(-1, 1000), [1]], names=["repetition", "epoch", "layer"]
    )
    epochs = index.get_level_values("epoch")
    off = np.where(index.get_level_values("repetition") == 0, epochs < 100, epochs >= 500).astype(float)
    single = pd.DataFrame({"i_xt": off, "i_ty": 0.0}, index).reset_index()
    mean = pd.DataFrame(0.0, pd.Index(range(-1, 1000), name="epoch"), pd.Index([1], name="layer"))
    some = np.unique(np.geomspace(1, 1001, 60).astype(int)) - 2
    for chosen in (mean.index, some):
        its = mean.loc[chosen]
        found = distances_of(single[single["epoch"].isin(chosen)], its, its)
        assert found.index.tolist() == [0, 1]
        assert found.to_dict() == pytest.approx({0: 0.1**0.5, 1: 0.5**0.5}, rel=0.05)


def test_a_failed_run_is_not_shown(study):
    titles = [axes.get_title() for axes in panels(study.draw(figure_spec("runs", ("failed",))))]
    assert len(titles) == 4 and not any("repetition 2," in title for title in titles)


@pytest.mark.parametrize(("experiment", "names"), [("single", ["best"])])
def test_no_run_is_shown_twice(study, experiment, names):
    titles = [axes.get_title() for axes in panels(study.draw(figure_spec("runs", (experiment,))))]
    assert [title.split(":")[0] for title in titles] == names
