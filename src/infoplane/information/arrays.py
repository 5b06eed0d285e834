"""Information of arrays of one's own: codes, or activations that are binned first."""

from operator import index
from typing import Any, Literal

import numpy as np

from infoplane.conversion import as_array, refuse_nan
from infoplane.entropy import Information, information_of_sums, logarithms_of
from infoplane.errors import UserError, WrongType, WrongValue
from infoplane.information.binning import adaptive_bins, uniform_bins
from infoplane.kernels.counting import information_of_words, number_columns, pack
from infoplane.refusals import refuse_other_names, short_text

__all__ = ["binned_information", "exact_information"]

BinRange = Literal["global", "layer", "neuron"] | tuple[float, float]
RANGES = ("global", "layer", "neuron")
METHODS = ("uniform", "adaptive")
MOST_BINS = 65_536
# A table of N codes by C classes takes no more than 256 MiB
MOST_COUNTERS = 2**26


def exact_information(codes: Any, labels: Any) -> Information:
    """I(X;T) and I(T;Y) of T = the tuple of an input's codes, over N equally likely inputs.

        H(T) = log₂ N − (1/N) Σ_c n_c log₂ n_c,   I(X;T) = H(T),   I(T;Y) = H(T) + H(Y) − H(T,Y)

    with n_c the number of inputs of code c (Lorenzen, Igel & Nielsen 2022, https://arxiv.org/abs/2106.12912).
    Tuples are compared whole; a hash only finds candidates. The values depend on the counts alone: no order
    of samples or neurons and no relabelling of codes changes a bit of them.

    Args:
        codes: (N,), (N, width) or (N, channels, rows, columns), or (…, N, width) with leading dimensions of
            snapshots: booleans, integers, or floats, which are equal where their bit patterns are; −0 is +0.
            Arrays, tensors on any device, nested lists and tables are taken alike.
        labels: (N,) or (N, 1) classes: booleans, whole numbers or text.

    Returns:
        Information (bits), each of the shape of the leading dimensions.

    Raises:
        UserError: the shapes do not fit, or a value is NaN, missing, or of no such type.

    >>> codes = np.array([[0, 1], [0, 1], [2, 3], [2, 4]])
    >>> [float(value) for value in exact_information(codes, ["a", "a", "b", "b"])]
    [1.5, 1.5, 1.0, 3.0]
    """
    classes = number_labels(labels)
    layers, leading = as_layers(as_array(codes, "codes"), len(classes), "codes")
    return reshaped(count(words_of(layers), classes), leading)


def binned_information(
    activations: Any,
    labels: Any,
    bins: int = 30,
    range: BinRange = "global",
    method: Literal["uniform", "adaptive"] = "uniform",
) -> Information:
    """I(X;T) and I(T;Y) of T = the bins that the activations of a layer fall into.

    The information of the numbers of the bins is that of `exact_information`.

    Args:
        activations: of one layer, numbers that float64 holds, of the shapes that `exact_information` takes.
        labels: as there.
        bins: the number of bins of each neuron, 2 to 65,536.
        range: of the uniform bins: `global`, that of all that is given; `layer`, that of each snapshot;
            `neuron`, that of each neuron of each snapshot; or a pair (low, high), values outside of which
            go to the end bins.
        method: `uniform` bins have equal width, `adaptive` ones equal mass over the layer of a snapshot.

    Raises:
        UserError: as `exact_information`, or bins, range or method are none of these, or the range would be
            infinite, or float64 cannot hold a number.

    >>> activations = np.array([[-0.9], [-0.8], [0.8], [0.9]])
    >>> float(binned_information(activations, [0, 0, 1, 1], bins=2).i_ty)
    1.0
    """
    number, ends = number_of_bins(bins), range_of_bins(range, method)
    classes = number_labels(labels)
    given = as_array(activations, "activations")
    refuse_types(given, "activations")
    layers, leading = as_layers(given, len(classes), "activations")
    layers = as_float64(layers, "activations")
    if isinstance(ends, str):
        refuse_infinities(layers)
    if method == "adaptive":
        codes = np.array([adaptive_bins(layer, number) for layer in layers], np.uint16).reshape(layers.shape)
    else:
        codes = uniform_bins(layers, *ends_of(layers, ends), number)
    return reshaped(count(words_of(codes), classes), leading)


