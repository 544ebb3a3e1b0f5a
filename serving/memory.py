"""Memory of a worker: what requests have used goes back to the system.

Both allocators of a worker keep freed memory for later by default, that of the C library ever larger blocks of it once
large ones were freed: bodies of some megabytes and thousands of connections would leave a worker at its peak for good.
"""

import asyncio
import ctypes
import os
from collections.abc import Callable
from pathlib import Path

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's `mallopt`."""

LARGE_BYTES = 256 * 1024
"""Blocks from this size on are mapped by themselves, and so are given back when they are freed."""

GRANIAN = {"_RJEM_MALLOC_CONF": f"dirty_decay_ms:1000,oversize_threshold:{LARGE_BYTES}"}
"""Environment for the allocator that is built into granian, jemalloc: large blocks go back at once, others soon."""

CHECK_SECONDS = 5.0
GROWTH_BYTES = 8 * 2**20
"""Memory is given back when so much has come on top of what was in use last."""


def configure_allocators() -> None:
    """Have both allocators give large blocks back when they are freed. Must come before granian is imported."""
    for name, value in GRANIAN.items():
        os.environ.setdefault(name, value)
    if mallopt := _function("mallopt"):
        mallopt(MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(TRIM_THRESHOLD, LARGE_BYTES)


async def return_freed_memory() -> None:
    """Give freed small blocks back too, whenever memory has grown; never returns. A thread does it, in milliseconds."""
    trim = _function("malloc_trim")
    last = resident_bytes()
    while trim is not None:
        await asyncio.sleep(CHECK_SECONDS)
        if resident_bytes() - last > GROWTH_BYTES:
            await asyncio.to_thread(trim, 0)
            last = resident_bytes()
        last = min(last, resident_bytes())


def resident_bytes() -> int:
    """Resident memory of this process; 0 where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_bytes().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _function(name: str) -> Callable[..., int] | None:
    """A function of the C library, None where it has none of this name."""
    return getattr(ctypes.CDLL(None), name, None)
