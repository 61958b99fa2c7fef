"""Component drift, phase 1, behind the port: what is marked FILL IN is answered ``unsupported``.

``Drift`` is the filter, and yours. The rest is the adapter: tables of what may come, ``check``,
which holds steps and configurations against them, and ``Engine``, which keeps the sessions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from quotemark.messages import (
    Answer,
    CloseAnswer,
    Closed,
    Identity,
    Json,
    Ok,
    OpenAnswer,
    Opened,
    Rejected,
    RejectionCode,
    Unsupported,
)

NAME = "my-engine"
FIELDS = ["drift_bps_per_s", "variance", "uncertainty_bps_per_s", "confidence"]


class Number(NamedTuple):
    """A number between two others, these included."""

    least: float
    most: float
    kinds: tuple[type, ...] = (int, float)


Word = tuple[str, ...]
TIME, FINITE = Number(-1e15, 1e15, (int,)), Number(-1e15, 1e15)
POSITIVE, FRACTION = Number(1e-15, 1e15), Number(0.0, 1.0)
SIDE: Word = ("buy", "sell")

STEPS: dict[str, dict[str, Number | Word]] = {
    "predict": {"t_ms": TIME},
    "observe": {"z_bps_per_s": FINITE, "variance": POSITIVE},
    "fill": {"side": SIDE, "price": POSITIVE, "mid": POSITIVE, "sigma_bps_per_sqrt_s": POSITIVE},
    "trend": {"magnitude_bps": FINITE, "agreement": FRACTION, "p_continuation": FRACTION},
}
CONFIG = {  # default and range of each key
    "theta_per_s": (0.02, Number(1e-9, 1e9)),
    "process_noise": (1.0, Number(0.0, 1e9)),
    "prior_variance": (50.0, Number(1e-9, 1e9)),
    "p_min": (2.0, Number(0.0, 1e9)),
    "fill_variance": (9.0, Number(1e-9, 1e9)),
    "sigma_trend": (2.0, Number(1e-3, 1e6)),
}


class RefusedError(Exception):
    """The input is bad. Raise it before anything has changed."""

    def __init__(self, code: RejectionCode, message: str) -> None:
        super().__init__(message)
        self.answer = Rejected(code, message)


class Drift:
    """The posterior of the drift: its mean in bp/s, its variance in (bp/s)^2."""

    def __init__(self, config: Json) -> None:
        self.config = config
        self.mean = 0.0
        self.variance: float = config["prior_variance"]
        self.t_ms: int | None = None

    def predict(self, step: Json) -> None:
        """Propagate to the time of the step."""
        raise NotImplementedError("predict")  # FILL IN 1

    def observe(self, step: Json) -> None:
        """Take an observation of the drift."""
        raise NotImplementedError("observe")  # FILL IN 2

    def fill(self, step: Json) -> None:
        """Take an own fill."""
        raise NotImplementedError("fill")  # FILL IN 3

    def trend(self, step: Json) -> None:
        """Take a reading of the trend."""
        raise NotImplementedError("trend")  # FILL IN 4

    def seen(self) -> Json:
        """Show the state, in the fields that are declared."""
        known = 1.0 - self.variance / self.config["prior_variance"]
        figures = self.mean, self.variance, math.sqrt(self.variance), min(1.0, max(0.0, known))
        return dict(zip(FIELDS, figures, strict=True))


def check(given: Json, takes: Mapping[str, Number | Word]) -> None:
    """Demand all the fields that are taken, no other, and of each a value that it takes."""
    for name in given:
        if name not in takes:
            raise RefusedError("unknown_field", f"{name}, expected {', '.join(takes)}")
    for name, taken in takes.items():
        if name not in given:
            raise RefusedError("missing_field", f"{name}, expected {', '.join(takes)}")
        value = given[name]
        if not isinstance(taken, Number):
            if value not in taken:
                raise RefusedError("unparsable", f"{name} is {value!r}, expected one of {taken}")
        elif value in ("nan", "inf", "-inf"):
            raise RefusedError("non_finite", f"{name} is {value!r}, expected a finite number")
        elif type(value) not in taken.kinds:  # true is none of them
            raise RefusedError("unparsable", f"{name} is {value!r}, expected a number")
        elif not taken.least <= value <= taken.most:
            expected = f"expected {taken.least} to {taken.most}"
            raise RefusedError("out_of_range", f"{name} is {value}, {expected}")


def check_step(step: Json) -> None:
    """Demand a step that drift has, with the fields of its kind."""
    if "step" not in step:
        raise RefusedError("missing_field", f"step, expected one of {', '.join(STEPS)}")
    if step["step"] not in list(STEPS):
        raise RefusedError("unknown_step", f"{step['step']!r}, expected one of {', '.join(STEPS)}")
    check(step, {"step": (step["step"],), **STEPS[step["step"]]})


def answer(drift: Drift, step: Json) -> Answer:
    """Check a step, let the filter take it, and show the state."""
    try:
        check_step(step)
        getattr(drift, step["step"])(step)
    except RefusedError as refused:
        return refused.answer
    except NotImplementedError as missing:
        return Unsupported(f"{missing} is to be filled in")
    return Ok(drift.seen())


class Engine:
    """The sessions, each with a filter of its own."""

    def __init__(self) -> None:
        self._sessions: dict[str, Drift] = {}

    def initialize(self) -> Identity:
        """Say what the engine is and what it offers."""
        return Identity("1.0", NAME, "0.1", "none", [1], ["drift"], {"drift": FIELDS}, "injected")

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        """Open a session; nothing here is random, so the seed is of no use."""
        del seed
        if component != "drift":
            return Rejected("unknown_component", f"{component!r}, expected drift")
        if session in self._sessions:
            return Rejected("duplicate", f"session {session!r} is open")
        effective = {key: default for key, (default, _) in CONFIG.items()} | config
        try:
            check(effective, {key: taken for key, (_, taken) in CONFIG.items()})
        except RefusedError as refused:
            return refused.answer
        self._sessions[session] = Drift(effective)
        return Opened(effective)

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        """Apply steps in order; one answer a step."""
        if session not in self._sessions:
            return [Rejected("not_open", f"session {session!r}") for _ in steps]
        return [answer(self._sessions[session], step) for step in steps]

    def close(self, session: str) -> CloseAnswer:
        """End a session; its state is gone."""
        if self._sessions.pop(session, None) is None:
            return Rejected("not_open", f"session {session!r}")
        return Closed()

    def shutdown(self) -> None:
        """End the engine: nothing is left to be done."""
