"""Layers against sums in NumPy: of whole numbers exactly, of others up to the roundings of their terms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import MARGIN, PANEL, from_panels, panels_of, room, to_panels, within_margins, written
from numpy.lib.stride_tricks import sliding_window_view

from infoplane import TrainingSpec
from infoplane.kernels.layers import (
    LAYER,
    backward_sums,
    bias_gradient,
    conv_deltas,
    conv_gradient,
    conv_sums,
    dense_gradient,
    dense_sums,
    forward_sums,
    kernel_gradient,
    layer_records,
    pool,
    pool_deltas,
    scale_and_shift,
)
from infoplane.networks.layers import network_of

FLOATS = [np.float32, np.float64]
with_floats = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
any_example = settings(max_examples=50)
counts, seeds = st.integers(1, 70), st.integers(0, 2**32)
widths = st.integers(1, 20)


@st.composite
def convolutions(draw):
    """Channels, rows and columns of images; size and number of filters."""
    size = draw(st.integers(1, 5))
    rows, columns = draw(st.integers(size, 9)), draw(st.integers(size, 9))
    return draw(st.integers(1, 4)), rows, columns, size, draw(st.integers(1, 5))


def whole(seed, *shape):
    """Whole numbers so small that no sum of this module exceeds 2²⁴."""
    return np.random.default_rng(seed).integers(-30, 31, shape).astype(np.float64)


# The layers, called on arrays (N, …) in one type. Before what they write lies a margin, too.


def within(values):
    """A flat array whose numbers begin at 0, before and behind which others lie."""
    return within_margins(values)[MARGIN:]


def record_of(**fields):
    """A layer, whose parameters begin at MARGIN."""
    record = np.zeros(1, dtype=LAYER)
    for name, value in ({"start": MARGIN} | fields).items():
        record[name] = value
    return record[0]


def dense(kernel, x, dtype, transposed=False):
    fan_in, width = kernel.shape[::-1] if transposed else kernel.shape
    of_kernel = within_margins(kernel.astype(dtype).ravel())
    sums = room(panels_of(len(x)) * PANEL * width, dtype)
    steps = (1, fan_in) if transposed else (width, 1)
    panels = within_margins(to_panels(x, dtype))
    dense_sums(of_kernel, MARGIN, *steps, panels, MARGIN, fan_in, width, panels_of(len(x)), sums[MARGIN:])
    return from_panels(written(sums), len(x), width)


def gradient_of_dense(x, deltas, dtype):
    fan_in, width = x.shape[1], deltas.shape[1]
    gradient = room(fan_in * width, dtype)
    given_x, given_deltas = within_margins(to_panels(x, dtype)), within(to_panels(deltas, dtype, "zeros"))
    layer = record_of(fan_in=fan_in, width=width)
    dense_gradient(layer, given_x, MARGIN, given_deltas, panels_of(len(x)), gradient)
    return written(gradient).reshape(fan_in, width)


def gradient_of_bias(deltas, dtype):
    """Of deltas (N, width, places)."""
    count, width, places = deltas.shape
    gradient = room(width, dtype)
    panels = within(to_panels(deltas, dtype, "zeros"))
    bias_gradient(record_of(width=width, outputs=width * places), panels, panels_of(count), gradient)
    return written(gradient)


def convolution_record(channels, rows, columns, size, filters):
    shape = {"channels": channels, "rows": rows, "columns": columns, "size": size}
    return record_of(fan_in=channels * size * size, width=filters, **shape)


def convolution(kernel, x, dtype):
    """Of a kernel (channels, size, size, filters) on images (N, channels, rows, columns)."""
    count, channels, rows, columns = x.shape
    size, filters = kernel.shape[2:]
    shape = filters, rows - size + 1, columns - size + 1
    sums = room(panels_of(count) * PANEL * int(np.prod(shape)), dtype)
    of_kernel, panels = within_margins(kernel.astype(dtype).ravel()), within_margins(to_panels(x, dtype))
    layer, taps = (
        convolution_record(channels, rows, columns, size, filters),
        room(kernel[..., 0].size, np.int64),
    )
    conv_sums(layer, of_kernel, panels, MARGIN, panels_of(count), sums[MARGIN:], taps[MARGIN:])
    written(taps)
    return from_panels(written(sums), count, *shape)


def gradient_of_convolution(x, deltas, dtype):
    count, channels, rows, columns = x.shape
    filters, size = deltas.shape[1], rows - deltas.shape[2] + 1
    weights = channels * size * size * filters
    gradient = room(weights, dtype)
    of_x, of_deltas = within_margins(to_panels(x, dtype)), within(to_panels(deltas, dtype, "zeros"))
    partial = np.full(weights * 16, np.nan, dtype=dtype)
    layer = convolution_record(channels, rows, columns, size, filters)
    conv_gradient(layer, of_x, MARGIN, of_deltas, panels_of(count), gradient, partial)
    return written(gradient).reshape(channels, size, size, filters)


def deltas_of_convolution(kernel, deltas, rows, columns, dtype):
    channels, _, size, filters = kernel.shape
    count = len(deltas)
    back = room(panels_of(count) * PANEL * channels * rows * columns, dtype)
    of_kernel, panels = within_margins(kernel.astype(dtype).ravel()), within(to_panels(deltas, dtype))
    layer = convolution_record(channels, rows, columns, size, filters)
    conv_deltas(layer, of_kernel, panels, panels_of(count), back[MARGIN:])
    return from_panels(written(back), count, channels, rows, columns)


def pooled(x, size, dtype):
    count, channels, rows, columns = x.shape
    shape = channels, rows // size, columns // size
    maxima = room(panels_of(count) * PANEL * int(np.prod(shape)), dtype)
    panels = within_margins(to_panels(x, dtype))
    layer = record_of(channels=channels, rows=rows, columns=columns, size=size)
    pool(layer, panels, MARGIN, panels_of(count), maxima, MARGIN)
    return from_panels(written(maxima), count, *shape)


def deltas_of_pool(x, deltas, size, dtype):
    count, channels, rows, columns = x.shape
    back = room(panels_of(count) * PANEL * channels * rows * columns, dtype)
    of_x, of_deltas = within_margins(to_panels(x, dtype)), within(to_panels(deltas, dtype, "zeros"))
    layer = record_of(channels=channels, rows=rows, columns=columns, size=size)
    pool_deltas(layer, of_x, MARGIN, of_deltas, panels_of(count), back[MARGIN:])
    return from_panels(written(back), count, channels, rows, columns)


# The same in NumPy


def squares(x, size):
    """(N, channels, rows, columns, size, size)."""
    return sliding_window_view(x, (size, size), axis=(2, 3))


def convolution_in_numpy(kernel, x):
    return np.einsum("cijf,ncrsij->nfrs", kernel, squares(x, kernel.shape[1]))


def gradient_in_numpy(x, deltas):
    return np.einsum("nfrs,ncrsij->cijf", deltas, squares(x, x.shape[2] - deltas.shape[2] + 1))


def deltas_in_numpy(kernel, deltas, rows, columns):
    """What each place of an output gives back to its square."""
    back = np.zeros((len(deltas), len(kernel), rows, columns))
    size = kernel.shape[1]
    for row, column in np.ndindex(deltas.shape[2:]):
        own = np.einsum("cijf,nf->ncij", kernel, deltas[:, :, row, column])
        back[:, :, row : row + size, column : column + size] += own
    return back


@with_floats
@given(counts, widths, widths, seeds)
@any_example
def test_dense_sums_and_gradients_of_whole_numbers(dtype, count, fan_in, width, seed):
    x, kernel, deltas = (
        whole(seed, count, fan_in),
        whole(seed + 1, fan_in, width),
        whole(seed + 2, count, width),
    )
    np.testing.assert_array_equal(dense(kernel, x, dtype), x @ kernel)
    np.testing.assert_array_equal(gradient_of_dense(x, deltas, dtype), x.T @ deltas)
    np.testing.assert_array_equal(dense(kernel, deltas, dtype, transposed=True), deltas @ kernel.T)


@with_floats
@given(counts, convolutions(), seeds)
@any_example
def test_sums_and_gradients_of_convolutions_of_whole_numbers(dtype, count, convolution_of, seed):
    channels, rows, columns, size, filters = convolution_of
    x, kernel = whole(seed, count, channels, rows, columns), whole(seed + 1, channels, size, size, filters)
    deltas = whole(seed + 2, count, filters, rows - size + 1, columns - size + 1)
    np.testing.assert_array_equal(convolution(kernel, x, dtype), convolution_in_numpy(kernel, x))
    np.testing.assert_array_equal(gradient_of_convolution(x, deltas, dtype), gradient_in_numpy(x, deltas))
    np.testing.assert_array_equal(
        deltas_of_convolution(kernel, deltas, rows, columns, dtype),
        deltas_in_numpy(kernel, deltas, rows, columns),
    )


@with_floats
@given(counts, widths, st.integers(1, 12), seeds)
@any_example
def test_gradients_of_biases_of_whole_numbers(dtype, count, width, places, seed):
    deltas = whole(seed, count, width, places)
    np.testing.assert_array_equal(gradient_of_bias(deltas, dtype), deltas.sum((0, 2)))


@with_floats
@given(counts, st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.data(), seeds)
@any_example
def test_pools_and_their_deltas(dtype, count, channels, rows, columns, levels, data, seed):
    """Of few levels, so that most squares have several maxima; what fills no square is left out."""
    size = data.draw(st.integers(1, min(rows, columns)))
    x = np.random.default_rng(seed).integers(-levels, 1, (count, channels, rows, columns)).astype(float)
    cut = x[:, :, : rows // size * size, : columns // size * size]
    windows = squares(cut, size)[:, :, ::size, ::size]
    np.testing.assert_array_equal(pooled(x, size, dtype), windows.max((4, 5)))
    deltas = whole(seed, *windows.shape[:4])
    expected = np.zeros_like(x)
    for place in np.ndindex(deltas.shape):
        row, column = divmod(int(windows[place].argmax()), size)
        there = (*place[:2], place[2] * size + row, place[3] * size + column)
        expected[there] = deltas[place]
    np.testing.assert_array_equal(deltas_of_pool(x, deltas, size, dtype), expected)


def real(seed, *shape):
    """Numbers of all sizes between 1e-4 and 1e4."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=shape) * 10.0 ** generator.integers(-4, 5, shape)


