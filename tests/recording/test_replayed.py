"""Networks of this package as PyTorch modules: what is recorded of them is what `estimate` has counted."""

import pandas as pd
import pytest
import torch
from small_networks import DATASET, NETWORKS, trained
from torch import nn

from infoplane import EstimatorSpec, estimate, from_states
from infoplane.networks.forward import Model, forward, model_on
from infoplane.networks.inputs import network_labels
from infoplane.networks.quantization import Quantized, factor_of
from infoplane.networks.replay import IN_ORDER, single

KEYS = ["repetition", "part", "epoch", "layer"]


class Replayed(nn.Module):
    """A network in float64 that hands every layer's output to a module of its own.

    A quantized layer puts out (q − zero)·scale; logits that are quantized, their differences from the largest
    one; a network that is not quantized, the softmax.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        layers = model.network.layers
        self.register_buffer("parameters_", torch.zeros(model.network.size, dtype=torch.float64))
        self.register_buffer("ranges", torch.zeros(len(layers), 2, 2, dtype=torch.float64))
        self.layers = nn.ModuleList(nn.Identity() for _ in layers)

    def forward(self, inputs):
        outputs, _ = forward(
            self.model, self.parameters_[None], self.ranges[None], inputs.T[None], arithmetic=IN_ORDER
        )
        scheme = self.model.scheme
        for layer, output in zip(self.layers, outputs, strict=True):
            values = factor_of(output)
            if layer is self.layers[-1] and scheme.quantized and scheme.reads == "logits":
                values = values - values.amax(1, keepdim=True)
            elif layer is self.layers[-1] and not scheme.quantized:
                values = single(torch.softmax(values, 1))
            scale = output.grid.scale if isinstance(output, Quantized) else 1.0
            layer((values * scale)[0].T)
        return inputs[:, :1]


@pytest.mark.parametrize("name", NETWORKS)
def test_exact_information_is_that_of_estimate(name):
    trajectory = trained(name)
    model, values = model_on(trajectory.spec, DATASET)
    module = Replayed(model)
    inputs = torch.from_numpy(values.astype("float64"))
    expected = estimate(EstimatorSpec(kind="exact"), trajectory, DATASET)
    found = []
    for place, repetition in enumerate(trajectory.repetitions):
        for part in dict.fromkeys(trajectory.parts):
            states = {
                int(trajectory.epochs[time]): {
                    "parameters_": torch.from_numpy(trajectory.parameters[place, time]).double(),
                    "ranges": torch.from_numpy(trajectory.ranges[place, time]).double(),
                }
                for time in range(len(trajectory.epochs))
                if trajectory.parts[time] == part
            }
            labels = network_labels(trajectory.spec, DATASET, int(repetition))
            # one batch, since a range may be that of all inputs
            recording = from_states(module, states, inputs, labels, [*module.layers], batch_size=len(inputs))
            found.append(recording.table().assign(repetition=repetition, part=part))
    own = pd.concat(found, ignore_index=True).drop(columns="layer_name")
    assert [*own] == [*expected]
    pd.testing.assert_frame_equal(
        own.sort_values(KEYS, ignore_index=True),
        expected.sort_values(KEYS, ignore_index=True),
        check_exact=True,
    )
