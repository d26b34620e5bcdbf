"""SIMD, eight numbers that compiled code takes at once: a vector of LLVM, which is one or two registers on today's processors.

Written down as vectors and not left to the compiler's search for them: numba has that switched off, since it was found to make
mistakes (numba #8852).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

LANES = 8
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_INDEX = ir.IntType(32)


def _operation(typed: Callable[..., Any]) -> Callable[..., Any]:
    """For compiled code only; its first argument is numba's own."""
    operation: Callable[..., Any] = intrinsic(typed)
    return operation


class _Lanes(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"float64 × {LANES}")


lanes = _Lanes()


@register_model(_Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, type_: Any) -> None:
        super().__init__(manager, type_, _VECTOR)


@_operation
def load(_: Any, array: Any, position: Any) -> Any:
    """Eight numbers of an array of float64 from a place on."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, signature, args), align=8)

    return lanes(array, position), codegen


@_operation
def store(_: Any, array: Any, position: Any, vector: Any) -> Any:
    """Eight numbers into an array of float64 from a place on."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _pointer(context, builder, signature, args), align=8)

    return types.void(array, position, vector), codegen


def _pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, args[0]).data
    return builder.bitcast(builder.gep(data, [args[1]]), _VECTOR.as_pointer())


@_operation
def broadcast(_: Any, number: Any) -> Any:
    """A number, eight times."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = context.cast(builder, args[0], signature.args[0], types.float64)
        lane = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(_INDEX, 0))
        return builder.shuffle_vector(lane, lane, ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES))

    return lanes(number), codegen


def _of_two(name: str) -> Callable[..., Any]:
    def typed(_: Any, lhs: Any, rhs: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, name)(*args)

        return lanes(lhs, rhs), codegen

    return _operation(typed)


minus, times, divide = (_of_two(name) for name in ("fsub", "fmul", "fdiv"))


@_operation
def summed(_: Any, vector: Any) -> Any:
    """The sum of the eight, in pairs."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        width, partial = LANES, args[0]
        while width > 1:
            width //= 2
            halves = [
                builder.shuffle_vector(
                    partial, partial, ir.Constant(ir.VectorType(_INDEX, width), list(range(begin, begin + width)))
                )
                for begin in (0, width)
            ]
            partial = builder.fadd(*halves)
        return builder.extract_element(partial, ir.Constant(_INDEX, 0))

    return types.float64(vector), codegen
