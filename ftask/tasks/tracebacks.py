"""What is said of a failed attempt: the frames of the user's code, and the permission that a denied call lacks.

The messages of denied calls: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

import json
import os
import re
from functools import partial
from traceback import StackSummary, TracebackException, extract_tb

import ftask
from ftask.core.raised import causes_of, guarded, message_of, type_of

_FTASK = os.path.dirname(os.path.abspath(ftask.__file__)) + os.sep  # noqa: PTH120, PTH100 - as frames spell it
_LIBRARY = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - the same
# Frames that are between ftask and the user's code, or below the import system; those of other packages stay.
_MACHINERY = (
    _FTASK,
    "<frozen ",
    *(_LIBRARY + part for part in ("asyncio" + os.sep, "concurrent" + os.sep, "threading.py", "importlib" + os.sep)),
)
_LEFT_OUT = "… {count} lines left out …"


def traceback_text(error: BaseException, limit_bytes: int = 4096) -> str:
    """Return the traceback of `error`, its causes included, without the frames of ftask and of what runs threads.

    Where it is longer than `limit_bytes`, lines in the middle are left out: the beginning tells where it comes from,
    the end what happened.
    """
    text = guarded(lambda: _full(error)) or guarded(lambda: _of_frames(error)) or type_of(error)
    # Half of a surrogate pair in a message cannot be encoded, and must not cost the log line.
    return _bounded(text.encode("utf-8", "replace").decode().rstrip("\n"), limit_bytes)


def _full(error: BaseException) -> str:
    trace = TracebackException.from_exception(error, compact=True)
    _keep_user_frames(trace)
    return "".join(trace.format())


def _of_frames(error: BaseException) -> str:
    """Return the traceback without what is special to the exception's class, whose own code has failed."""
    lines = _user_frames(extract_tb(error.__traceback__)).format()
    return "".join(["Traceback (most recent call last):\n", *lines, f"{type_of(error)}: {message_of(error)}"])


def _keep_user_frames(trace: TracebackException) -> None:
    pending: list[TracebackException | None] = [trace]
    while pending:
        current = pending.pop()
        if current is not None:
            current.stack = _user_frames(current.stack)
            pending += [current.__cause__, current.__context__, *(current.exceptions or ())]


def _user_frames(stack: StackSummary) -> StackSummary:
    return StackSummary.from_list([frame for frame in stack if not frame.filename.startswith(_MACHINERY)])


def _bounded(text: str, limit_bytes: int) -> str:
    if len(text.encode()) <= limit_bytes:
        return text
    lines = [_shortened(line, limit_bytes // 4) for line in text.split("\n")]
    room = limit_bytes - len(_LEFT_OUT.encode()) - 16
    first: list[str] = []
    last: list[str] = []
    # From both ends in turn, so that neither a deep stack nor a long message hides the other.
    while lines:
        line = lines.pop(0 if len(first) <= len(last) else -1)
        room -= len(line.encode()) + 1
        if room < 0:
            lines.append(line)
            break
        (first if len(first) <= len(last) else last).append(line)
    middle = [_LEFT_OUT.format(count=len(lines))] if lines else []
    return "\n".join([*first, *middle, *reversed(last)])


def _shortened(line: str, limit_bytes: int) -> str:
    encoded = line.encode()
    return line if len(encoded) <= limit_bytes else encoded[: limit_bytes - 3].decode("utf-8", "ignore") + "…"


# Quoted in several ways; not every service names the resource.
_DENIED = re.compile(
    r"not authorized to perform:? ?[`'\"]?(?P<action>[a-z0-9-]+:\w+)['\"]?"
    r"(?: on resource:? ?(?:\"(?P<quoted>[^\"]+)\"|[`']?(?P<resource>[^\s`'\"]+)))?"
)
# A policy of the tasks cannot allow what is denied by another kind of policy.
_OTHER_POLICIES = re.compile(r"with an explicit deny|because no (?!identity-based)")

# Stands for a resource that the message does not name; "*" would allow too much.
_UNNAMED = "ARN"


def explain_denied_call(error: BaseException) -> None:
    """Add a note with the missing statement to `error`, if it is a denied call of boto3 or was raised from one."""
    for cause in causes_of(error):
        statement = guarded(partial(missing_statement, cause))
        if statement is not None:
            text = json.dumps(statement)
            rest = " Replace ARN with that of the resource." if statement["Resource"] == _UNNAMED else ""
            note = f"To allow it, add this statement to the policy of the tasks, policy.json: {text}{rest}"
            guarded(partial(error.add_note, note))
            return


def missing_statement(error: BaseException) -> dict[str, str] | None:
    """Return the statement that allows the call that ended with `error`; None if no statement would."""
    response = getattr(error, "response", None)  # of botocore's ClientError, which need not be there
    details = response.get("Error") if isinstance(response, dict) else None
    message = details.get("Message") if isinstance(details, dict) else None
    denied = _DENIED.search(message) if isinstance(message, str) else None
    if denied is None or _OTHER_POLICIES.search(denied.string, denied.end()):
        return None
    resource = denied["quoted"] or denied["resource"] or _UNNAMED
    return {"Effect": "Allow", "Action": denied["action"], "Resource": resource}
