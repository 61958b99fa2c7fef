"""What the reference answers bad input with: one exception per code of the closed list.

Every error is raised before any state has changed, so the object it came from is as it was.
"""

from __future__ import annotations

import math
from typing import ClassVar


class RejectedError(Exception):
    """Bad input; the state is unchanged. ``code`` is one of the port's closed list."""

    code: ClassVar[str]


class NonFiniteError(RejectedError):
    """A number is NaN or infinite."""

    code = "non_finite"


class OutOfRangeError(RejectedError):
    """A finite value lies outside its allowed range."""

    code = "out_of_range"


class TimeReversedError(RejectedError):
    """A step is earlier than the one before it (D-03)."""

    code = "time_reversed"


class MissingFieldError(RejectedError):
    """A needed value is absent."""

    code = "missing_field"


class UnknownFieldError(RejectedError):
    """A field or configuration key that nothing knows."""

    code = "unknown_field"


class DuplicateError(RejectedError):
    """An own fill whose id was seen before."""

    code = "duplicate"


class CrossedBookError(RejectedError):
    """A book whose best bid is above its best ask."""

    code = "crossed_book"


class UnparsableError(RejectedError):
    """A value of the wrong kind, such as text where a number belongs."""

    code = "unparsable"


LEAST = 1e-15  # least positive value of a step's field
LARGEST = 1e15  # greatest magnitude of a step's field: finite input gives finite output


def check_finite(name: str, value: float) -> None:
    """Raise unless ``value`` is finite and its magnitude at most 1e15."""
    if -LARGEST <= value <= LARGEST:
        return
    # a whole number too large for a float is finite, and math.isfinite would fail on it
    if isinstance(value, float) and not math.isfinite(value):
        raise NonFiniteError(f"{name} is {value}, expected a finite number")
    raise OutOfRangeError(f"{name} is beyond {LARGEST:g}, expected less")


def check_positive(name: str, value: float) -> None:
    """Raise unless ``value`` is finite and positive, from 1e-15 to 1e15."""
    if LEAST <= value <= LARGEST:
        return
    check_finite(name, value)
    raise OutOfRangeError(f"{name} is {value}, expected a positive number")


def check_fraction(name: str, value: float) -> None:
    """Raise unless ``value`` lies in [0, 1]."""
    check_finite(name, value)
    if not 0.0 <= value <= 1.0:
        raise OutOfRangeError(f"{name} is {value}, expected 0 to 1")
