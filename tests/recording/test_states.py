"""Checkpoints of a finished training give what a recorder would have recorded."""

import copy
import pathlib

import numpy as np
import pandas as pd
import pytest
import torch
from recorded_models import dense, images, net
from torch import nn

from infoplane import Recorder, UserError, from_states

BINS = {"kind": "uniform", "bins": 4, "range": "global"}


@pytest.fixture(scope="module")
def trained():
    """A network after each of three steps, its states, and what was recorded."""
    inputs, labels = images()
    model = net().train()
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    recorder = Recorder(model, inputs, labels)
    states = {}
    for epoch in (-1, 0, 1):
        if epoch >= 0:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
        recorder.record(epoch)
        states[epoch] = copy.deepcopy(model.state_dict())
    return inputs, labels, states, recorder


def named(state, prefix):
    return {f"{prefix}{name}": value for name, value in state.items()}


@pytest.mark.parametrize(
    "saved",
    [
        lambda state: state,
        lambda state: {"model_state_dict": state, "epoch": 3},
        lambda state: {"state_dict": named(state, "model."), "optimizer_states": []},
        lambda state: {"state_dict": named(state, "model.") | {"loss.weight": torch.ones(3)}},
        lambda state: named(state, "module."),
        lambda state: named(state, "_orig_mod."),
    ],
)
@pytest.mark.parametrize("is_file", [False, True])
def test_states_give_what_was_recorded(tmp_path, trained, saved, is_file):
    inputs, labels, states, recorder = trained
    given = {epoch: saved(state) for epoch, state in states.items()}
    if is_file:
        for epoch, state in given.items():
            torch.save(state, tmp_path / f"{epoch}.pt")
        given = {epoch: str(tmp_path / f"{epoch}.pt") for epoch in given}
    model = net(seed=5).train()
    before = copy.deepcopy(model.state_dict())
    recording = from_states(model, given, inputs, labels)
    pd.testing.assert_frame_equal(recording.table(), recorder.table(), check_exact=True)
    assert recording.history()["epoch"].tolist() == [-1, 0, 1]
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_list_is_of_epochs_from_0(trained):
    inputs, labels, states, _ = trained
    recording = from_states(nn.DataParallel(net()), [*states.values()], inputs, labels, layers="pool")
    assert recording.epochs == [0, 1, 2]


@pytest.mark.parametrize("is_file", [False, True])
@pytest.mark.parametrize("order", [(-1, 0, 1), (1, -1, 0)])
def test_a_list_of_checkpoints_has_their_epochs(tmp_path, trained, is_file, order):
    inputs, labels, states, recorder = trained
    given = [{"state_dict": states[epoch], "epoch": epoch} for epoch in order]
    if is_file:
        for place, state in enumerate(given):
            torch.save(state, tmp_path / f"{place}.pt")
        given = [tmp_path / f"{place}.pt" for place in range(3)]
    recording = from_states(net(), given, inputs, labels)
    pd.testing.assert_frame_equal(recording.table(), recorder.table(), check_exact=True)
    if is_file:
        assert from_states(net(), given[0], inputs, labels).epochs == [order[0]]


def test_two_checkpoints_of_an_epoch_are_refused(trained):
    inputs, labels, states, _ = trained
    given = [{"model": state, "epoch": 3} for state in states.values()]
    with pytest.raises(UserError, match=r"^states: two hold the epoch 3; give a mapping of epochs to state"):
        from_states(net(), given, inputs, labels)
    given[0]["epoch"] = None  # not all have one
    assert from_states(net(), given, inputs, labels).epochs == [0, 1, 2]


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (["epoch1.pt", "epoch10.pt", "epoch2.pt"], "epoch10.pt comes before epoch2.pt"),
        (["0", "1", "10", "11", "9"], "11 comes before 9"),
        (["model.10.tar.gz", "model.9.tar.gz"], "model.10.tar.gz comes before model.9.tar.gz"),
        (["epoch-01.ckpt", "epoch-02.ckpt", "epoch-10.ckpt"], None),
        (["loss-0.51.pt", "loss-0.31.pt"], None),
        (["10-best.pt", "9-best.pt"], None),
        (["step2.pt", "last.pt", "step1.pt"], None),
    ],
)
def test_files_are_in_the_order_of_their_numbers(tmp_path, trained, names, wrong):
    inputs, labels, states, _ = trained
    for name in names:
        torch.save(states[0], tmp_path / name)
    given = [str(tmp_path / name) for name in names]
    if wrong is None:
        recording = from_states(net(), given, inputs, labels, "pool")
        assert recording.epochs == [*range(len(names))]
        return
    with pytest.raises(UserError) as caught:
        from_states(net(), given, inputs, labels)
    assert str(caught.value) == (
        f"states: {wrong}; give the files in the order of their epochs, or a mapping of epochs to files"
    )
    by_epoch = dict(enumerate(given))
    assert from_states(net(), by_epoch, inputs, labels, "pool").epochs == [*range(len(names))]


