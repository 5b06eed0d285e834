"""Values that no run can have are found."""

import re

import numpy as np
import pytest

from infoplane import UserError
from infoplane.verify.information import check_information
from infoplane.verify.trainings import check_history

from .study import change, set_value


@pytest.mark.parametrize(
    ("name", "to", "fact"),
    [
        ("training/relu/2-2", set_value(test_accuracy=1.01), "0 ≤ test_accuracy ≤ 1"),
        ("training/relu/2-2", set_value(loss=-0.1), "0 ≤ loss"),
        ("training/relu/2-2", lambda table: table[1:], "its rows are not all of its repetitions"),
        ("information/tanh/exact/2-2", lambda table: table[::-1], "its rows are not all of its repetitions"),
        ("information/tanh/exact/2-2", set_value(h_t=7.3, i_xt=7.3), "H(T) ≤ log₂ N"),
        ("information/tanh/exact/2-2", set_value(h_t=0.3), "I(X;T) = H(T)"),
        ("information/tanh/exact/2-2", set_value(distinct=151), "distinct codes ≤ N"),
        ("information/tanh/exact/2-2", set_value(distinct=2), "H(T) ≤ log₂ of the distinct codes"),
        ("information/tanh/exact/2-2", set_value(i_ty=-1e-6), "0 ≤ I(T;Y)"),
        ("information/tanh/exact/2-2", set_value(i_ty=1.1), "I(T;Y) ≤ H(Y)"),
        ("information/tanh/exact/2-2", set_value(h_t=0.1, i_xt=0.1, i_ty=0.2), "I(T;Y) ≤ H(T)"),
        ("information/tanh/exact/2-2", set_value(h_t=np.nan, i_xt=np.nan), "NaN and 0 codes together"),
        ("information/relu/rebinned/2-2", lambda table: hidden(table), "equal to exact in the hidden layers"),
    ],
)  # fmt: skip
def test_values_out_of_bounds_are_found(runs, name, to, fact):
    path = runs / f"{name}.parquet"
    change(path, to)
    with pytest.raises(UserError, match=re.escape(fact)) as error:
        (check_history if "training" in name else check_information)(path)
    assert str(error.value).startswith(f"{path}: ")


def hidden(table):
    table.loc[0, ["h_t", "i_xt"]] -= 0.5
    return table
