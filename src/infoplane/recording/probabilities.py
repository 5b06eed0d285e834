"""Probabilities that functions put out, found again in the output of a model."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from infoplane.recording.calls import LIBRARIES, Call, name_of_call
from infoplane.recording.modules import is_quantizer
from infoplane.recording.outputs import as_numbers, tensors_in

__all__ = ["are_near", "numbers_in", "probabilities_in", "with_numbers"]

# What an output is called that functions or modules of these names have put out
PROBABILITIES = {
    **dict.fromkeys(("softmax", "softmin", "Softmax", "Softmin", "Softmax2d"), "softmax"),
    **dict.fromkeys(("sigmoid", "special_expit", "hardsigmoid"), "sigmoid"),
    **dict.fromkeys(("Sigmoid", "Hardsigmoid", "QuantSigmoid"), "sigmoid"),
    **dict.fromkeys(("logsigmoid", "log_sigmoid", "LogSigmoid"), "output"),
}
# Equal to this are probabilities that were rounded, or clamped off 0 and 1
NEAR = 1e-6


def probabilities_in(tensor: Tensor, calls: Sequence[Call]) -> Call | None:
    """The last call that has put out the probabilities in a tensor; None if these are no such.

    They are known by their values and order: views and copies are other tensors, and a tensor that was
    changed in place is the same one.
    """
    numbers = numbers_in(tensor)
    return next((call for call in reversed(calls) if are_near(call.numbers, numbers)), None)


def with_numbers(call: Call, calls: Sequence[Call]) -> Call:
    """A call with its numbers, if these are probabilities, quantized or not.

    Args:
        call: the call.
        calls: those before it, with their numbers.
    """
    kind = kind_of(call)
    if kind is None and is_quantizer(call.module):
        kind = next((each.kind for each in calls if each.kind and each.output is call.argument), None)
    return call._replace(kind=kind, numbers=numbers_in(call.output)) if kind else call


def kind_of(call: Call) -> str | None:
    """What the probabilities are called that a call puts out; None if it puts out no such.

    Of modules, those of libraries count, whatever a model calls its own.
    """
    if call.module is None:
        return PROBABILITIES.get(name_of_call(call))
    classes = (each for each in type(call.module).__mro__ if each.__module__.startswith(LIBRARIES))
    return next((PROBABILITIES[each.__name__] for each in classes if each.__name__ in PROBABILITIES), None)


def numbers_in(output: Any) -> Tensor | None:
    """A copy of the numbers of the only tensor in an output; None if there are several, or none."""
    tensors = [tensor for _, tensor in tensors_in(output)]
    if len(tensors) != 1:
        return None
    return as_numbers(tensors[0]).to("cpu", torch.float64, copy=True).flatten()


def are_near(some: Tensor | None, others: Tensor | None) -> bool:
    """Whether there are as many numbers here as there, none farther than `NEAR` from that in its place."""
    if some is None or others is None or some.shape != others.shape:
        return False
    return torch.allclose(some, others, rtol=0, atol=NEAR, equal_nan=True)
