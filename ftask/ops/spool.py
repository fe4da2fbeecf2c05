"""Any number of values in little memory: on disk, but for the first megabyte."""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from ftask.core.errors import FtaskError

T = TypeVar("T")

_BYTES_IN_MEMORY = 1024 * 1024
# How much an iteration reads at once.
_BLOCK_BYTES = 64 * 1024


class Spool(Generic[T]):
    """Values in the order in which they were added; they can be read again and again, also while more are added.

    `encode` makes of a value what JSON can carry, and `decode` the value again. The file has no name and ends with the
    process; only its user can read it.
    """

    def __init__(self, encode: Callable[[T], Any], decode: Callable[[Any], T]) -> None:
        self._encode = encode
        self._decode = decode
        self._file = tempfile.SpooledTemporaryFile(_BYTES_IN_MEMORY)  # noqa: SIM115 - open as long as the spool
        weakref.finalize(self, self._file.close)
        self._length = 0
        self._end = 0

    def append(self, value: T) -> None:
        """Add a value.

        Raises:
            FtaskError: the disk of temporary files is full.
        """
        line = json.dumps(self._encode(value)).encode() + b"\n"
        try:
            self._file.seek(self._end)
            self._file.write(line)
        except OSError as error:
            raise _unusable(error) from error
        self._end += len(line)
        self._length += 1

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        position = 0
        while position < self._end:
            try:
                self._file.seek(position)
                lines = self._file.readlines(_BLOCK_BYTES)
            except OSError as error:
                raise _unusable(error) from error
            position += sum(map(len, lines))
            for line in lines:
                yield self._decode(json.loads(line))

    @property
    def first(self) -> T | None:
        """The value that was added first."""
        return next(iter(self), None)


def _unusable(error: OSError) -> FtaskError:
    return FtaskError(
        f"Cannot keep the tasks in {tempfile.gettempdir()}: {error.strerror}.",
        "Make room there, or name another folder with TMPDIR.",
    )
