"""What goes wrong outside this program: the user's mistakes, and the engine's faults."""

from __future__ import annotations

from typing import Literal

FaultLabel = Literal[
    "cannot_start",
    "crash",
    "hang",
    "late",
    "stray_output",
    "torn_line",
    "oversized_line",
    "wrong_id",
    "out_of_order",
    "duplicate_answer",
    "protocol",
    "ignored_shutdown",
    "left_children",
]
"""The ways in which an engine breaks; the protocol page says what each means."""


class InputError(Exception):
    """A user's mistake: the message names the place, the value and what was expected."""


class EngineError(Exception):
    """The engine, not one of its answers, is at fault; ``label`` says in which way."""

    def __init__(self, label: FaultLabel, message: str) -> None:
        super().__init__(label, message)  # both, so that it travels between processes
        self.label: FaultLabel = label
        self.message = message

    def __str__(self) -> str:
        return self.message