@with_floats
@pytest.mark.parametrize("seed", range(3))
def test_sums_of_other_numbers_are_as_exact_as_their_terms_allow(seed, dtype):
    """Each of n products and sums is rounded once: they are right to n·u of the sum of what they add up."""
    count, channels, rows, columns, size, filters = 45, 3, 7, 8, 3, 5
    images, kernels = (
        real(seed, count, channels, rows, columns),
        real(seed + 1, channels, size, size, filters),
    )
    of_images = real(seed + 2, count, filters, rows - size + 1, columns - size + 1)
    x, kernel, deltas = real(seed + 3, count, 13), real(seed + 4, 13, 7), real(seed + 5, count, 7)
    images, kernels, of_images, x, kernel, deltas = (
        each.astype(dtype).astype(np.longdouble) for each in (images, kernels, of_images, x, kernel, deltas)
    )
    places = of_images[0, 0].size
    for ours, exact, arguments, terms in [
        (dense, lambda w, x: x @ w, (kernel, x), 13),
        (gradient_of_dense, lambda x, d: x.T @ d, (x, deltas), count),
        (
            lambda w, d, dtype: dense(w, d, dtype, transposed=True),
            lambda w, d: d @ w.T,
            (kernel, deltas),
            7,
        ),
        (gradient_of_bias, lambda d: d.sum((0, 2)), (of_images.reshape(count, filters, -1),), count * places),
        (convolution, convolution_in_numpy, (kernels, images), channels * size**2),
        (gradient_of_convolution, gradient_in_numpy, (images, of_images), count * places),
        (
            lambda w, d, dtype: deltas_of_convolution(w, d, rows, columns, dtype),
            lambda w, d: deltas_in_numpy(w, d, rows, columns),
            (kernels, of_images),
            filters * size**2,
        ),
    ]:
        bound = terms * np.finfo(dtype).eps / 2 * exact(*map(np.abs, arguments))
        assert (np.abs(ours(*arguments, dtype) - exact(*arguments)) <= bound).all()


