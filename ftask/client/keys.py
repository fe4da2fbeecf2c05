"""The idempotency key of a submission that names none."""

from __future__ import annotations

import uuid

from ftask.core.attempt_keys import attempt_keys


def new_key() -> str:
    """Return a key: of the attempt that is running, the same at its retry; else one that is used only once."""
    keys = attempt_keys.get(None)
    return uuid.uuid4().hex if keys is None else next(keys)
