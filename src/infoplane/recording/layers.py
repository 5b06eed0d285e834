"""The layers of a model that are recorded: those that are asked for, or those that the field would choose."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from infoplane.config.suggestions import nearest
from infoplane.errors import UserError
from infoplane.recording.calls import Call, name_of_call
from infoplane.recording.inputs import Batch
from infoplane.recording.modules import is_activation, is_quantizer
from infoplane.recording.outputs import numbers_by_input, refuse_nan_outputs, tensors_in
from infoplane.recording.probabilities import are_near, numbers_in, probabilities_in

__all__ = ["RecordedLayer", "choose_layers", "unseen_activations"]

MODEL = ""
NAME = re.compile(r"(?P<path>[^:\[\]]+)(:(?P<number>[1-9]\d*))?(?P<item>(\[[^\[\]]+\])*)")
WRAPPERS = "module.", "_orig_mod."
# Modules of PyTorch that compute activation functions in their own code
FUSED = nn.RNNBase, nn.RNNCellBase, nn.TransformerEncoderLayer, nn.TransformerDecoderLayer
SOFTMAX = {"softmax", "softmin", "log_softmax"}


@dataclass(frozen=True)
class RecordedLayer:
    """What is recorded of a model.

    Attributes:
        name: what tables call it.
        path: of the module or function that puts it out; "" is the model.
        number: which of the calls of that path in a batch.
        calls: how often that path is called in a batch.
        item: keys of the tensors that are meant, where there are several.
        reading: what is recorded is this function of the rows; None for the rows as they are.
        width, dtype: the numbers that it outputs for an input, and their type; None if it has not run yet.
    """

    name: str
    path: str
    number: int
    calls: int
    item: str = ""
    reading: Callable[[Tensor], Tensor] | None = None
    width: int | None = None
    dtype: torch.dtype | None = None

    def includes(self, path: str, number: int, item: str) -> bool:
        """Whether the layer is, or holds, the tensor behind these keys in the output of that call."""
        return (path, number) == (self.path, self.number) and item.startswith(self.item)

    def rows(self, output: Any, batch: Batch) -> Tensor:
        """What the layer outputs for a batch, (inputs, width).

        Raises:
            UserError: as by `numbers_by_input`.
        """
        rows = numbers_by_input(output, self.name, self.item, batch)
        return rows if self.reading is None else self.reading(rows)

    def finite_rows(self, output: Any, batch: Batch) -> Tensor:
        """`rows` of the width and type that are known, none of which may hold a NaN."""
        rows = self.rows(output, batch)
        if (rows.shape[1], rows.dtype) != (self.width, self.dtype):
            raise UserError(
                f"layer {self.name}: outputs {rows.shape[1]} numbers of {rows.dtype} for an input, at first "
                f"{self.width} of {self.dtype}; record a layer of one shape"
            )
        refuse_nan_outputs(rows, self.name, batch)
        return rows

    def measured(self, output: Any, batch: Batch) -> "RecordedLayer":
        """This layer, with the width and type of what it outputs."""
        rows = self.rows(output, batch)
        return replace(self, width=rows.shape[1], dtype=rows.dtype)


def softmax_of(rows: Tensor) -> Tensor:
    """The softmax, taken in float64 and rounded to the type of the logits."""
    return torch.softmax(rows.double(), 1).to(rows.dtype)


def sigmoid_of(rows: Tensor) -> Tensor:
    """The logistic function, taken in float64 and rounded to the type of the logits."""
    return torch.sigmoid(rows.double()).to(rows.dtype)


def choose_layers(model: nn.Module, layers: Any, calls: Sequence[Call]) -> list[RecordedLayer]:
    """The layers of a model that are meant, in their order.

    Args:
        model: the model.
        layers: one or more names, types of modules, or modules; None for those that the field would choose.
        calls: what is called when the model runs on a batch, the model itself last, each `with_numbers`.

    Raises:
        UserError: a layer is unknown, never called, or called several times where one call is meant.
    """
    counts = Counter(call.name for call in calls)
    if layers is None:
        return default_layers(calls, counts)
    is_one = isinstance(layers, str | type | nn.Module) or not isinstance(layers, Iterable)
    wanted = [layers] if is_one else [*layers]
    found = [layer for each in wanted for layer in layers_of(model, each, calls, counts)]
    if not found:
        raise UserError("layers: none are given; name some, or give None to select them automatically")
    return [*dict.fromkeys(found)]


def layer_of(call: Call, counts: Counter[str], item: str = "") -> RecordedLayer:
    several = counts[call.name] > 1
    name = (call.name or "output") + (f":{call.number}" if several else "") + item
    return RecordedLayer(name, call.name, call.number, counts[call.name], item)


def layers_of(
    model: nn.Module, wanted: Any, calls: Sequence[Call], counts: Counter[str]
) -> Iterable[RecordedLayer]:
    """The layers that one name, type or module stands for."""
    if isinstance(wanted, type):
        found = [layer_of(call, counts) for call in calls if isinstance(call.module, wanted)]
        if not found:
            raise UserError(f"layers: no {wanted.__name__} is called when the model runs; name other layers")
        return found
    if isinstance(wanted, nn.Module):
        paths = [path for path, module in model.named_modules() if module is wanted]
        if not paths:
            raise UserError(
                f"layers: {type(wanted).__name__} is not a part of the model; give its own modules"
            )
        return [the_call(paths[0], None, "", calls, counts)]
    match = NAME.fullmatch(wanted) if isinstance(wanted, str) else None
    if match is None:
        raise UserError(f"layers: {wanted!r} is not a name, type or module; give names as of named_modules()")
    number = int(match["number"]) if match["number"] else None
    path = canonical_path(model, match["path"], counts)
    if path is None:
        if match["path"] == "softmax":
            return [output_layer(calls, match["item"])]
        names = {name for name, _ in model.named_modules()} | {*counts}
        meant = nearest(match["path"], sorted(names))
        advice = f"did you mean {meant!r}?" if meant else "give names as of named_modules()"
        raise UserError(f"layer {wanted}: is unknown; {advice}")
    return [the_call(path, number, match["item"], calls, counts)]


def canonical_path(model: nn.Module, name: str, counts: Counter[str]) -> str | None:
    """The path of a module or function: of a module with several names, the first, as it is called by."""
    paths: dict[nn.Module, str] = {module: path for path, module in model.named_modules()}
    for known, module in model.named_modules(remove_duplicate=False):
        if known == name:
            return paths[module]
    if name in counts:
        return name
    for wrapper in WRAPPERS:
        if name.startswith(wrapper):
            return canonical_path(model, name.removeprefix(wrapper), counts)
    return MODEL if name == "output" else None


def the_call(
    path: str, number: int | None, item: str, calls: Sequence[Call], counts: Counter[str]
) -> RecordedLayer:
    """The layer that is put out by a path's only call, or by the call of that number."""
    own = [call for call in calls if call.name == path]
    if not own:
        raise UserError(f"layer {path}: is never called when the model runs; name another layer")
    if number is None and len(own) > 1:
        raise UserError(
            f"layer {path}: is called {len(own)} times when the model runs; name one call, {path}:1 to "
            f"{path}:{len(own)}"
        )
    if (number or 1) > len(own):
        raise UserError(f"layer {path}:{number}: is called only {len(own)} times when the model runs")
    return layer_of(own[(number or 1) - 1], counts, item)


