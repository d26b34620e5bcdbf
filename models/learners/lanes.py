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
_PLACE = ir.IntType(32)


def _operation(typed: Callable[..., Any]) -> Callable[..., Any]:
    """For compiled code only; its first argument is numba's own."""
    made: Callable[..., Any] = intrinsic(typed)
    return made


class _Lanes(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"float64 × {LANES}")


lanes = _Lanes()


@register_model(_Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, type_: Any) -> None:
        super().__init__(manager, type_, _VECTOR)


@_operation
def load(_: Any, array: Any, at: Any) -> Any:
    """Eight numbers of an array of float64 from a place on."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load(_place(context, builder, signature, given), align=8)

    return lanes(array, at), made


@_operation
def store(_: Any, array: Any, at: Any, vector: Any) -> Any:
    """Eight numbers into an array of float64 from a place on."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        builder.store(given[2], _place(context, builder, signature, given), align=8)

    return types.void(array, at, vector), made


def _place(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, given[0]).data
    return builder.bitcast(builder.gep(data, [given[1]]), _VECTOR.as_pointer())


@_operation
def alike(_: Any, number: Any) -> Any:
    """A number, eight times."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return _alike(builder, context.cast(builder, given[0], signature.args[0], types.float64))

    return lanes(number), made


def _alike(builder: Any, number: Any) -> Any:
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.Constant(_PLACE, 0))
    return builder.shuffle_vector(
        first, ir.Constant(_VECTOR, ir.Undefined), ir.Constant(ir.VectorType(_PLACE, LANES), [0] * LANES)
    )


def _of_two(name: str) -> Callable[..., Any]:
    def typed(_: Any, one: Any, other: Any) -> Any:
        def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return getattr(builder, name)(*given)

        return lanes(one, other), made

    return _operation(typed)


plus, minus, times, over = (_of_two(name) for name in ("fadd", "fsub", "fmul", "fdiv"))


@_operation
def summed(_: Any, vector: Any) -> Any:
    """The sum of the eight, in pairs."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        width, left = LANES, given[0]
        while width > 1:
            width //= 2
            halves = [
                builder.shuffle_vector(left, left, ir.Constant(ir.VectorType(_PLACE, width), list(range(begin, begin + width))))
                for begin in (0, width)
            ]
            left = builder.fadd(*halves)
        return builder.extract_element(left, ir.Constant(_PLACE, 0))

    return types.float64(vector), made
