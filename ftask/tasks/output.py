"""Each line that a task logs or prints becomes one JSON line with the task's id and type.

So `ftask logs --task ID` finds it. Lambda's JSON log format leaves a line with `level` and `timestamp` unchanged.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO, cast

from ftask.core.events import MAX_LINE_BYTES, EventName
from ftask.core.raised import guarded
from ftask.core.text import json_object, shortened
from ftask.core.timestamps import now, to_iso
from ftask.tasks.context import Run, running_or_none
from ftask.tasks.tracebacks import traceback_text

# At INFO it logs at each cold start how it came to its credentials and endpoints; at DEBUG the worker's own calls, with
# payloads, and its HTTP client each of them once more.
_TALKATIVE = ("botocore", "urllib3")
# What every record has; the rest is `extra`.
_STANDARD = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}


def capture_output(level: int | str = logging.INFO) -> Callable[[], None]:
    """Give the lines of `logging`, stdout and stderr the id and type of the task that writes them.

    The handlers of the root logger are replaced, and its level becomes `level`; below WARNING, botocore and urllib3 log
    from WARNING on, unless they have a level already. What is printed outside of a task passes through unchanged. Call
    it before the user's module is imported, so that whoever keeps `sys.stdout` there keeps the right one. Return the
    function that puts everything back.
    """
    root = logging.getLogger()
    handlers, level_before = root.handlers[:], root.level
    before = sys.stdout, sys.stderr
    streams = TaskStream(sys.stdout, "stdout", "INFO"), TaskStream(sys.stderr, "stderr", "WARNING")
    ours = TaskLogHandler(sys.stdout)
    for handler in handlers:
        root.removeHandler(handler)
    root.addHandler(ours)
    root.setLevel(level)
    quieted = [logger for logger in map(logging.getLogger, _TALKATIVE) if logger.level == logging.NOTSET]
    for logger in quieted if root.level < logging.WARNING else ():
        logger.setLevel(logging.WARNING)
    sys.stdout, sys.stderr = (cast(TextIO, stream) for stream in streams)

    def restore() -> None:
        # What somebody else has put there meanwhile stays.
        if cast(object, sys.stdout) is streams[0]:
            sys.stdout = before[0]
        if cast(object, sys.stderr) is streams[1]:
            sys.stderr = before[1]
        root.removeHandler(ours)
        for handler in handlers:
            root.addHandler(handler)
        root.setLevel(level_before)
        for logger in quieted:
            logger.setLevel(logging.NOTSET)

    return restore


def end_lines() -> None:
    """Write what the running task printed without ending the line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TaskStream):
            stream.end_line()


class TaskLogHandler(logging.Handler):
    """Writes each log record as one JSON line to `stream`."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            fields = {"logger": record.name, "message": _bounded(record.getMessage())}
            if record.exc_info and record.exc_info[1] is not None:
                fields["traceback"] = traceback_text(record.exc_info[1])
            at = to_iso(datetime.fromtimestamp(record.created, UTC))
            head = {"timestamp": at, "level": record.levelname} | _mark(running_or_none())
            _write(self._stream, head, _extra(record) | fields)
        except Exception:  # noqa: BLE001 - as logging's own handlers: a record that cannot be written fails no task
            self.handleError(record)


class _Unfinished(threading.local):
    """The line that a thread has begun: its text, and the attempt that prints it."""

    run: Run | None = None
    text: str = ""


class TaskStream(io.TextIOBase):
    """A stdout that knows who prints.

    Inside of a task each line becomes a separate JSON line; one that already is a JSON object, as structured
    loggers print it, keeps its fields. Outside of a task, text passes through unchanged. Closing it does nothing:
    other tasks share it.
    """

    def __init__(self, stream: TextIO, name: str, level: str) -> None:
        super().__init__()
        self._stream = stream
        self._logger = name
        self._level = level
        self._unfinished = _Unfinished()

    def write(self, text: str) -> int:
        run = running_or_none()
        # A thread has one attempt at a time; what an earlier one left unfinished is still that one's.
        if self._unfinished.run is not run:
            self.end_line()
        if run is None:
            return self._stream.write(text)
        *lines, rest = text.split("\n")
        unfinished = self._unfinished
        for line in lines:
            self._write_line(run, unfinished.text + line)
            unfinished.text = ""
        # More than can be shown need not be kept.
        unfinished.run, unfinished.text = run, (unfinished.text + rest)[: MAX_LINE_BYTES + 1]
        return len(text)

    def end_line(self) -> None:
        """Write the line that this thread has begun."""
        unfinished = self._unfinished
        run, text = unfinished.run, unfinished.text
        unfinished.run, unfinished.text = None, ""
        if run is not None:
            self._write_line(run, text)

    def _write_line(self, run: Run, line: str) -> None:
        text = line.rstrip()
        if not text:
            return
        fields = json_object(text) if text.startswith("{") and len(text) <= MAX_LINE_BYTES else None
        if fields is None:
            fields = {"logger": self._logger, "message": _bounded(text)}
        level = fields.pop("level", self._level)
        if "message" not in fields:
            record = fields.get("record")
            if "event" in fields:
                fields["message"] = fields.pop("event")  # as structlog calls it
            elif isinstance(record, dict) and "message" in record:  # as loguru has it
                fields["message"] = record["message"]
                level = record["level"]["name"] if isinstance(record.get("level"), dict) else level
        fields.pop("timestamp", None)  # ours has the form that all lines have
        _write(self._stream, {"timestamp": to_iso(now()), "level": str(level).upper()} | _mark(run), fields)

    def flush(self) -> None:
        """Flush what is written. A line that is not ended waits for its end, so that it stays one."""
        self._stream.flush()

    def close(self) -> None:
        """Do nothing."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return False

    @property
    def buffer(self) -> _Bytes:
        """What takes bytes, as structured loggers that are quick write them."""
        return _Bytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def __getattr__(self, name: str) -> Any:
        # `reconfigure` and the like.
        return getattr(self._stream, name)


class _Bytes(io.RawIOBase):
    """The bytes of a stream: text in UTF-8; any other byte is replaced."""

    def __init__(self, stream: TaskStream) -> None:
        super().__init__()
        self._stream = stream

    def write(self, data: Any) -> int:
        self._stream.write(str(data, "utf-8", "replace"))
        return len(data)

    def flush(self) -> None:
        self._stream.flush()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields that the call added by `extra=`."""
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    text = json.dumps(extra, default=_shown, skipkeys=True) if extra else "{}"
    return json.loads(text) if len(text) <= MAX_LINE_BYTES else {"extra": shortened(text, MAX_LINE_BYTES)}


def _shown(value: object) -> str:
    return guarded(lambda: str(value)) or type(value).__name__


def _mark(run: Run | None) -> dict[str, Any]:
    return {"event": EventName.LOG} | ({} if run is None else {"taskId": run.task_id, "type": run.type})


def _bounded(text: str) -> str:
    # Cut before encoding: a task may print 10 MB in one line.
    return shortened(text[: MAX_LINE_BYTES + 1].encode("utf-8", "replace").decode(), MAX_LINE_BYTES)


def _write(stream: TextIO, head: dict[str, Any], fields: dict[str, Any]) -> None:
    # A field with the name of one of ours, like `type`, is kept apart.
    if same := {name: fields.pop(name) for name in head.keys() & fields.keys()}:
        fields["fields"] = same
    # One write: lines of several threads must not mix. Flushed, because the task may be about to crash.
    stream.write(json.dumps(head | fields) + "\n")
    stream.flush()
