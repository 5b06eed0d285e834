"""Replay in loops, code for code, against PyTorch and against plain loops of a second reading."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from images import images_of_few_pixels
from reference import replayed, small_images
from tqdm import tqdm
from trainings import CASES, ON_IMAGES, dataset_of, name_of, spec_of

from infoplane import Dataset, TrainingSpec
from infoplane.activations import ACTIVATIONS
from infoplane.config import Bits
from infoplane.kernels import replay
from infoplane.kernels.replay import Replayer
from infoplane.kernels.training import Trainer
from infoplane.networks.replay import Replayer as InTorch
from infoplane.networks.schemes import scheme_of
from infoplane.records import Records, recorded_epochs


def trained(spec: TrainingSpec, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The snapshots of one repetition, parameters (S, P) and ranges (S, L, 2, 2)."""
    trainer, times = Trainer(spec, dataset), len(recorded_epochs(spec)[1])
    network, epochs = trainer.network, spec.prefit_epochs + spec.epochs
    records = Records(
        np.empty((times, network.size), dtype=np.float32),
        np.empty((times, len(network.layers), 2, 2), dtype=np.float32),
        np.empty((epochs, 3)),
    )
    trainer.train(3, records, tqdm(disable=True))
    return records.parameters, records.ranges


def assert_same(found: tuple[np.ndarray, ...], expected: tuple[np.ndarray, ...]) -> None:
    """Codes, scales, zeros and shares to the last bit, and of the same types; shares may be nothing."""
    for own, others in zip(found, expected, strict=True):
        assert own.dtype == others.dtype
        assert own.shape == others.shape or own.size == others.size == 0
        assert own.tobytes() == others.tobytes()


@pytest.mark.parametrize(("spec", "dtype"), CASES, ids=name_of)
def test_everything_is_that_of_pytorch_in_every_kind_of_training(spec, dtype):
    dataset = dataset_of(spec, dtype)
    snapshots = trained(spec, dataset)
    assert_same(Replayer(spec, dataset).replay(*snapshots), InTorch(spec, dataset, "cpu").replay(*snapshots))


def any_of(activation: str, bits: object = 8, **others) -> TrainingSpec:
    return spec_of(activation, bits, **ON_IMAGES | {"epochs": 2, "learning_rate": 2e-2} | others)


def in_16_bits(images: Dataset) -> Dataset:
    return replace(images, inputs=images.inputs.astype(np.uint16) * 257, scale=1 / 65535)


KINDS = {
    "sparse": (any_of("relu", network=[17, 5]), images_of_few_pixels()),
    "sparse, batch": (any_of("tanh", network=[17, 5]), images_of_few_pixels()),
    "sparse, controlled": (any_of("gelu", protocol="controlled", network=[17, 5]), images_of_few_pixels()),
    "sparse, 16 bits": (any_of("relu", 16, network=[33]), images_of_few_pixels(70, 10)),
    "sparse, float32": (any_of("relu", "float32", network=[17, 5]), images_of_few_pixels()),
    "sparse, tanh, float32": (any_of("tanh", "float32", network=[33]), images_of_few_pixels(70, 10)),
    "conv": (any_of("relu"), small_images((9, 8))),
    "conv, 12 bits": (any_of("relu", {"weights": 3, "activations": 12}), small_images((3, 9, 8))),
    "conv, batch": (any_of("tanh", 4), small_images((9, 8))),
    "conv, float32": (any_of("elu", "float32"), small_images((9, 8))),
    "conv on floats": (any_of("identity", protocol="controlled"), small_images((9, 8), np.float32)),
    "a pool first": (any_of("relu", network=[{"pool": 2}, 7]), small_images((9, 8))),
    "a pool last, on floats": (
        any_of("tanh", network=[{"conv": 2, "kernel": 4}, {"pool": 2}]),
        small_images((9, 8), np.float32),
    ),
    "few features, batch": (any_of("tanh", network=[7, 3]), small_images((2, 3))),
    "few features on floats, float32": (
        any_of("elu", "float32", network=[4]),
        small_images((2, 3), np.float32),
    ),
    "dense on 16 bits": (any_of("relu", network=[16, 3]), in_16_bits(small_images((5, 7)))),
    "dense on 16 bits, float32": (
        any_of("sigmoid", "float32", network=[9]),
        in_16_bits(small_images((5, 7))),
    ),
    "prefit": (any_of("relu", prefit_epochs=2, network=[5]), small_images((5, 7))),
}
with_kinds = pytest.mark.parametrize("kind", KINDS)