def default_layers(calls: Sequence[Call], counts: Counter[str]) -> list[RecordedLayer]:
    """Outputs of all activation functions and pools, and the softmax of the model's output.

    Where a quantizer follows, its output is the layer. A module that is called twice makes two layers. What
    an activation function calls by itself makes none.
    """
    chosen = list[Call]()
    for call in calls:
        if any(is_activation(module) for module in call.enclosing):
            continue
        if is_quantizer(call.module):
            chosen = [call if each.output is call.argument else each for each in chosen]
        elif is_activation(call.module) or (call.module is None and name_of_call(call) not in SOFTMAX):
            chosen.append(call)
    layers = [layer_of(call, counts, first_item(call.output)) for call in chosen]
    return layers if chosen and is_output(chosen[-1], calls) else [*layers, output_layer(calls)]


def unseen_activations(model: nn.Module, calls: Sequence[Call]) -> dict[str, str]:
    """Names of modules whose activation functions were not seen in a run, and what they are.

    Such are recurrent and transformer layers, which compute them inside, and activation functions that are
    not called themselves although the module that has them is.
    """
    called = {call.module for call in calls}
    around = {module for call in calls if is_activation(call.module) for module in call.enclosing}
    modules = dict(model.named_modules())
    found = dict[str, str]()
    for name, module in modules.items():
        parent = name.rpartition(".")[0]
        if is_activation(modules[parent]) or parent in found:
            continue
        if isinstance(module, FUSED) and module in called and module not in around:
            found[name] = type(module).__name__
        elif is_activation(module) and module not in called and modules[parent] in called:
            found[name] = f"{type(module).__name__}, not called"
    return found


