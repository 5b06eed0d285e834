"""What a recording leaves as it was: buffers of every kind, and gradients that wait."""

import math

import pytest
import torch
from recorded_models import recorded
from torch import nn

from infoplane import Recorder, UserError, from_states


class Scaled(nn.Module):
    """A layer beside a buffer that a function may change."""

    def __init__(self, scale, change=lambda model: None):
        super().__init__()
        self.layer, self.change = nn.Linear(2, 3), change
        self.register_buffer("scale", scale)

    def forward(self, values):
        self.change(self)
        return self.layer(values)


def double(model):
    model.scale.data.mul_(2)


def double_first(model):
    """Double the memory that all elements of an expanded view share."""
    model.scale[..., :1].mul_(2)


def replace(model):
    model.scale = torch.zeros(3)


SCALES = {
    "expanded": lambda: torch.ones(1).expand(3),
    "expanded in one dimension": lambda: torch.arange(3.0)[:, None].expand(3, 2),
    "NaN": lambda: torch.tensor([math.nan, 1.0, -0.0]),
    "expanded NaN": lambda: torch.tensor(math.nan).expand(3),
    "conjugate": lambda: torch.ones(3, dtype=torch.complex64).conj(),
    "half": lambda: torch.ones((), dtype=torch.bfloat16),
    "sparse": lambda: torch.eye(3)[0].to_sparse(),
    "empty": lambda: torch.ones(1, 0).expand(3, 0),
}


@pytest.mark.parametrize("name", SCALES)
def test_buffers_that_stay_are_not_written_to(name):
    model = Scaled(SCALES[name]())
    buffer, version = model.scale, model.scale._version
    recorded(model, torch.eye(2), [0, 1], layers="output")
    assert model.scale is buffer and buffer._version == version


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("expanded", double_first),
        ("expanded", replace),
        ("expanded in one dimension", double_first),
        ("NaN", double),
        ("NaN", replace),
        ("expanded NaN", replace),
        ("half", double),
        ("sparse", replace),
    ],
)
def test_buffers_that_change_are_put_back(name, change):
    model = Scaled(SCALES[name](), change)
    buffer, before = model.scale, model.scale.to_dense().clone()
    recorded(model, torch.eye(2), [0, 1], layers="output")
    assert model.scale is buffer
    torch.testing.assert_close(buffer.to_dense(), before, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(buffer.to_dense().signbit(), before.signbit())


def test_both_names_of_a_buffer_are_put_back():
    model = Scaled(torch.ones(3), replace)
    model.register_buffer("first", model.scale)
    model._buffers["scale"] = model._buffers.pop("scale")  # the second of both
    buffer = model.first
    recorded(model, torch.eye(2), [0, 1], layers="output")
    assert model.scale is buffer and model.first is buffer


def test_a_gradient_can_wait_for_the_end_of_a_recording():
    model = Scaled(torch.ones(3))
    loss = (model.layer(torch.eye(2)) * model.scale).sum()
    recorder = Recorder(model, torch.eye(2), [0, 1], layers="output")
    recorder.record(0)
    loss.backward()
    assert model.layer.weight.grad is not None


def test_states_of_a_model_that_can_load_none_are_refused():
    model = Scaled(torch.ones(1).expand(3))
    with pytest.raises(UserError) as caught:
        from_states(model, [model.state_dict()], torch.eye(2), [0, 1], "output")
    assert str(caught.value) == (
        "model: scale is an expanded view, into which no state can be loaded; give it memory of its own, "
        "as by clone()"
    )
    model = Scaled(torch.ones(1).expand(3).clone())
    assert from_states(model, [model.state_dict()], torch.eye(2), [0, 1], "output").epochs == [0]
