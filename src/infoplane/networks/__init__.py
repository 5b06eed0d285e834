"""Networks: layers, quantization schemes, inputs and initial parameters.

What is imported here needs no PyTorch. The network itself in PyTorch, the readable definition of what
`infoplane.kernels` computes, is in `quantization`, `forward`, `steps` and `training`.
"""

from infoplane.networks.initialisation import initialise
from infoplane.networks.inputs import Inputs, network_inputs, network_labels
from infoplane.networks.layers import NETWORKS, Conv, Dense, Layer, Network, Pool, network_of
from infoplane.networks.schemes import (
    BOUNDED,
    MOVING_DECAY,
    MOVING_START,
    PUBLISHED,
    UNQUANTIZED,
    Averaging,
    Scheme,
    scheme_of,
)

__all__ = [
    "BOUNDED",
    "MOVING_DECAY",
    "MOVING_START",
    "NETWORKS",
    "PUBLISHED",
    "UNQUANTIZED",
    "Averaging",
    "Conv",
    "Dense",
    "Inputs",
    "Layer",
    "Network",
    "Pool",
    "Scheme",
    "initialise",
    "network_inputs",
    "network_labels",
    "network_of",
    "scheme_of",
]
