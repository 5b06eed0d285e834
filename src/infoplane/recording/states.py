"""A recording of the states that a finished training has left."""

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from itertools import pairwise
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from infoplane.errors import UserError
from infoplane.recording.estimators import Estimators
from infoplane.recording.recording import NO_ENDS, Recording, refuse_other_epochs
from infoplane.recording.state import is_expanded, unwrapped
from infoplane.refusals import refuse_other_types

__all__ = ["from_states"]

State = str | Path | Mapping[str, Any]
# Where checkpoints keep the parameters: Lightning's, and those of PyTorch's tutorials
KEYS = "state_dict", "model_state_dict", "model"
# The number at the end of a file's name: of `epoch10.pt`, but not the decimals of `loss-0.31.pt`
LAST_NUMBER = re.compile(r"(?<!\d)(?<!\d\.)(\d+)(\.[A-Za-z]\w*)*$")


def from_states(
    model: nn.Module,
    states: Iterable[State] | Mapping[int, State] | str | Path,
    inputs: Any,
    labels: Any = None,
    layers: Any = None,
    estimators: Estimators = "exact",
    batch_size: int = 256,
    bits: int = 32,
) -> Recording:
    """Record a model in the states of a finished training, as `infoplane.Recorder` would have done.

    All arguments but the first two are those of `infoplane.Recorder`. Here the range `global` is allowed: it
    is that of all layers and epochs but −1.

    Args:
        model: a module that the states fit; its own state is the same afterwards.
        states: state dicts, or paths of files that hold one, alone or as a part of a checkpoint; a mapping of
            epochs to them; or a list of them, or one path. If all states in a list are checkpoints with a key
            `epoch`, these are their epochs, else they are those of epochs 0, 1, …. Files are loaded with
            `weights_only=True`.

    Returns:
        What was recorded, with `table()`, `history()` and `save(path)`.

    Raises:
        UserError: a file is missing or cannot be loaded, a state does not fit the model, files are not in the
            order of the numbers at the ends of their names, or as by `Recorder`.
    """
    if isinstance(states, str | PathLike):
        states = [states]
    refuse_other_types("states", states, Iterable, "state dicts, or paths of files that hold one")
    given = dict(states) if isinstance(states, Mapping) else dict(enumerate(states))
    for epoch, state in given.items():
        expected = "a state dict, or the path of a file that holds one"
        refuse_other_types(f"states: epoch {epoch}", state, (str, PathLike, Mapping), expected)
    if not given:
        raise UserError("states: there are none; give at least one")
    by_epoch = given if isinstance(states, Mapping) else numbered([*given.values()])
    for epoch in by_epoch:
        refuse_other_epochs(epoch)
    recording = Recording(model, inputs, labels, layers, estimators, batch_size, bits)
    model = unwrapped(model)
    refuse_expanded(model)
    own = deepcopy(model.state_dict())
    try:
        ends = NO_ENDS
        if any(each.spec.range == "global" for each in recording.estimators.values()):
            ends = global_ends(recording, model, by_epoch)
        for epoch, state in sorted(by_epoch.items()):
            load_state(model, epoch, state)
            recording.count(int(epoch), ends)
            recording.metrics[int(epoch)] = {}
    finally:
        model.load_state_dict(own)
    return recording


def numbered(states: Sequence[State]) -> dict[int, State]:
    """States by the epochs that all of them hold, else by 0, 1, ….

    Raises:
        UserError: two hold the same epoch; or not all do, and paths are not in order.
    """
    epochs = list[int]()
    for state in states:
        epoch = epoch_in(state)
        if epoch is None:
            refuse_other_orders(states)
            return dict(enumerate(states))
        if epoch in epochs:
            raise UserError(f"states: two hold the epoch {epoch}; give a mapping of epochs to states")
        epochs.append(epoch)
    return dict(zip(epochs, states, strict=True))


def epoch_in(state: State) -> int | None:
    """The epoch that a checkpoint holds beside its parameters, or None."""
    content = state if isinstance(state, Mapping) else load_file(Path(state))
    epoch = content.get("epoch") if isinstance(content, Mapping) else None
    return int(epoch) if isinstance(epoch, Integral) and not isinstance(epoch, bool) else None


def refuse_other_orders(states: Sequence[State]) -> None:
    """Refuse paths that end in numbers and are not in the order of these, as a sorted list of names is."""
    names = [Path(state).name for state in states if isinstance(state, str | PathLike)]
    numbers = [int(found[1]) for name in names if (found := LAST_NUMBER.search(name))]
    if len(numbers) < len(states):
        return
    for (name, number), (later, smaller) in pairwise(zip(names, numbers, strict=True)):
        if smaller < number:
            raise UserError(
                f"states: {name} comes before {later}; give the files in the order of their epochs, or a "
                "mapping of epochs to files"
            )


def global_ends(recording: Recording, model: nn.Module, by_epoch: Mapping[int, State]) -> tuple[float, float]:
    """The lowest and highest activation of all layers and epochs but −1."""
    found = []
    for epoch, state in by_epoch.items():
        if epoch >= 0:
            load_state(model, epoch, state)
            found.append(recording.extremes())
    if not found:
        raise UserError("states: range global is that of the epochs from 0 on; give at least one of them")
    return min(low for low, _ in found), max(high for _, high in found)


def load_state(model: nn.Module, epoch: int, state: State) -> None:
    """Load a state dict or a file into a model, whatever its keys begin with beyond the model's own.

    Raises:
        UserError: it cannot be read, or keys of the model are missing in it, or have another shape.
    """
    name = f"states: epoch {epoch}" if isinstance(state, Mapping) else str(state)
    given = parameters_in(state if isinstance(state, Mapping) else load_file(Path(state)))
    expected = model.state_dict()
    prefix = prefix_of(given, expected)
    fitting = {key: given[prefix + key] for key in expected if prefix + key in given}
    if missing := [key for key in expected if key not in fitting]:
        raise UserError(f"{name}: has no {missing[0]}, which is in the model; give states of this model")
    try:
        model.load_state_dict(fitting)
    except RuntimeError as error:
        why = str(error).strip().splitlines()[-1].strip()
        raise UserError(f"{name}: does not fit the model ({why}); give states of this model") from error


def refuse_expanded(model: nn.Module) -> None:
    """Refuse a model of which PyTorch can load no state, because elements of it share their memory."""
    for name, value in model.state_dict().items():
        if isinstance(value, Tensor) and is_expanded(value):
            raise UserError(
                f"model: {name} is an expanded view, into which no state can be loaded; give it memory of "
                "its own, as by clone()"
            )


def load_file(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; correct the path") from error
    except Exception as error:  # another file may raise anything
        raise UserError(
            f"{path}: cannot be loaded with weights_only=True; give a file that torch.save has made of "
            "model.state_dict()"
        ) from error


def parameters_in(content: Any) -> Mapping[str, Tensor]:
    """The state dict that is loaded, or a part of what is."""
    for key in KEYS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    return content if isinstance(content, Mapping) else {}


def prefix_of(given: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """What the keys of a state begin with before those of the model: `model.`, `module.`, or nothing."""
    first = next(iter(expected), "")
    ends = [key.removesuffix(first) for key in given if key.endswith(first)]
    fitting = [prefix for prefix in ends if all(prefix + key in given for key in expected)]
    return min(fitting, key=len, default="")
