"""Become a command, once it is written down who that is: `python -I -S launch.py RECORD COMMAND...`.

Whoever starts a process may be killed before it can note the process's id; so the process notes it itself. This file
stands alone, so that it is quick.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")


def born(pid: int) -> str:
    """When a process began, in its kernel's own words; empty when it does not run. An id is used again, this is not."""
    return _from_proc(pid) if BOOT.exists() else _from_ps(pid)


def boot() -> str:
    """Which start of the machine this is; empty where nobody says."""
    if not BOOT.exists():
        return ""
    return BOOT.read_text(encoding="ascii").strip()


def _from_proc(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{boot()} {fields[19]}"


def _from_ps(pid: int) -> str:
    told = subprocess.run(["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, began = told.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else began.strip()


def main() -> None:
    """Write the record, whole or not at all, and become the command."""
    record, *command = sys.argv[1:]
    pid = os.getpid()
    draft = Path(f"{record}.{pid}")
    draft.write_text(json.dumps({"pid": pid, "born": born(pid), "boot": boot()}), encoding="utf-8")
    draft.replace(record)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
