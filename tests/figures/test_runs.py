"""Single runs are ranked by their distance to the mean."""

import numpy as np
import pytest
from drawings import panels

from infoplane.results import load_table

from .study import figure_spec


def test_from_the_run_nearest_to_the_mean_to_the_farthest(study):
    titles = [axes.get_title() for axes in panels(study.draw(figure_spec("runs")))]
    single = load_table(study.path("information", "fine", "exact"))
    curves = single.set_index(["repetition", "epoch", "layer"])[["i_xt", "i_ty"]]
    apart = ((curves - curves.groupby(["epoch", "layer"]).mean()) ** 2).sum(axis=1)
    distances = np.sqrt(apart.groupby("repetition").mean()).sort_values()
    for title, place, name in zip(
        titles, [0, 2, 4, 5], ["best", "middle", "second-worst", "worst"], strict=True
    ):
        assert title.startswith(f"{name}: repetition {distances.index[place]}, ")
        assert f"{distances.iloc[place]:.2f} bit" in title


def test_a_failed_run_is_not_shown(study):
    titles = [axes.get_title() for axes in panels(study.draw(figure_spec("runs", ("failed",))))]
    assert len(titles) == 4 and not any("repetition 2," in title for title in titles)


@pytest.mark.parametrize(("experiment", "names"), [("single", ["best"])])
def test_no_run_is_shown_twice(study, experiment, names):
    titles = [axes.get_title() for axes in panels(study.draw(figure_spec("runs", (experiment,))))]
    assert [title.split(":")[0] for title in titles] == names
