"""Activation functions of hidden layers: their names, their definitions in PyTorch, and their bounds.

`infoplane.kernels.activations` has a row of the same name, with the function and its derivative as kernels.
"""

from pkgutil import resolve_name
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ACTIVATIONS", "Activation"]


class Activation(NamedTuple):
    """An activation function.

    Attributes:
        definition: the name of a function of PyTorch; it is imported at its first call.
        bounds: the infimum and supremum of its values, where both are finite: in protocol `controlled`, the
            range of its quantizer.
    """

    definition: str
    bounds: tuple[float, float] | None = None

    def __call__(self, x: "Tensor") -> "Tensor":
        """The function of each element of a tensor."""
        values: Tensor = resolve_name(self.definition)(x)
        return values


ACTIVATIONS = {
    "tanh": Activation("torch.tanh", (-1.0, 1.0)),
    "relu": Activation("torch.relu"),
    "leaky-relu": Activation("torch.nn.functional.leaky_relu"),
    "elu": Activation("torch.nn.functional.elu"),
    "gelu": Activation("torch.nn.functional.gelu"),
    "sigmoid": Activation("torch.sigmoid", (0.0, 1.0)),
    "hard-tanh": Activation("torch.nn.functional.hardtanh", (-1.0, 1.0)),
    "identity": Activation("torch.positive"),
}