def number_labels(labels: Any) -> np.ndarray:
    """Classes 0 … C − 1 of labels (N,) or (N, 1), in their order, (N,) int64."""
    array = as_array(labels, "labels")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if not array.size:
        raise UserError(f"labels are empty, of the shape {array.shape}; give one class for each input")
    if array.ndim != 1:
        raise UserError(f"labels have the shape {array.shape}, expected (N,) or (N, 1): one class an input")
    refuse_nan(array, "labels")
    if array.dtype.kind not in "biufUS":
        raise UserError(
            f"labels are {array.dtype}, expected whole numbers, booleans or text; number the classes"
        )
    if array.dtype.kind == "f" and (broken := array[array != np.floor(array)]).size:
        raise UserError(f"labels hold {broken[0]}, expected whole numbers; number the classes")
    if array.dtype.kind == "f" and (endless := array[np.isinf(array)]).size:
        raise UserError(f"labels hold {endless[0]}, expected whole numbers; number the classes")
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def as_layers(array: np.ndarray, count: int, name: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """Snapshots of a layer, (S, width, N), and the leading dimensions that S is the product of.

    Raises:
        UserError: the shape is none for `count` inputs, or can be read in two ways.
    """
    shape = array.shape
    per_input = array.ndim > 0 and shape[0] == count
    per_snapshot = array.ndim > 2 and shape[-2] == count
    if per_input and per_snapshot:
        raise UserError(
            f"{name} of shape {shape} and labels of shape ({count},) fit in two ways; reshape {name} to "
            f"({count}, -1) if the first axis is that of the inputs, or give snapshots one by one"
        )
    if not (per_input or per_snapshot) or 0 in shape:
        raise UserError(
            f"{name} have the shape {shape} and labels ({count},), expected {name} (N,), (N, width), "
            "(N, channels, rows, columns) or (snapshots, N, width) of as many inputs N as labels"
        )
    leading = () if per_input else shape[:-2]
    rows = array.reshape(1, count, -1) if per_input else array.reshape(-1, *shape[-2:])
    return np.moveaxis(rows, 1, 2), leading


def refuse_types(array: np.ndarray, name: str) -> None:
    if array.dtype.kind not in "biuf":
        raise UserError(f"{name} are {array.dtype}, expected real numbers; convert them")


def as_float64(array: np.ndarray, name: str) -> np.ndarray:
    """Numbers as float64 in C order.

    Raises:
        UserError: a number is NaN, or float64 cannot hold it, as long doubles and integers beyond 2⁵³.
    """
    refuse_nan(array, name)
    with np.errstate(over="ignore"):  # of a long double, which is refused then
        floats = np.ascontiguousarray(array, dtype=np.float64)
    if array.dtype.kind == "f":
        changed = (each for each in array[array != floats])
    else:
        beyond = array[np.abs(floats) >= 2.0**53].tolist()
        changed = (each for each in beyond if int(float(each)) != each)
    for value in changed:
        raise UserError(
            f"{name}: {value!s} would become {float(value)!r} in float64, in which bins are laid; subtract "
            "an offset, or round the values"
        )
    return floats


def words_of(layers: np.ndarray) -> np.ndarray:
    """Words (S, words, N) that are equal where the codes (S, width, N) are."""
    refuse_types(layers, "codes")
    refuse_nan(layers, "codes")
    patterns = bit_patterns(layers)
    return patterns if patterns.itemsize == 8 else pack(patterns, 8 * patterns.itemsize)


def bit_patterns(values: np.ndarray) -> np.ndarray:
    """Unsigned integers of the width of the values, contiguous: the bits of each, those of +0 for −0."""
    if values.dtype.kind == "f":
        values = values + values.dtype.type(0)
    if values.itemsize > 8:  # no integer is as wide
        return np.unique(values, return_inverse=True)[1].reshape(values.shape).astype(np.uint64)
    return np.ascontiguousarray(values).view(f"u{values.itemsize}")


def count(words: np.ndarray, classes: np.ndarray) -> Information:
    """Information of snapshots (S, words, N) and classes (N,).

    Where there are so many classes that codes by classes are a large table, pairs are numbered instead.
    """
    number = int(classes.max()) + 1
    if len(classes) * (number + 1) <= MOST_COUNTERS:
        return information_of_words(words, classes)
    logarithms = logarithms_of(len(classes))
    sums = np.zeros((3, len(words)), np.int64)
    for snapshot, own in enumerate(words):
        codes, _ = number_columns(own)
        pairs, _ = number_columns(np.stack([codes, classes]))
        counts, counts_of_pairs = np.bincount(codes), np.bincount(pairs)
        sums[:, snapshot] = logarithms[counts].sum(), logarithms[counts_of_pairs].sum(), len(counts)
    of_codes, of_codes_and_classes, distinct = sums
    return information_of_sums(of_codes, of_codes_and_classes, distinct, classes)


def reshaped(information: Information, leading: tuple[int, ...]) -> Information:
    return Information(*(values.reshape(leading) for values in information))


def number_of_bins(bins: int) -> int:
    try:
        number = index(bins)
    except TypeError as error:
        raise WrongType(f"bins: {short_text(bins)} is not a whole number; give 2 to {MOST_BINS}") from error
    if isinstance(bins, bool | np.bool_) or not 2 <= number <= MOST_BINS:
        raise WrongValue(f"bins: {short_text(bins)} is refused; give 2 to {MOST_BINS}")
    return number


def range_of_bins(range: BinRange, method: str) -> BinRange:
    """The range as it was given, if it is one that the method takes; a pair as two floats."""
    refuse_other_names("method", method, METHODS)
    if isinstance(range, str):
        if range not in RANGES:
            raise UserError(f"range: {range!r} is unknown; use {', '.join(RANGES)}, or a pair (low, high)")
        if method == "adaptive" and range != "global":
            raise UserError(f"range: {range!r} is refused; bins of equal mass take none, leave it out")
        return range
    ends = as_array("" if range is None else range, "range")
    if ends.shape != (2,) or ends.dtype.kind not in "iuf":
        raise UserError(
            f"range: {short_text(range)} is not a pair; use {', '.join(RANGES)}, or a pair (low, high)"
        )
    low, high = map(float, ends)
    if not -np.inf < low < high < np.inf:
        raise UserError(f"range: {range!r} is refused; give a pair of finite numbers, the lower one first")
    if method == "adaptive":
        raise UserError(f"range: {range!r} is refused; bins of equal mass take none, leave it out")
    return low, high


def refuse_infinities(activations: np.ndarray) -> None:
    """Refuse activations over whose range no bins can be laid."""
    if endless := int(np.isinf(activations).sum()):
        raise UserError(
            f"activations: {endless} of {activations.size} values are infinite; remove them, or give uniform "
            "bins over a range (low, high)"
        )


def ends_of(layers: np.ndarray, range: BinRange) -> tuple[np.ndarray, np.ndarray]:
    """The ends of a range of activations (S, width, N), each (S, 1 or width, 1)."""
    shape = (*layers.shape[:2], 1) if range == "neuron" else (len(layers), 1, 1)
    if not isinstance(range, str):
        return np.full(shape, range[0], dtype=float), np.full(shape, range[1], dtype=float)
    axes = {"global": (0, 1, 2), "layer": (1, 2), "neuron": (2,)}[range]
    low, high = (extreme(axis=axes, keepdims=True) for extreme in (layers.min, layers.max))
    return np.broadcast_to(low, shape), np.broadcast_to(high, shape)
