"""Vectors of 16 float32 or 8 float64 numbers, the unit of the kernels' loops.

Every operation rounds each lane by itself, as IEEE 754 says, on every processor. A product and a sum are
rounded together by `fma` alone. Lanes are added to each other by `total` alone, in one order. So a kernel
computes the same bytes whatever instructions it is compiled to, for one register of 512 bits or four of 128
bits.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

__all__ = [
    "broadcast",
    "floor",
    "fma",
    "full_like",
    "larger",
    "largest",
    "load",
    "load_as",
    "magnitude",
    "prefetch",
    "rounded_to_single",
    "select",
    "smaller",
    "smallest",
    "splat",
    "square_root",
    "store",
    "store_as",
    "total",
    "transpose",
    "with_sign",
]

BYTES = 64


class Vector(types.Type):
    """Type of a vector: 64 bytes of numbers of one type."""

    def __init__(self, scalar: types.Type) -> None:
        self.scalar = scalar
        self.lanes = BYTES // (scalar.bitwidth // 8)
        super().__init__(f"vector({scalar} × {self.lanes})")


class Mask(types.Type):
    """Type of a comparison of two vectors: a truth value for each lane."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(f"mask({lanes})")


VECTORS = {scalar: Vector(scalar) for scalar in (types.float32, types.float64)}
SCALARS = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}
SUFFIX = {types.float32: "f32", types.float64: "f64"}


def vector_in_llvm(vector: Vector) -> ir.VectorType:
    return ir.VectorType(SCALARS[vector.scalar], vector.lanes)


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, vector_in_llvm(vector))


@register_model(Mask)
class MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, mask: Mask) -> None:
        super().__init__(manager, mask, ir.VectorType(ir.IntType(1), mask.lanes))


def repeated(builder: ir.IRBuilder, scalar: ir.Value, vector: Vector) -> ir.Value:
    """A vector with a scalar in every lane."""
    undefined = ir.Constant(vector_in_llvm(vector), ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.lanes), [0] * vector.lanes)
    return builder.shuffle_vector(first, undefined, zeros)


def constant(vector: Vector, value: float) -> ir.Constant:
    return ir.Constant(vector_in_llvm(vector), [value] * vector.lanes)


def call_of_llvm(builder: ir.IRBuilder, name: str, vector: Vector, arguments: list[ir.Value]) -> ir.Value:
    """Call of LLVM's function of that name, which works on vectors lane by lane."""
    kind = vector_in_llvm(vector)
    function = ir.FunctionType(kind, [kind] * len(arguments))
    full_name = f"llvm.{name}.v{vector.lanes}{SUFFIX[vector.scalar]}"
    return builder.call(cgutils.get_or_insert_function(builder.module, function, full_name), arguments)


# a + b, a − b, a·b, a/b; and a < b, a ≤ b, a > b, a ≥ b, which are false where a lane is NaN