@cache
def snapshots_of(kind: str) -> tuple[np.ndarray, np.ndarray]:
    return trained(*KINDS[kind])


@cache
def found(kind: str) -> tuple[np.ndarray, ...]:
    return Replayer(*KINDS[kind]).replay(*snapshots_of(kind))


@with_kinds
def test_everything_is_that_of_pytorch_for_all_forms_of_inputs(kind):
    spec, dataset = KINDS[kind]
    assert Replayer(spec, dataset).inputs.is_sparse == kind.startswith("sparse")
    assert_same(found(kind), InTorch(spec, dataset, "cpu").replay(*snapshots_of(kind)))


@pytest.mark.parametrize("pixels", [1, 2, 3, 4, 5, 7, 40])
def test_sums_over_few_pixels_are_exact_at_any_number_of_bits(pixels):
    """Also where they exceed 2²⁴: all weights are positive, so that steps reach 2ᵇ − 1."""
    generator = np.random.default_rng(pixels)
    images = np.zeros((500, 100), dtype=np.uint8)
    for image in images:
        image[generator.permutation(100)[:pixels]] = generator.integers(253, 256, pixels)
    dataset = Dataset("images", images, np.arange(500) % 3, np.arange(500) < 400, 1 / 255)
    for bits in (8, 16):
        spec = any_of("relu", bits, network=[33], ranges={"activations": (0.0, float(pixels))}, epochs=1)
        parameters, ranges = trained(spec, dataset)
        parameters[:, : 100 * 33] = generator.uniform(0.9, 1, 100 * 33)
        replayer = Replayer(spec, dataset)
        assert replayer.inputs.is_sparse
        assert_same(
            replayer.replay(parameters, ranges), InTorch(spec, dataset, "cpu").replay(parameters, ranges)
        )


@with_kinds
def test_codes_are_those_of_plain_loops(kind):
    """Of the second reading, which takes logits relative to the largest one; shares up to float32."""
    spec, dataset = KINDS[kind]
    outputs, scales, zeros, shares = found(kind)
    stops = np.cumsum(Replayer(spec, dataset).plan.layers["outputs"])
    for place, snapshot in enumerate(zip(*snapshots_of(kind), strict=True)):
        codes, activations = replayed(*snapshot, spec, dataset)
        layers = np.split(outputs[place], stops[:-1])
        for number, (own, expected) in enumerate(zip(layers, codes, strict=True)):
            if not isinstance(spec.bits, Bits):
                own = own.view(np.int32)
            elif number == len(codes) - 1 and len(shares):
                own = own.astype(int) - own.max(0, keepdims=True)
                np.testing.assert_allclose(shares[place].T, activations[-1], rtol=2**-23)
            np.testing.assert_array_equal(own.T, expected)
            if isinstance(spec.bits, Bits) and not (number == len(codes) - 1 and len(shares)):
                values = (own - zeros[place, number]) * scales[place, number]
                np.testing.assert_allclose(values.T, activations[number], rtol=1e-12)