def of_few_digits(seed, dtype, *shape):
    """Numbers of all sizes of half the digits of a type, so that their products are exact."""
    generator, digits = np.random.default_rng(seed), 12 if dtype is np.float32 else 26
    numbers = generator.integers(-(2**digits), 2**digits, shape)
    return (numbers * 2.0 ** generator.integers(-digits, digits, shape)).astype(dtype)


def folded(lanes):
    """The sum of lanes (…, lanes), by halves."""
    while lanes.shape[-1] > 1:
        middle = lanes.shape[-1] // 2
        lanes = lanes[..., :middle] + lanes[..., middle:]
    return lanes[..., 0]


@with_floats
def test_sums_are_taken_in_the_order_that_the_module_names(dtype):
    """Over inputs lane by lane, folded at the end; all others in the order of their index."""
    count, fan_in, width, lanes = 70, 9, 6, 64 // np.dtype(dtype).itemsize
    shapes = (count, fan_in), (fan_in, width), (count, width), (count, 2, 5, 6), (2, 3, 3, 3)
    x, kernel, deltas, images, kernels = (
        of_few_digits(seed, dtype, *shape) for seed, shape in enumerate(shapes)
    )

    in_order = np.zeros((count, width), dtype=dtype)
    for index in range(fan_in):
        in_order += x[:, index, None] * kernel[index]
    np.testing.assert_array_equal(dense(kernel, x, dtype), in_order)
    assert (in_order != (x.astype(np.longdouble) @ kernel).astype(dtype)).any()

    filled_x, filled_deltas = (np.pad(each, ((0, -count % PANEL), (0, 0))) for each in (x, deltas))
    by_lane, of_bias = np.zeros((fan_in, width, lanes), dtype=dtype), np.zeros((width, lanes), dtype=dtype)
    for start in range(0, len(filled_x), lanes):
        own_x, own_deltas = filled_x[start : start + lanes].T, filled_deltas[start : start + lanes].T
        by_lane += own_x[:, None] * own_deltas
        of_bias += own_deltas
    np.testing.assert_array_equal(gradient_of_dense(x, deltas, dtype), folded(by_lane))
    np.testing.assert_array_equal(gradient_of_bias(deltas[:, :, None], dtype), folded(of_bias))

    in_order = np.zeros((count, 3, 3, 4), dtype=dtype)
    for channel, down, right in np.ndindex(2, 3, 3):
        own = images[:, channel, None, down : down + 3, right : right + 4]
        in_order += kernels[channel, down, right][:, None, None] * own
    np.testing.assert_array_equal(convolution(kernels, images, dtype), in_order)


