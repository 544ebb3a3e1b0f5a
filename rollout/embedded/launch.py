"""Write a PID record, then exec a command: `python -I -S launch.py RECORD COMMAND...`.

The new process writes its own record, because its starter may be killed before it could. This file imports nothing of
the project, so that it starts fast.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")


def start_time(pid: int) -> str:
    """When a process started, as the kernel says it; empty when it does not run.

    Tells a process from a later one with the same id.
    """
    return _from_proc(pid) if BOOT.exists() else _from_ps(pid)


def boot_id() -> str:
    """Identity of this boot of the machine; empty where the kernel has none."""
    if not BOOT.exists():
        return ""
    return BOOT.read_text(encoding="ascii").strip()


def _from_proc(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{boot_id()} {fields[19]}"


def _from_ps(pid: int) -> str:
    shown = subprocess.run(["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = shown.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def main() -> None:
    """Write the record atomically and replace this process by the command."""
    record, *command = sys.argv[1:]
    pid = os.getpid()
    draft = Path(f"{record}.{pid}")
    saved = {"pid": pid, "born": start_time(pid), "boot": boot_id(), "log": os.fstat(1).st_size}
    draft.write_text(json.dumps(saved), encoding="utf-8")
    draft.replace(record)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