@with_kinds
def test_types_hold_the_codes(kind):
    spec, dataset = KINDS[kind]
    outputs, scales, zeros, shares = found(kind)
    bits = spec.bits.activations if isinstance(spec.bits, Bits) else 32
    assert outputs.dtype == {
        2: np.uint8,
        3: np.uint8,
        4: np.uint8,
        8: np.uint8,
        12: np.uint16,
        16: np.uint16,
    }.get(bits, np.float32)
    count, layers = len(snapshots_of(kind)[0]), snapshots_of(kind)[1].shape[1]
    assert outputs.shape == (count, Replayer(spec, dataset).plan.layers["outputs"].sum(), len(dataset.labels))
    assert scales.shape == zeros.shape == (count, layers)
    if bits < 32:
        assert outputs.max() < 2**bits
    reads_logits = bits < 32 and scheme_of(spec).reads == "logits"
    assert shares.shape == (count if reads_logits else 0, dataset.classes, len(dataset.labels))
    of_output = shares if reads_logits else outputs[:, -dataset.classes :]
    if bits == 32 or reads_logits:
        np.testing.assert_allclose(of_output.sum(1, dtype=float), 1, rtol=0, atol=dataset.classes * 2.0**-24)


@with_kinds
def test_a_snapshot_does_not_know_what_it_is_replayed_with(kind):
    replayer, snapshots = Replayer(*KINDS[kind]), snapshots_of(kind)
    for place in reversed(range(len(snapshots[0]))):
        alone = replayer.replay(*(each[place : place + 1] for each in snapshots))
        assert_same(alone, tuple(each[place : place + 1] for each in found(kind)))


@with_kinds
@pytest.mark.parametrize("together", [1, 2000, 2**30])
def test_blocks_of_inputs_change_nothing(monkeypatch, kind, together):
    """Unless a range is that of the whole data set, which is one block then."""
    monkeypatch.setattr(replay, "VALUES_TOGETHER", together)
    spec, dataset = KINDS[kind]
    replayer, count = Replayer(spec, dataset), len(dataset.labels)
    if together != 2000:
        in_one = scheme_of(spec).needs_all_inputs or together > 1
        assert (replayer.together >= count) == in_one
    assert_same(replayer.replay(*snapshots_of(kind)), found(kind))


# The grid of inputs is that of the training inputs.
INDEPENDENT = [
    kind
    for kind, (spec, dataset) in KINDS.items()
    if dataset.inputs.dtype != np.float32 and not scheme_of(spec).needs_all_inputs
]


@pytest.mark.parametrize("count", [5, 31, 32, 33, 63, 64, 65])
@pytest.mark.parametrize("kind", INDEPENDENT)
def test_an_input_does_not_know_what_it_is_replayed_with(monkeypatch, kind, count):
    """However many there are, in one block or in several; the last panel may hold a single input."""
    spec, dataset = KINDS[kind]
    monkeypatch.setattr(replay, "VALUES_TOGETHER", 1)
    classes = range(dataset.classes)
    count = max(count, len(classes) + 1)
    order = np.random.default_rng(count).integers(0, len(dataset.labels), count)
    order[: len(classes)] = [np.argmax(dataset.labels == label) for label in classes]
    names = {name: getattr(dataset, name)[order] for name in ("inputs", "labels")}
    some = replace(dataset, **names, train_mask=np.arange(count) < count - 1)
    outputs, scales, zeros, shares = found(kind)
    expected = outputs[..., order], scales, zeros, shares[..., order]
    assert_same(Replayer(spec, some).replay(*snapshots_of(kind)), expected)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_negative_zero_counts_as_zero(activation):
    """Where all weights and biases are −0, so are sums; but for the sigmoid, outputs are 0."""
    spec, dataset = any_of(activation, "float32", network=[9, 4]), small_images((5, 7))
    parameters, ranges = (each[:1].copy() for each in trained(spec, dataset))
    parameters[:] = -0.0
    outputs, *_ = Replayer(spec, dataset).replay(parameters, ranges)
    assert not np.signbit(outputs).any()
    if activation != "sigmoid":
        assert not outputs[:, :13].any()
