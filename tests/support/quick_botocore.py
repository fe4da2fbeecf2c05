"""botocore without the work that it repeats for every session and client. What it makes stays the same."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import botocore.hooks
import botocore.session
import pytest
from botocore.hooks import EventAliaser, HierarchicalEmitter
from botocore.utils import EVENT_ALIASES


def quicken(patch: pytest.MonkeyPatch) -> None:
    """Read AWS's models once for all sessions, and ask once of a handler and of an event what depends on nothing else.

    Reading the models is what takes longest about a client.
    """
    patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
    accepts_kwargs = functools.cache(botocore.hooks.accepts_kwargs)
    patch.setattr(botocore.hooks, "accepts_kwargs", lambda handler: accepts_kwargs(_function(handler)))
    shared: Any = EventAliaser(HierarchicalEmitter(), EVENT_ALIASES)
    patch.setattr(EventAliaser, "_alias_event_name", _shared(shared._alias_event_name))


def _function(handler: Any) -> Any:
    """The function of a bound method: a cache of methods would keep their clients."""
    return getattr(handler, "__func__", handler)


def _shared(alias: Callable[[str], str]) -> Callable[[Any, str], str]:
    return lambda _, name: alias(name)
