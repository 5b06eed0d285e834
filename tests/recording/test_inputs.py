"""Inputs and labels are the same in every pass, or the recording is refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from recorded_models import dense
from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    Sampler,
    TensorDataset,
)

from infoplane import Recorder, UserError
from infoplane.recording import passes

ROWS = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 6)
CLASSES = ROWS[:, 0].long()
PAIRS = TensorDataset(ROWS, CLASSES)
ESTIMATORS = {
    "exact": "exact",
    "layer": {"kind": "uniform", "bins": 4, "range": "layer"},
    "fixed": {"kind": "uniform", "bins": 4, "range": (-1, 1)},
    "adaptive": {"kind": "adaptive", "bins": 3},
}
CHANGES = r"^inputs: batch \d+ differs from that of the first pass; give the same inputs and labels"


class AnyOrder(Sampler):
    """Indices in another order every time, by a class that PyTorch does not know to be random."""

    def __init__(self):
        pass

    def __len__(self):
        return len(ROWS)

    def __iter__(self):
        return iter(torch.randperm(len(ROWS)).tolist())


class Stream(IterableDataset):
    """Pairs in another order every time."""

    def __iter__(self):
        return (PAIRS[index] for index in torch.randperm(len(ROWS)).tolist())


class Changing(Dataset):
    """Pairs that a function makes of an input, a label and the number of pairs that were asked for."""

    def __init__(self, change):
        self.change, self.asked = change, 0

    def __len__(self):
        return len(ROWS)

    def __getitem__(self, index):
        self.asked += 1
        return self.change(*PAIRS[index], self.asked)


def record_two(inputs, labels=None, estimators="exact"):
    """Record two epochs, as a training would that draws random numbers in between."""
    recorder = Recorder(dense(6, 4, 2), inputs, labels, estimators=estimators, batch_size=8)
    for epoch in (0, 1):
        torch.rand(epoch)
        recorder.record(epoch)
    return recorder


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    "inputs",
    [
        lambda: DataLoader(PAIRS, 8, sampler=AnyOrder()),
        lambda: DataLoader(PAIRS, batch_sampler=BatchSampler(AnyOrder(), 8, False)),
        lambda: DataLoader(Stream(), 8),
        Stream,
        lambda: Changing(lambda row, label, _: (row + torch.randn(6), label)),
        lambda: Changing(lambda row, label, asked: (row, (label + asked // 65) % 2)),
        lambda: Changing(lambda row, label, asked: ({"input": row * (1 + asked // 100)}, label)),
    ],
)
def test_passes_that_differ_are_refused(inputs, estimator):
    torch.manual_seed(0)
    with pytest.raises(UserError, match=CHANGES):
        record_two(inputs(), estimators=ESTIMATORS[estimator])


def test_inputs_that_change_beside_labels_are_refused():
    torch.manual_seed(0)
    with pytest.raises(UserError, match=CHANGES):
        record_two(DataLoader(Stream(), 8), CLASSES)
    rows = ROWS.clone()
    recorder = Recorder(dense(6, 4, 2), rows, CLASSES)
    recorder.record(0)
    rows[0] = 7.0
    with pytest.raises(UserError, match=CHANGES):
        recorder.record(1)
    assert recorder.epochs == [0]


def test_labels_of_a_loader_that_are_not_used_may_change():
    flipping = Changing(lambda row, label, asked: (row, asked))
    found = record_two(flipping, CLASSES, ESTIMATORS)
    expected = record_two(ROWS, CLASSES, ESTIMATORS)
    for name in ESTIMATORS:
        pd.testing.assert_frame_equal(found.table(name), expected.table(name), check_exact=True)


@pytest.mark.parametrize("memory", [0, 2**27])
def test_a_fixed_order_of_any_kind_gives_the_same(monkeypatch, memory):
    monkeypatch.setattr(passes, "MEMORY", memory)
    expected = record_two(ROWS, CLASSES, ESTIMATORS)
    of_text = Changing(lambda row, label, _: (row, "ab"[label]))
    for inputs in (DataLoader(PAIRS, 8), DataLoader(PAIRS, 8, num_workers=1), of_text):
        found = record_two(inputs, estimators=ESTIMATORS)
        for name in ESTIMATORS:
            pd.testing.assert_frame_equal(found.table(name), expected.table(name), check_exact=True)


def test_a_model_that_changes_its_inputs_in_place_changes_copies():
    rows = ROWS - 0.5
    before = rows.clone()
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(6, 2))
    recorder = Recorder(model, rows, CLASSES, estimators=ESTIMATORS)
    recorder.record(0)
    recorder.record(1)
    assert torch.equal(rows, before)


def test_a_recorder_of_a_loader_draws_no_random_number_of_the_training():
    before = torch.get_rng_state()
    Recorder(dense(6, 4, 2), DataLoader(PAIRS, 8))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            [(ROWS[:32], CLASSES[:32]), (ROWS[32:], CLASSES[32:])],
            "inputs: is a list of batches or pairs;",
        ),
        ([{"input": ROWS[:32]}, {"input": ROWS[32:]}], "inputs: is a list of batches or pairs; give"),
        (((ROWS.numpy(), np.zeros(64)),), "inputs: is a tuple of batches or pairs; give"),
        ((pair for pair in PAIRS), "inputs: is a generator, which can be run over once; give an array"),
        (
            DataLoader([{"input": row, "target": label} for row, label in PAIRS], 8),
            "labels: are missing, the loader yields a mapping of input, target; give labels=, or a",
        ),
        (DataLoader(ROWS, 8), "labels: are missing, the loader yields inputs alone; give labels=, or"),
        (TensorDataset(ROWS), "labels: are missing, the loader yields inputs alone; give labels=, or"),
        (
            DataLoader(TensorDataset(ROWS, ROWS, CLASSES), 8),
            "inputs: the loader yields 3 items, expected inputs or pairs (inputs, labels); select them",
        ),
    ],
)
def test_what_is_neither_inputs_nor_pairs_is_one_line(inputs, message):
    with pytest.raises(UserError) as caught:
        Recorder(dense(6, 4, 2), inputs)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


@pytest.mark.parametrize("labels", [None, CLASSES])
@pytest.mark.parametrize("size", [4, 10])
@pytest.mark.parametrize(
    "loader",
    [
        lambda size: DataLoader(PAIRS, size, drop_last=True),
        lambda size: DataLoader(PAIRS, batch_sampler=BatchSampler(range(64), size, drop_last=True)),
        lambda size: DataLoader(Stream(), size, drop_last=True),
        lambda size: DataLoader(PAIRS, size, sampler=DistributedSampler(PAIRS, 1, 0, False, drop_last=True)),
    ],
)
def test_a_loader_that_leaves_out_inputs_is_refused(loader, size, labels):
    with pytest.raises(UserError) as caught:
        Recorder(dense(6, 4, 2), loader(size), labels)
    assert str(caught.value) == (
        "inputs: the DataLoader or its sampler has drop_last=True, which leaves out inputs; give one with "
        "drop_last=False"
    )


def test_a_last_batch_of_fewer_inputs_counts():
    by_sampler = DataLoader(PAIRS, batch_sampler=BatchSampler(range(64), 10, drop_last=False))
    for loader in (DataLoader(PAIRS, 10), by_sampler):
        assert len(Recorder(dense(6, 4, 2), loader, CLASSES).inputs) == 64
    assert len(Recorder(dense(6, 4, 2), DataLoader(PAIRS, 10)).inputs) == 64