def define_operator(
    operation: Any, emit: Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value], compares: bool
) -> None:
    """Define an operator of Python for two vectors of one type."""

    @infer_global(operation)
    class Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 2 and isinstance(args[0], Vector) and args[0] == args[1]:
                return signature(Mask(args[0].lanes) if compares else args[0], *args)
            return None

    @lower_builtin(operation, Vector, Vector)
    def lower(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return emit(builder, *args)


define_operator(operator.add, lambda builder, a, b: builder.fadd(a, b), False)
define_operator(operator.sub, lambda builder, a, b: builder.fsub(a, b), False)
define_operator(operator.mul, lambda builder, a, b: builder.fmul(a, b), False)
define_operator(operator.truediv, lambda builder, a, b: builder.fdiv(a, b), False)
define_operator(operator.lt, lambda builder, a, b: builder.fcmp_ordered("<", a, b), True)
define_operator(operator.le, lambda builder, a, b: builder.fcmp_ordered("<=", a, b), True)
define_operator(operator.gt, lambda builder, a, b: builder.fcmp_ordered(">", a, b), True)
define_operator(operator.ge, lambda builder, a, b: builder.fcmp_ordered(">=", a, b), True)


@infer_global(operator.and_)
class MaskTemplate(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 2 and isinstance(args[0], Mask) and args[0] == args[1]:
            return signature(args[0], *args)
        return None


@lower_builtin(operator.and_, Mask, Mask)
def lower_and(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    return builder.and_(*args)


def address(
    context: Any, builder: ir.IRBuilder, array: types.Array, value: ir.Value, offset: ir.Value
) -> ir.Value:
    """The address of an element of a flat contiguous array."""
    return builder.gep(context.make_array(array)(context, builder, value).data, [offset])


@intrinsic
def load(typing: Any, array: Any, offset: Any) -> Any:
    """The vector at an offset of a flat array."""
    vector = VECTORS[array.dtype]

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        where = address(context, builder, sig.args[0], *args)
        return builder.load(
            builder.bitcast(where, vector_in_llvm(vector).as_pointer()), align=vector.scalar.bitwidth // 8
        )

    return vector(array, types.int64), emit


@intrinsic
def store(typing: Any, array: Any, offset: Any, vector: Any) -> Any:
    """Write a vector at an offset of a flat array."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        where = address(context, builder, sig.args[0], *args[:2])
        where = builder.bitcast(where, vector_in_llvm(vector).as_pointer())
        builder.store(args[2], where, align=vector.scalar.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.int64, vector), emit


NUMBERS = {types.uint8: 8, types.uint16: 16, types.int16: 16, types.int32: 32}


def in_llvm(scalar: types.Type) -> ir.Type:
    return SCALARS[scalar] if scalar in SCALARS else ir.IntType(NUMBERS[scalar])


def converted(builder: ir.IRBuilder, value: ir.Value, stored: types.Type, wanted: types.Type) -> ir.Value:
    """A vector of any type, converted to one of floats."""
    if stored == wanted:
        return value
    if isinstance(stored, types.Integer):
        convert = builder.sitofp if stored.signed else builder.uitofp
    else:
        convert = builder.fpext if stored == types.float32 else builder.fptrunc
    return convert(value, ir.VectorType(SCALARS[wanted], value.type.count))


@intrinsic
def load_as(typing: Any, array: Any, offset: Any, like: Any) -> Any:
    """The vector at an offset of a flat array of any type, converted to the type of another vector."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        stored = array.dtype
        kind = ir.VectorType(in_llvm(stored), like.lanes)
        where = builder.bitcast(address(context, builder, sig.args[0], *args[:2]), kind.as_pointer())
        return converted(builder, builder.load(where, align=stored.bitwidth // 8), stored, like.scalar)

    return like(array, types.int64, like), emit


@intrinsic
def store_as(typing: Any, array: Any, offset: Any, vector: Any) -> Any:
    """Write a vector at an offset of a flat array of another type: floats, or unsigned integers that can hold
    its numbers.
    """

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        stored = array.dtype
        kind = ir.VectorType(in_llvm(stored), vector.lanes)
        where = builder.bitcast(address(context, builder, sig.args[0], *args[:2]), kind.as_pointer())
        value = args[2]
        if isinstance(stored, types.Integer):
            value = builder.fptoui(value, kind)
        elif stored != vector.scalar:
            value = (builder.fptrunc if stored == types.float32 else builder.fpext)(value, kind)
        builder.store(value, where, align=stored.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.int64, vector), emit


@intrinsic
def prefetch(typing: Any, array: Any, offset: Any) -> Any:
    """Fetch the memory around an offset of a flat array into the cache, which changes nothing."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        where = builder.bitcast(address(context, builder, sig.args[0], *args), byte)
        builder.call(function, [where, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), emit


@intrinsic
def splat(typing: Any, scalar: Any) -> Any:
    """A vector with a number in every lane."""
    vector = VECTORS[scalar]
    return vector(scalar), lambda context, builder, sig, args: repeated(builder, args[0], vector)


@intrinsic
def broadcast(typing: Any, array: Any, offset: Any) -> Any:
    """A vector with the number at an offset of a flat array in every lane."""
    vector = VECTORS[array.dtype]

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        where = address(context, builder, sig.args[0], *args)
        return repeated(builder, builder.load(where, align=vector.scalar.bitwidth // 8), vector)

    return vector(array, types.int64), emit


SIDE = 16


@intrinsic
def transpose(
    typing: Any, source: Any, rows: Any, column: Any, target: Any, offset: Any, distance: Any, count: Any
) -> Any:
    """Transpose a square of 16 × 16 numbers of a flat array into another one, which may be of another type.

    Row r begins at `source[rows[r] + column]`. Each column becomes a row of 16 numbers. The first `count` of
    them are written, the first at `offset`, the others at a `distance` from the one before.
    """

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        stored, wanted = source.dtype, target.dtype
        kind = ir.VectorType(in_llvm(stored), SIDE)
        lines = []
        for row in range(SIDE):
            start = builder.load(address(context, builder, sig.args[1], args[1], ir.IntType(64)(row)))
            where = address(context, builder, sig.args[0], args[0], builder.add(start, args[2]))
            lines.append(builder.load(builder.bitcast(where, kind.as_pointer()), align=stored.bitwidth // 8))
        # Four times, line i and line i + 8 are interleaved: then each line is a column.
        order = [half + SIDE * other for half in range(SIDE) for other in (0, 1)]
        masks = [
            ir.Constant(ir.VectorType(ir.IntType(32), SIDE), part) for part in (order[:SIDE], order[SIDE:])
        ]
        for _ in range(4):
            pairs = [(lines[row], lines[row + SIDE // 2]) for row in range(SIDE // 2)]
            lines = [builder.shuffle_vector(*pair, mask) for pair in pairs for mask in masks]
        for row, line in enumerate(lines):
            with builder.if_then(builder.icmp_signed("<", ir.IntType(64)(row), args[6])):
                there = builder.add(args[4], builder.mul(args[5], ir.IntType(64)(row)))
                where = builder.bitcast(
                    address(context, builder, sig.args[3], args[3], there),
                    ir.VectorType(in_llvm(wanted), SIDE).as_pointer(),
                )
                value = converted(builder, line, stored, wanted)
                builder.store(value, where, align=wanted.bitwidth // 8)
        return context.get_dummy_value()

    number = types.int64
    return types.void(source, rows, number, target, number, number, number), emit


@intrinsic
def full_like(typing: Any, like: Any, scalar: Any) -> Any:
    """A number in the type of another number, or a vector of it in the type of another vector."""
    of_lanes = like.scalar if isinstance(like, Vector) else like

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        number = context.cast(builder, args[1], sig.args[1], of_lanes)
        return repeated(builder, number, like) if isinstance(like, Vector) else number

    return like(like, scalar), emit


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a·b + c, rounded once."""
    return a(a, a, a), lambda context, builder, sig, args: call_of_llvm(builder, "fma", a, list(args))


@intrinsic
def floor(typing: Any, a: Any) -> Any:
    """The largest whole number ≤ a."""
    return a(a), lambda context, builder, sig, args: call_of_llvm(builder, "floor", a, list(args))


@intrinsic
def square_root(typing: Any, a: Any) -> Any:
    """√a, correctly rounded."""
    return a(a), lambda context, builder, sig, args: call_of_llvm(builder, "sqrt", a, list(args))


@intrinsic
def magnitude(typing: Any, a: Any) -> Any:
    """|a|."""
    return a(a), lambda context, builder, sig, args: call_of_llvm(builder, "fabs", a, list(args))


@intrinsic
def with_sign(typing: Any, a: Any, b: Any) -> Any:
    """|a| with the sign of b."""
    return a(a, a), lambda context, builder, sig, args: call_of_llvm(builder, "copysign", a, list(args))


@intrinsic
def rounded_to_single(typing: Any, a: Any) -> Any:
    """The nearest float32 to each lane, of a's type."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        if a.scalar == types.float32:
            return args[0]
        return builder.fpext(
            builder.fptrunc(args[0], ir.VectorType(ir.FloatType(), a.lanes)), vector_in_llvm(a)
        )

    return a(a), emit


@intrinsic
def select(typing: Any, mask: Any, a: Any, b: Any) -> Any:
    """a where the mask holds, else b."""
    return a(mask, a, a), lambda context, builder, sig, args: builder.select(*args)


@intrinsic
def larger(typing: Any, a: Any, b: Any) -> Any:
    """a where a > b, else b: so b where a is NaN."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return a(a, a), emit


@intrinsic
def smaller(typing: Any, a: Any, b: Any) -> Any:
    """a where a < b, else b: so b where a is NaN."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return builder.select(builder.fcmp_ordered("<", *args), *args)

    return a(a, a), emit


def fold(
    builder: ir.IRBuilder, value: ir.Value, combine: Callable[[ir.Value, ir.Value], ir.Value]
) -> ir.Value:
    """Combine the first half of the lanes with the second half, until one lane is left."""
    lanes = value.type.count
    while lanes > 1:
        lanes //= 2
        undefined = ir.Constant(value.type, ir.Undefined)
        numbers = ir.VectorType(ir.IntType(32), lanes)
        low = builder.shuffle_vector(value, undefined, ir.Constant(numbers, list(range(lanes))))
        high = builder.shuffle_vector(value, undefined, ir.Constant(numbers, list(range(lanes, 2 * lanes))))
        value = combine(low, high)
    return builder.extract_element(value, ir.IntType(32)(0))


@intrinsic
def total(typing: Any, a: Any) -> Any:
    """The sum of the lanes, by halves: of lanes i and i + 8, then of these sums i and i + 4, and so on."""
    return a.scalar(a), lambda context, builder, sig, args: fold(builder, args[0], builder.fadd)


@intrinsic
def largest(typing: Any, a: Any) -> Any:
    """The largest lane."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return fold(builder, args[0], lambda x, y: builder.select(builder.fcmp_ordered(">", x, y), x, y))

    return a.scalar(a), emit


@intrinsic
def smallest(typing: Any, a: Any) -> Any:
    """The smallest lane."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return fold(builder, args[0], lambda x, y: builder.select(builder.fcmp_ordered("<", x, y), x, y))

    return a.scalar(a), emit


@infer_global(len)
class NumberOfLanes(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(types.intp, *args) if len(args) == 1 and isinstance(args[0], Vector) else None


@lower_builtin(len, Vector)
def lower_len(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    return context.get_constant(types.intp, sig.args[0].lanes)


# The bits of numbers: sign, exponent plus bias, mantissa without its leading 1

MANTISSA_BITS = {types.float32: 23, types.float64: 52}


def integers_in_llvm(vector: Vector) -> ir.VectorType:
    return ir.VectorType(ir.IntType(vector.scalar.bitwidth), vector.lanes)


def bits_of(builder: ir.IRBuilder, value: ir.Value, vector: Vector) -> ir.Value:
    return builder.bitcast(value, integers_in_llvm(vector))


def bits_of_number(builder: ir.IRBuilder, vector: Vector, number: float) -> ir.Value:
    """The bits of a number in every lane."""
    return bits_of(builder, constant(vector, number), vector)


def in_every_lane(vector: Vector, integer: int) -> ir.Constant:
    return ir.Constant(integers_in_llvm(vector), [integer] * vector.lanes)


def moved_up_to_one(builder: ir.IRBuilder, bits: ir.Value, vector: Vector) -> ir.Value:
    """Bits plus those of 1 minus those of √½: of m·2^e, √½ ≤ m < √2, they have the exponent e."""
    moved = builder.add(bits, bits_of_number(builder, vector, 1.0))
    return builder.sub(moved, bits_of_number(builder, vector, 0.5**0.5))


@intrinsic
def low_bits_as_exponent(typing: Any, a: Any) -> Any:
    """The number whose sign and exponent are the last bits of a: 2^k for a = 1.5·2^52 + 1023 + k (float64) or
    1.5·2^23 + 127 + k (float32). It is 0 where the exponent would be too small by one.
    """

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        moved = builder.shl(bits_of(builder, args[0], a), in_every_lane(a, MANTISSA_BITS[a.scalar]))
        return builder.bitcast(moved, vector_in_llvm(a))

    return a(a), emit


@intrinsic
def exponent(typing: Any, a: Any) -> Any:
    """The whole number e in a = m·2^e, √½ ≤ m < √2, for positive normal a."""
    mantissa_bits = MANTISSA_BITS[a.scalar]
    unit = 2.0**mantissa_bits
    bias = 2 ** (a.scalar.bitwidth - mantissa_bits - 2) - 1

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        moved = moved_up_to_one(builder, bits_of(builder, args[0], a), a)
        biased = builder.lshr(moved, in_every_lane(a, mantissa_bits))
        number = builder.bitcast(builder.or_(biased, bits_of_number(builder, a, unit)), vector_in_llvm(a))
        return builder.fsub(number, constant(a, unit + bias))

    return a(a), emit


@intrinsic
def mantissa(typing: Any, a: Any) -> Any:
    """The number m in a = m·2^e, √½ ≤ m < √2, for positive normal a."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        bits = bits_of(builder, args[0], a)
        moved = moved_up_to_one(builder, bits, a)
        power = builder.and_(moved, in_every_lane(a, -(2 ** MANTISSA_BITS[a.scalar])))
        one = bits_of_number(builder, a, 1.0)
        return builder.bitcast(builder.sub(builder.add(bits, one), power), vector_in_llvm(a))

    return a(a), emit
