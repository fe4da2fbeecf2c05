"""The exit codes of commands. Scripts rely on them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended: its meaning, and what a script does next."""

    meaning: str
    next_step: str

    def __new__(cls, code: int, meaning: str, next_step: str) -> ExitCode:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning, member.next_step = meaning, next_step
        return member

    DONE = 0, "done", "Go on."
    FAILED = (
        1,
        "failed; the message says why and what to do",
        "Follow the hint of the error. To repeat the same command is safe; with submit, use the same --key.",
    )
    USAGE = (
        2,
        "wrong call: a command, an option, an argument, a payload or a file is invalid. Nothing was sent",
        "Correct the call. To repeat it unchanged fails again.",
    )
    TASK_FAILED = (
        3,
        "a task that the command waited for ended FAILED or CANCELLED",
        "Read `lastError` with: ftask get ID -o json. Correct its cause, then redrive.",
    )
    TIMED_OUT = (
        4,
        "the wait timed out; the tasks go on",
        "Wait again with: ftask watch ID. If nothing moves: ftask doctor -o json.",
    )
    INTERRUPTED = 130, "interrupted (Ctrl-C)", "The error says what was accepted or redriven, and how to go on."
