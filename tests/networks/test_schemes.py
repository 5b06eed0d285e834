"""What is quantized over which range, by protocol."""

import pytest
from reference import ACTIVATIONS, policies

from infoplane import TrainingSpec
from infoplane.networks.schemes import scheme_of

ROLES = ("hidden_weights", "output_weights", "activations", "output")
KINDS = [("published", activation) for activation in ("tanh", "relu")]
KINDS += [("controlled", activation) for activation in ACTIVATIONS]
OWN_RANGES = [
    {},
    {"hidden_weights": "ema", "output_weights": "ema-debiased"},
    {"activations": (-2.0, 3.0), "output": "batch"},
    {"hidden_weights": (-1.0, 1.0), "output_weights": (-0.5, 0.5), "activations": "ema", "output": "ema"},
    {"activations": "ema-debiased", "output": "ema-debiased"},
]


def spec_of(activation, bits, protocol, **others):
    settings = {"dataset": "mine", "network": "shwartz-ziv", "epochs": 1, "record_every": 1}
    return TrainingSpec(**settings, activation=activation, bits=bits, protocol=protocol, **others)


@pytest.mark.parametrize("ranges", OWN_RANGES, ids=str)
@pytest.mark.parametrize(("protocol", "activation"), KINDS)
def test_ranges_are_those_of_the_protocol_but_for_those_given(protocol, activation, ranges):
    spec = spec_of(activation, 8, protocol, ranges=ranges)
    scheme = scheme_of(spec)
    assert {role: getattr(scheme, role) for role in ROLES} == policies(spec)
    assert scheme.quantized
    assert scheme.reads == ("softmax" if protocol == "controlled" else "logits")


@pytest.mark.parametrize("protocol", ["published", "controlled"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_networks_are_not_quantized(protocol, activation):
    scheme = scheme_of(spec_of(activation, "float32", protocol))
    assert not scheme.quantized
    assert not scheme.needs_all_inputs
    assert scheme == (None, None, None, None, "logits")


@pytest.mark.parametrize(
    ("activation", "ranges", "expected"),
    [
        ("tanh", {}, True),
        ("relu", {}, False),
        ("relu", {"hidden_weights": "batch", "output_weights": "batch"}, False),
        ("relu", {"output": "batch"}, True),
        ("relu", {"activations": "batch"}, True),
        ("tanh", {"activations": (-1.0, 1.0)}, False),
    ],
)
def test_all_inputs_are_needed_where_a_layer_takes_the_range_of_a_batch(activation, ranges, expected):
    assert scheme_of(spec_of(activation, 8, "published", ranges=ranges)).needs_all_inputs == expected
