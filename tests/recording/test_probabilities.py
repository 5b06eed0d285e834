"""Models that output probabilities: no softmax or sigmoid is applied to them once more."""

import numpy as np
import pytest
import torch
from recorded_models import dense
from torch import nn
from torch.nn import functional

from infoplane import Recorder, binned_information

INPUTS = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
LABELS = np.arange(50) % 3
BINS = {"bins": 20, "range": (0, 1)}


class Ending(nn.Module):
    """A network whose logits a function reads."""

    def __init__(self, function, outputs):
        super().__init__()
        self.network, self.function = dense(4, 3, outputs), function

    def forward(self, values):
        return self.function(self.network(values))


def last_layer(function, outputs, layers=None):
    """Names of the layers, and the information of the last one by bins."""
    estimators = {"kind": "uniform", **BINS}
    recorder = Recorder(Ending(function, outputs), INPUTS, LABELS, layers=layers, estimators=estimators)
    recorder.record(0)
    row = recorder.table().iloc[-1]
    return recorder.layers, [row[name] for name in ("h_t", "i_xt", "i_ty", "distinct")]


def by_bins(function, outputs):
    """Information of what a function makes of the logits, by bins."""
    with torch.no_grad():
        found = function(dense(4, 3, outputs)(INPUTS)).reshape(50, -1).float()
    return [float(each) for each in binned_information(found.numpy(), LABELS, **BINS)]


def softmax(logits):
    return torch.softmax(logits, 1)


def scaled(probabilities):
    """What is made in place of probabilities, and is none."""
    return probabilities.mul_(8).sub_(4)


@pytest.mark.parametrize(
    "change",
    [
        lambda each: each,
        lambda each: each.squeeze(1),
        lambda each: each.squeeze_(1),
        lambda each: each.view(-1),
        lambda each: each.flatten(),
        lambda each: each[:, 0],
        lambda each: each.clone(),
        lambda each: each.double(),
        lambda each: each.clamp(1e-7, 1 - 1e-7),
        lambda each: each.clamp_(1e-7, 1 - 1e-7),
        lambda each: {"loss": None, "probability": each.squeeze(1)},
    ],
)
@pytest.mark.parametrize("function", [torch.sigmoid, functional.hardsigmoid, torch.special.expit])
def test_a_sigmoid_at_the_end_is_the_last_layer(function, change):
    layers, found = last_layer(lambda logits: change(function(logits)), 1)
    assert layers == ("network.1", function.__name__)
    assert found == by_bins(function, 1)
    layers, found = last_layer(lambda logits: change(function(logits)), 1, "softmax")
    assert layers == ("sigmoid",) and found == by_bins(function, 1)


@pytest.mark.parametrize(
    ("function", "outputs"),
    [
        (lambda logits: softmax(logits).view(-1, 3), 3),
        (lambda logits: softmax(logits)[:, :, None].flatten(1), 3),
        (lambda logits: softmax(logits[:, :, None, None])[:, :, 0, 0], 3),
        (lambda logits: nn.Softmax2d()(logits[:, :, None, None]).flatten(1), 3),
        (lambda logits: functional.softmin(-logits, 1), 3),
        (lambda logits: nn.Softmin(1)(-logits).clone(), 3),
        (lambda logits: softmax(logits).clamp(min=1e-7), 3),
        (lambda logits: (logits[:, :, None], softmax(logits).reshape(-1, 3)), 3),
    ],
)
def test_a_softmax_at_the_end_is_the_output_in_any_shape(function, outputs):
    for layers in (None, "softmax"):
        names, found = last_layer(function, outputs, layers)
        assert names[-1] == "softmax" and names[:-1] == (() if layers else ("network.1",))
        assert found == by_bins(softmax, outputs)


def test_sigmoids_of_several_outputs_are_no_logits():
    layers, found = last_layer(torch.sigmoid, 3, "softmax")
    assert layers == ("sigmoid",) and found == by_bins(torch.sigmoid, 3)
    layers, found = last_layer(lambda logits: torch.sigmoid(logits).view(-1, 3), 3)
    assert layers == ("network.1", "sigmoid") and found == by_bins(torch.sigmoid, 3)


def test_the_logarithm_of_a_sigmoid_stays_as_it_is():
    assert last_layer(lambda logits: functional.logsigmoid(logits).view(-1), 1)[0] == (
        "network.1",
        "log_sigmoid",
    )
    assert last_layer(functional.logsigmoid, 1, "softmax")[0] == ("output",)


@pytest.mark.parametrize(
    ("function", "outputs", "reading"),
    [
        (lambda logits: scaled(torch.sigmoid(logits)), 1, torch.sigmoid),
        (lambda logits: scaled(torch.sigmoid(logits)).view(-1), 1, torch.sigmoid),
        (lambda logits: scaled(softmax(logits)), 3, softmax),
        (lambda logits: torch.logit(torch.sigmoid(logits)), 1, torch.sigmoid),
        (lambda logits: functional.log_softmax(logits, 1).view(-1, 3), 3, softmax),
        (lambda logits: softmax(logits).log_(), 3, softmax),
        (lambda logits: logits * torch.sigmoid(logits), 3, softmax),
        (lambda logits: {"logits": logits, "gate": torch.sigmoid(logits)}, 3, softmax),
    ],
)
def test_logits_are_read_once_wherever_probabilities_went_before(function, outputs, reading):
    def read(logits):
        made = function(logits)
        made = made["logits"] if isinstance(made, dict) else made
        return reading(made.view(-1, outputs).double())

    layers, found = last_layer(function, outputs)
    assert layers[-1] == reading.__name__ and layers[0] == "network.1"
    assert found == by_bins(read, outputs)


def test_a_class_of_the_users_own_is_no_sigmoid_by_its_name():
    class Sigmoid(Ending):
        pass

    recorder = Recorder(Sigmoid(nn.Identity(), 1), INPUTS, LABELS)
    assert recorder.layers == ("network.1", "sigmoid") and recorder.recorded[-1].reading is not None
