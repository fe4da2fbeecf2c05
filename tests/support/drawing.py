"""What a picture looks like in a terminal, as text."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType


class WholeIds(dict[str, str]):
    """Shows each id whole."""

    def __missing__(self, task_id: str) -> str:
        return task_id


WHOLE = WholeIds()


def drawn(picture: RenderableType, width: int = 120) -> str:
    """The picture without colours."""
    stream = io.StringIO()
    Console(file=stream, width=width, markup=False, emoji=False, highlight=False).print(picture)
    return stream.getvalue()