@with_floats
@given(counts, widths, st.integers(1, 9), seeds)
@any_example
def test_sums_are_scaled_and_then_shifted(dtype, count, width, places, seed):
    """Each operation is rounded by itself; all places of an output share its bias."""
    sums, bias = real(seed, count, width, places).astype(dtype), real(seed + 1, width).astype(dtype)
    scale = dtype(np.random.default_rng(seed).normal())
    found, parameters = within_margins(to_panels(sums, dtype)), within_margins(bias)
    layer = record_of(width=width, outputs=width * places)
    scale_and_shift(layer, found[MARGIN:], scale, parameters, panels_of(count))
    found = from_panels(written(found), count, width, places)
    np.testing.assert_array_equal(found, sums * scale + bias[:, None])


NETWORK = network_of(
    TrainingSpec(
        dataset="mine",
        network=[{"conv": 2, "kernel": 3}, {"pool": 2}, 5],
        activation="relu",
        bits=8,
        epochs=1,
        record_every=1,
    ),
    (3, 9, 8),
    classes=4,
)


def test_records_say_where_parameters_and_values_lie():
    """After the values of the inputs come those of each layer."""
    records = layer_records(NETWORK.layers, 3 * 9 * 8)
    conv, pool, dense, output = (dict(zip(LAYER.names, record.tolist(), strict=True)) for record in records)
    assert [each["outputs"] for each in (conv, pool, dense, output)] == [2 * 7 * 6, 2 * 3 * 3, 5, 4]
    assert [each["start"] for each in (conv, dense, output)] == [0, 56, 56 + 95]
    offsets = [0, 216, 216 + 84, 216 + 84 + 18, 216 + 84 + 18 + 5]
    assert records["input_offset"].tolist() == offsets[:-1]
    assert records["output_offset"].tolist() == offsets[1:]
    assert (conv["fan_in"], conv["width"], dense["fan_in"], dense["width"]) == (27, 2, 18, 5)
    shapes = [tuple(each[name] for name in ("channels", "rows", "columns", "size")) for each in (conv, pool)]
    assert shapes == [(3, 9, 8, 3), (2, 7, 6, 2)]
    assert pool["fan_in"] == dense["size"] == 0
    assert len({each["kind"] for each in (conv, pool, dense)}) == 3 and output["kind"] == dense["kind"]


