"""Calls of a model's modules, and of activation functions in their code, observed while the model runs."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.fx import GraphModule
from torch.overrides import TorchFunctionMode

__all__ = ["LIBRARIES", "Call", "name_of_call", "observed"]

# Activation functions and pools that a model's own code may call, by PyTorch's names for them
POOLS = {
    f"{kind}_pool{n}d" for kind in ("max", "avg", "lp", "adaptive_max", "adaptive_avg") for n in (1, 2, 3)
}
FUNCTIONS = {
    *("relu", "relu6", "leaky_relu", "prelu", "rrelu", "threshold"),
    *("elu", "celu", "selu", "gelu", "silu", "mish", "glu", "softplus"),
    *("tanh", "hardtanh", "softsign", "hardshrink", "softshrink", "hardswish"),
    *("sigmoid", "special_expit", "hardsigmoid", "logsigmoid", "log_sigmoid"),
    *("softmax", "softmin", "log_softmax", *POOLS),
}
# What the code of these packages calls is a part of their modules' own outputs.
LIBRARIES = ("torch.", "brevitas.")


class Call(NamedTuple):
    """One call of a module, or of an activation function, while a model runs on a batch.

    Attributes:
        name: that of the module in `named_modules`, "" for the model; for a function, its own name behind
            that of the module whose code calls it.
        number: 1 for the first call of that name, 2 for the second, …
        module: what was called; None for a function.
        enclosing: the modules that are being called, the model first.
        argument: the first argument, if there is one.
        output: what was returned.
        kind: of an output that is probabilities, what it is called: `softmax`, `sigmoid` or `output`.
        numbers: a copy of these probabilities, which later code may change in place.
    """

    name: str
    number: int
    module: nn.Module | None
    enclosing: tuple[nn.Module, ...]
    argument: Any
    output: Any
    kind: str | None = None
    numbers: Tensor | None = None


class Observer(TorchFunctionMode):
    """The hooks of modules and the mode of functions that notice their calls."""

    def __init__(self, model: nn.Module, receive: Callable[[Call], None]) -> None:
        super().__init__()
        self.names = {module: name for name, module in model.named_modules()}
        self.receive = receive
        self.open: list[nn.Module] = []
        self.counts = Counter[str]()

    def enter(self, module: nn.Module, _arguments: Any) -> None:
        self.open.append(module)

    def leave(self, module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        self.open.pop()
        self.hand_on(self.names[module], module, arguments, output)

    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        output = function(*arguments, **(keywords or {}))
        name = getattr(function, "__name__", "").rstrip("_")  # of what works in place, `relu_`
        if name in FUNCTIONS and isinstance(output, Tensor) and self.open and not of_library(self.open[-1]):
            self.hand_on(".".join(filter(None, [self.names[self.open[-1]], name])), None, arguments, output)
        return output

    def hand_on(self, name: str, module: nn.Module | None, arguments: tuple[Any, ...], output: Any) -> None:
        self.counts[name] += 1
        first = arguments[0] if arguments else None
        self.receive(Call(name, self.counts[name], module, tuple(self.open), first, output))


def name_of_call(call: Call) -> str:
    """The name of a function, or of a module's class."""
    return call.name.rpartition(".")[2] if call.module is None else type(call.module).__name__


def of_library(module: nn.Module) -> bool:
    """Whether a module's code is that of a library; a graph that PyTorch has traced is the model's own."""
    return type(module).__module__.startswith(LIBRARIES) and not isinstance(module, GraphModule)


@contextmanager
def observed(model: nn.Module, receive: Callable[[Call], None]) -> Iterator[None]:
    """Call `receive` for every call of a model's modules and activation functions, when it returns.

    An output is what other hooks have made of it: so do PyTorch's quantizers work. No hook stays.
    """
    observer = Observer(model, receive)
    with ExitStack() as stack:
        for module in observer.names:
            for handle in (
                module.register_forward_pre_hook(observer.enter),
                module.register_forward_hook(observer.leave),
            ):
                stack.callback(handle.remove)
        stack.enter_context(observer)
        yield
