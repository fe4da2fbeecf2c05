"""The machine that a run used, and how busy it was: timings of a busy machine say little."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from ftask.aws.target import Target
from ftask.bench.result import Machine
from ftask.core.local_stage import is_local
from ftask.core.text import plural


def load_average() -> float | None:
    """Return how many processes wanted a CPU in the last minute, on average; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def describe_machine(target: Target, load_before: float | None, load_after: float | None) -> Machine:
    """Return the machine of this process, and the emulator that answered instead of AWS."""
    # On Linux a container may have fewer CPUs than the machine.
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        cpus=cpus or 1,
        memory_gib=None if memory_bytes is None else round(memory_bytes / 1024**3, 1),
        python=platform.python_version(),
        engine=_engine(target) if target.is_emulated else "AWS",
        load_before=load_before,
        load_after=load_after,
    )


def machine_text(machine: Machine) -> str:
    """Return the machine in one line."""
    memory = "" if machine.memory_gib is None else f", {machine.memory_gib:g} GiB"
    load = ""
    if machine.load_before is not None and machine.load_after is not None:
        load = f"; load {machine.load_before:g} before, {machine.load_after:g} after"
    cpus = plural(machine.cpus, "CPU")
    return f"{machine.engine}; {machine.system}, {cpus}{memory}, Python {machine.python}{load}"


def is_busy(machine: Machine) -> bool:
    """Return whether more processes wanted a CPU before the run than there are, so that its timings say little."""
    return machine.load_before is not None and machine.load_before > machine.cpus


def _engine(target: Target) -> str:
    if not is_local(target.stage_name):
        return "an emulator"
    try:
        return f"ministack {version('ministack')}"
    except PackageNotFoundError:  # another environment may have started the engine
        return "ministack"
