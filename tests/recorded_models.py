"""Small models and inputs that recordings are tested on, and their recording at one epoch."""

import itertools

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from infoplane import Recorder

ESTIMATORS = {
    "exact": "exact",
    "rebinned": "rebinned",
    "layer": {"kind": "uniform", "bins": 3, "range": "layer"},
    "neuron": {"kind": "uniform", "bins": 2, "range": "neuron"},
    "fixed": {"kind": "uniform", "bins": 30, "range": (-1, 1)},
    "adaptive": {"kind": "adaptive", "bins": 3},
    "quantized": {"kind": "quantized", "bits": 3, "range": "layer"},
    "quantized-fixed": {"kind": "quantized", "bits": 2, "range": (0, 1)},
    "kde": {"kind": "kde", "noise": 0.1},
    "output": {"kind": "exact", "layers": "output"},
}


def images(count=60, size=8, levels=2, seed=0):
    """Images (count, 1, size, size) of few levels and their classes 0 … 2."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randint(0, levels, (count, 1, size, size), generator=generator).float()
    return inputs, torch.randint(0, 3, (count,), generator=generator)


class Net(nn.Module):
    """One ReLU module that is called twice, a pool, and a function."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 2, 3)
        self.act = nn.ReLU(inplace=True)
        self.norm = nn.BatchNorm2d(2)
        self.pool = nn.MaxPool2d(2)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(8, 3)

    def forward(self, inputs):
        hidden = self.act(self.norm(self.second(self.act(self.first(inputs)))))
        return self.last(torch.flatten(functional.relu(self.drop(self.pool(hidden)) - 0.1), 1))


def net(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Net()


def dense(*widths, seed=0, activation=nn.Tanh):
    """A dense network, the last layer of which puts out logits."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [each for pair in itertools.pairwise(widths) for each in (nn.Linear(*pair), activation())]
    return nn.Sequential(*layers[:-1])


def outputs_of(model, inputs, *names):
    """What named modules put out in evaluation mode, (N, width) each, by hooks of the test's own."""
    found, modules = {}, dict(model.named_modules())
    handles = [
        modules[name].register_forward_hook(
            lambda module, arguments, output, name=name: found.__setitem__(name, output.detach().clone())
        )
        for name in names
    ]
    mode = model.training
    with torch.no_grad():
        model.eval()(inputs)
    model.train(mode)
    for handle in handles:
        handle.remove()
    return [found[name].flatten(1).cpu().numpy().astype(np.float64) for name in names]


def recorded(model, inputs, labels=None, epoch=0, **arguments):
    """A recorder that has recorded one epoch of a model."""
    recorder = Recorder(model, inputs, labels, **arguments)
    recorder.record(epoch)
    return recorder
