"""Conversion of tensors, nested lists and tables to NumPy arrays of the same values."""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from infoplane.errors import UserError

__all__ = ["as_array", "refuse_nan"]


def as_array(values: Any, name: str) -> np.ndarray:
    """Convert an array of any library, a nested list or a table to a NumPy array in native byte order.

    A tensor may be on any device and require a gradient. No value is changed: numbers that no one NumPy type
    can represent together are refused.

    Args:
        values: of any shape.
        name: their name in error messages.

    Raises:
        UserError: there is no such array, or the conversion would change a value.

    >>> as_array([[1, 2], [3, 4]], "codes").shape
    (2, 2)
    """
    if masked := int(np.ma.getmaskarray(values).sum()) if isinstance(values, np.ma.MaskedArray) else 0:
        raise UserError(f"{name}: {masked} of {values.size} values are masked; remove or replace them")
    if fields := getattr(values, "_fields", None):
        raise UserError(
            f"{name}: a {type(values).__name__} has several fields; give one of {', '.join(fields)}"
        )
    try:
        own = without_tensors(values)
        array = np.asarray(own)
    except (TypeError, ValueError, RuntimeError, NotImplementedError, OverflowError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{name}: a {type(values).__name__} is not an array ({why}); give numbers") from error
    if array.dtype.kind == "O":
        array = of_objects(array, name)
    elif isinstance(own, list | tuple) or has_columns_of_several_types(own):
        refuse_changed_values(own, array, name)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def without_tensors(values: Any) -> Any:
    """Values in which PyTorch tensors, also those in a list, are replaced by NumPy arrays."""
    torch = sys.modules.get("torch")
    if torch is None:
        return values
    if isinstance(values, torch.Tensor):
        if values.is_quantized:
            values = values.dequantize()
        values = values.detach().cpu()
        # those of 8 and 16 bits that NumPy does not know; float32 holds all their values
        known = not values.is_floating_point() or values.dtype.itemsize >= 4 or values.dtype == torch.float16
        return (values if known else values.float()).numpy(force=True)
    if isinstance(values, list | tuple) and any(isinstance(each, torch.Tensor) for each in values):
        return [without_tensors(each) for each in values]
    return values


def of_objects(array: np.ndarray, name: str) -> np.ndarray:
    """An array of Python objects as one of booleans, integers, floats or text, if all are of one type."""
    found = array.ravel().tolist()
    if missing := sum(is_missing(each) for each in found):
        raise UserError(f"{name}: {missing} of {array.size} values are missing; remove or replace them")
    for kinds in ((bool, np.bool_), (int, np.integer), (float, int, np.floating, np.integer), (str,)):
        if all(isinstance(each, kinds) for each in found):
            converted = np.array(found).reshape(array.shape)
            if converted.dtype.kind != "O":
                refuse_changed_values(found, converted, name)
                return converted
    odd = next((each for each in found if not isinstance(each, type(found[0]))), found[0] if found else None)
    raise UserError(
        f"{name}: {odd!r:.60} among {array.size} objects of shape {array.shape} is neither a number of 64 "
        "bits nor text like the others; give an array of one type"
    )


def is_missing(value: Any) -> bool:
    """Whether a Python object is None, NaN, or what pandas puts in place of a value."""
    return value is None or (not isinstance(value, str) and str(value) in ("nan", "<NA>", "NaT"))


def has_columns_of_several_types(table: Any) -> bool:
    return hasattr(table, "to_numpy") and len({*map(str, np.atleast_1d(getattr(table, "dtypes", ())))}) > 1


def refuse_changed_values(values: Any, array: np.ndarray, name: str) -> None:
    """Refuse values of several types that have become floats or text, where one differs from what it was.

    2⁵³ + 1 beside 0.5 would become 2⁵³, and 1 beside "1" the same text.
    """
    if array.dtype.kind not in "fUS":
        return
    for before, after in zip(leaves(values), array.ravel().tolist(), strict=True):
        if before != after and before == before:
            raise UserError(f"{name}: {before!r} would become {after!r} beside the others; give one type")


def leaves(values: Any) -> Iterator[Any]:
    """The values of nested lists, or of the columns of a table, in C order."""
    if hasattr(values, "to_numpy"):
        values = values.to_numpy(dtype=object)
    if isinstance(values, np.ndarray):
        yield from values.ravel().tolist()
    elif isinstance(values, list | tuple):
        for each in values:
            yield from leaves(each)
    else:
        yield values


def refuse_nan(array: np.ndarray, name: str) -> None:
    """Raise a `UserError` if some floats of an array are NaN."""
    if array.dtype.kind == "f" and (count := int(np.isnan(array).sum())):
        raise UserError(f"{name}: {count} of {array.size} values are NaN; remove or replace them")