@with_floats
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_each_kind_of_layer_runs_its_own_kernels(kind, dtype):
    """Forward, backward and for the gradient, where it lies among the parameters."""
    layer = layer_records(NETWORK.layers, 3 * 9 * 8)[{"conv": 0, "dense": 2}[kind]]
    fan_in, width, outputs = (int(layer[name]) for name in ("fan_in", "width", "outputs"))
    features = 3 * 9 * 8 if kind == "conv" else fan_in
    x, deltas, kernel = whole(0, 40, features), whole(1, 40, outputs), whole(2, fan_in, width)
    if kind == "conv":
        x, squares_of, kernel_of = (
            x.reshape(40, 3, 9, 8),
            deltas.reshape(40, 2, 7, 6),
            kernel.reshape(3, 3, 3, 2),
        )
        expected = convolution_in_numpy(kernel_of, x), gradient_in_numpy(x, squares_of)
        back = deltas_in_numpy(kernel_of, squares_of, 9, 8)
    else:
        expected, back = (x @ kernel, x.T @ deltas), deltas @ kernel.T
    kernels, gradient = np.full((2, NETWORK.size + 16), 7, dtype=dtype)
    start = layer["start"]
    kernels[start : start + kernel.size] = kernel.ravel()
    sums, carried = np.zeros(64 * outputs, dtype=dtype), np.zeros(64 * features, dtype=dtype)
    scratch, taps = np.zeros(kernel.size * 16, dtype=dtype), np.zeros(fan_in, dtype=np.int64)
    forward_sums(layer, kernels, to_panels(x, dtype), 0, 2, sums, taps)
    np.testing.assert_array_equal(from_panels(sums, 40, *expected[0].shape[1:]), expected[0])
    kernel_gradient(layer, to_panels(x, dtype), 0, to_panels(deltas, dtype, "zeros"), 2, gradient, scratch)
    np.testing.assert_array_equal(gradient[start : start + kernel.size], expected[1].ravel())
    assert (np.delete(gradient, np.arange(start, start + kernel.size)) == 7).all()
    backward_sums(layer, kernels, to_panels(deltas, dtype), 2, carried)
    np.testing.assert_array_equal(from_panels(carried, 40, *back.shape[1:]), back)