def output_layer(calls: Sequence[Call], item: str = "") -> RecordedLayer:
    """The softmax of the logits that the model outputs, or the logistic function of a single logit.

    Where the model outputs what a softmax or sigmoid has put out, in whatever shape, it is the output itself;
    and so it is where there are no logits.

    Args:
        calls: what is called when the model runs on a batch, the model itself last.
        item: keys of the logits in the output; "" for those of `logits_in`.

    Raises:
        UserError: there is no such item, or it is not known which tensor holds the logits.
    """
    tensors = dict(tensors_in(calls[-1].output))
    if item and item not in tensors:
        known = ", ".join(filter(None, tensors)) or "one tensor, which needs no item"
        raise UserError(f"layer softmax{item}: has no such item; the model outputs {known}")
    path = item or logits_in(tensors)
    if path is None:
        return RecordedLayer("output", MODEL, 1, 1)
    logits = tensors[path]
    if found := probabilities_in(logits, calls):
        return RecordedLayer(f"{found.kind}{item}", MODEL, 1, 1, path)
    if not logits.is_floating_point() or logits.dim() not in (1, 2):
        return RecordedLayer(f"output{item}", MODEL, 1, 1, path)
    if logits.shape[1:].numel() > 1:
        return RecordedLayer(f"softmax{item}", MODEL, 1, 1, path, softmax_of)
    return RecordedLayer(f"sigmoid{item}", MODEL, 1, 1, path, sigmoid_of)


def logits_in(tensors: Mapping[str, Tensor]) -> str | None:
    """The keys of the logits among tensors: `logits`, or those of the only one of floats (N,) or (N, C).

    None if there is no tensor.

    Raises:
        UserError: there are several tensors, and it cannot be told which one it is.
    """
    if "[logits]" in tensors:
        return "[logits]"
    if len(tensors) < 2:
        return next(iter(tensors), None)
    found = [path for path, each in tensors.items() if each.dim() in (1, 2) and each.is_floating_point()]
    if len(found) != 1:
        meant = f"softmax{found[0]}" if found else f"output{next(iter(tensors))}"
        raise UserError(
            f"layers: the model outputs {', '.join(tensors)}, and it is not clear which are the logits; "
            f'give layers= with "{meant}" among them'
        )
    return found[0]


def is_output(call: Call, calls: Sequence[Call]) -> bool:
    """Whether the model outputs what a call has put out, or the same probabilities in another shape."""
    output = calls[-1].output
    if call.numbers is None:
        return call.output is output
    path = logits_in(tensors := dict(tensors_in(output)))
    return path is not None and are_near(call.numbers, numbers_in(tensors[path]))


def first_item(output: Any) -> str:
    """The keys of the first of several tensors; "" for one alone."""
    paths = [path for path, _ in tensors_in(output)]
    return paths[0] if len(paths) > 1 else ""
