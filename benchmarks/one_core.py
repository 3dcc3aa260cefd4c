"""One core, one thread: where every measurement here runs, and what machine that is."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from importlib import metadata

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "BLOSC_NTHREADS")


def pin_to_one_core() -> int:
    """The number of the core that this process and its children stay on, with one thread each."""
    one_thread()
    core = max(os.sched_getaffinity(0))  # the first one serves interrupts on most machines
    os.sched_setaffinity(0, {core})
    return core


def one_thread() -> None:
    """One thread for every library of this process and its children.

    Libraries read their limits when they are loaded, so a program that was started without them is started again with them.
    """
    if any(os.environ.get(name) != "1" for name in THREAD_LIMITS):
        os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def machine(packages: Iterable[str]) -> dict[str, str]:
    """What figures depend on: processor, system, load, and the versions of the packages that are there."""
    found = {
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load before": f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
    }
    return found | {package: version for package in packages if (version := _version(package))}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    except OSError:
        return platform.processor()
    widest = next((name for name in ("avx512f", "avx2") if name in fields.get("flags", "").split()), "SSE2")
    return f"{fields.get('model name', '?')} (family {fields.get('cpu family')}, model {fields.get('model')}, {widest})"
