"""Kinds of modules: activation functions, pools and quantizers of several libraries."""

from torch import nn

from infoplane.networks.module import Selected, Weighted

__all__ = ["is_activation", "is_quantizer"]

NOT_HIDDEN = {"MultiheadAttention", "Softmin", "Softmax", "Softmax2d", "LogSoftmax"}
ACTIVATIONS: tuple[type[nn.Module], ...] = tuple(
    getattr(nn.modules.activation, name) for name in nn.modules.activation.__all__ if name not in NOT_HIDDEN
)
POOLS: tuple[type[nn.Module], ...] = tuple(
    getattr(nn.modules.pooling, name) for name in nn.modules.pooling.__all__ if "Unpool" not in name
)
# Classes of `torch.ao` that end in an activation function, and Brevitas' activation functions
OTHER_ACTIVATIONS = {
    *(f"{name}ReLU{dimensions}d" for name in ("Conv", "BN") for dimensions in (1, 2, 3)),
    *(f"ConvBnReLU{dimensions}d" for dimensions in (1, 2, 3)),
    *("ConvAddReLU2d", "LinearReLU", "LinearLeakyReLU", "LinearTanh"),
    *("QuantReLU", "QuantHardTanh", "QuantTanh", "QuantSigmoid"),
}
QUANTIZERS = {"FakeQuantizeBase", "QuantIdentity"}


def class_names(module: nn.Module | None) -> set[str]:
    return {each.__name__ for each in type(module).__mro__}


def is_activation(module: nn.Module | None) -> bool:
    """Whether a module is an activation function or a pool, or ends in one, as layers of `module_of` do."""
    own = isinstance(module, ACTIVATIONS + POOLS + (Selected, Weighted))
    return own or bool(class_names(module) & OTHER_ACTIVATIONS)


def is_quantizer(module: nn.Module | None) -> bool:
    return bool(class_names(module) & QUANTIZERS)