def test_range_global_is_that_of_all_layers_and_epochs_but_the_first(trained):
    inputs, labels, states, _ = trained
    model = net().eval()
    lows, highs = [], []
    for epoch in (0, 1):
        model.load_state_dict(states[epoch])
        with torch.no_grad():
            first = model.first(inputs)
            pooled = model.pool(torch.relu(model.norm(model.second(torch.relu(first)))))
        lows += [first.min(), pooled.min()]
        highs += [first.max(), pooled.max()]
    ends = float(min(lows)), float(max(highs))
    found = from_states(net(), states, inputs, labels, ["first", "pool"], BINS)
    expected = from_states(net(), states, inputs, labels, ["first", "pool"], BINS | {"range": ends})
    pd.testing.assert_frame_equal(found.table(), expected.table(), check_exact=True)


def test_refusals(tmp_path, trained):
    inputs, labels, states, _ = trained
    (tmp_path / "text.pt").write_text("no state")
    short = {name: value for name, value in states[0].items() if name != "last.bias"}
    wrong = states[0] | {"last.bias": torch.ones(4)}
    for given, message in [
        ([], "states: there are none; give at least one"),
        ([tmp_path / "none.pt"], f"{tmp_path}/none.pt: missing; correct the path"),
        ([tmp_path / "text.pt"], f"{tmp_path}/text.pt: cannot be loaded with weights_only=True; give a file"),
        ([states[0], short], "states: epoch 1: has no last.bias, which is in the model; give states of this"),
        ([wrong], "states: epoch 0: does not fit the model (size mismatch for last.bias"),
        ([{}], "states: epoch 0: has no first.weight"),
        ({-2: states[0]}, "epoch -2: is not a whole number ≥ −1"),
    ]:
        with pytest.raises(UserError) as caught:
            from_states(net(), given, inputs, labels)
        assert str(caught.value).startswith(message) and "\n" not in str(caught.value)
    endless = states[1] | {"first.bias": torch.full((3,), torch.inf)}
    with pytest.raises(UserError, match="layer first: outputs infinity, over which no bins can be defined"):
        from_states(net(), [states[0], endless], inputs, labels, "first", BINS)
    with pytest.raises(
        UserError, match="states: range global is that of the epochs from 0 on; give at least one"
    ):
        from_states(net(), {-1: states[-1]}, inputs, labels, estimators=BINS)


class Trap:
    """A pickle that makes a file where it is loaded."""

    def __init__(self, made):
        self.made = made

    def __reduce__(self):
        return pathlib.Path.touch, (self.made,)


@pytest.mark.parametrize("estimators", ["exact", BINS])
@pytest.mark.parametrize(
    ("epochs", "wrong"),
    [
        (["0", "1"], "'0'"),
        ([0, "1"], "'1'"),
        ([None, 0], "None"),
        ([1, (0, 1)], "(0, 1)"),
        ([0, 1.5], "1.5"),
        ([0, True], "True"),
        ([0, -2], "-2"),
        ([0, torch.tensor(1)], "a Tensor"),
        ([0, float("nan")], "nan"),
    ],
)
def test_epochs_of_other_types_are_one_line(trained, estimators, epochs, wrong):
    inputs, labels, states, _ = trained
    given = dict.fromkeys(epochs, states[0])
    with pytest.raises(UserError) as caught:
        from_states(net(), given, inputs, labels, estimators=estimators)
    assert str(caught.value) == f"epoch {wrong}: is not a whole number ≥ −1; count the passes over the data"


def test_epochs_may_be_numbers_of_numpy_in_any_order(trained):
    inputs, labels, states, recorder = trained
    given = {np.int64(epoch): states[epoch] for epoch in (1, -1, 0)}
    recording = from_states(net(), given, inputs, labels)
    pd.testing.assert_frame_equal(recording.table(), recorder.table(), check_exact=True)


def test_no_file_can_run_code(tmp_path):
    torch.save({"state_dict": Trap(tmp_path / "made")}, tmp_path / "trap.pt")
    with pytest.raises(UserError, match="cannot be loaded with weights_only=True"):
        from_states(dense(4, 2), [tmp_path / "trap.pt"], torch.ones(3, 4), [0] * 3)
    assert not (tmp_path / "made").exists()
