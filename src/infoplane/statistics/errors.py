"""What estimators get wrong: their distance to the exact value, and information that comes out of nothing."""

import numpy as np
import pandas as pd

from infoplane.statistics.aggregates import INFORMATION
from infoplane.statistics.phases import ROUNDING

__all__ = ["errors", "violations"]

SNAPSHOT = ["repetition", "part", "epoch"]


def errors(binned: pd.DataFrame, exact: pd.DataFrame) -> pd.DataFrame:
    """An estimate less the exact value, of the same activations of the same runs.

    Bins merge codes and part none, so that in every layer both H(T) and I(T;Y) of the bins are at most the
    exact ones (data-processing inequality; Cover & Thomas 2006, Elements of Information Theory, § 2.8,
    https://doi.org/10.1002/047174882X): no error is above 0, but for rounding.

    Args:
        binned: columns repetition, part, epoch, layer, h_t, i_xt, i_ty (bits), distinct; a row for each
            repetition, epoch and layer, in any order.
        exact: the same, seen by the exact estimator.

    Returns:
        The same columns with the differences; NaN where a repetition failed.

    >>> exact = pd.DataFrame({"repetition": 0, "part": "main", "epoch": 5, "layer": [1, 2], "h_t": [3, 2],
    ...                       "i_xt": [3, 2], "i_ty": [1, 1], "distinct": [8, 4]})
    >>> errors(exact.assign(i_xt=[2.5, 2]), exact)["i_xt"].tolist()
    [-0.5, 0.0]
    """
    keys = [*SNAPSHOT, *(name for name in ("layer", "layer_name") if name in binned)]
    estimated, truth = (table.set_index(keys)[INFORMATION] for table in (binned, exact))
    return estimated.sub(truth.reindex(estimated.index)).reset_index()


def violations(information: pd.DataFrame) -> pd.DataFrame:
    """How often a layer seems to know more than the layer before, from which it is computed.

    The data-processing inequality says H(T_{l+1}) ≤ H(T_l) and I(T_{l+1};Y) ≤ I(T_l;Y) of exact values. Of
    estimates each layer has bins of its own, and nothing keeps them from breaking it.

    Args:
        information: columns repetition, part, epoch, layer, h_t, i_ty (bits).

    Returns:
        One row for each quantity, h_t and i_ty:

        - violations: in how many pairs of neighbouring layers, over all repetitions and recorded epochs, the
          quantity rises by more than 10⁻¹² bit.
        - compared: the number of these pairs, but for snapshots that failed.
        - largest: the largest of these rises in bits, 0 where there is none.

    >>> information = pd.DataFrame({"repetition": 0, "part": "main", "epoch": 5, "layer": [1, 2, 3],
    ...                             "h_t": [3, 2, 2.5], "i_ty": [1, 1, 0.5]})
    >>> violations(information).to_numpy().tolist()
    [['h_t', 1, 2, 0.5], ['i_ty', 0, 2, 0.0]]
    """
    rows = []
    for quantity in ("h_t", "i_ty"):
        layers = information.pivot(index=SNAPSHOT, columns="layer", values=quantity)
        rises = np.diff(layers.to_numpy(), axis=1)
        violating = rises[rises > ROUNDING]
        compared = int(np.isfinite(rises).sum())
        rows.append((quantity, len(violating), compared, float(violating.max(initial=0))))
    return pd.DataFrame(rows, columns=["quantity", "violations", "compared", "largest"])
