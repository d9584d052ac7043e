"""What each function costs before its first answer: CPU time to import it, and memory."""

import json
import os
import subprocess
import sys

from vaultra_local import catalogue
from vaultra_local.catalogue import Function

RUNS = 7
IMPORT = """
import json, resource, sys
sys.path.insert(0, ".")
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
before = cpu()
import main
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([cpu() - before, peak / 1024, len(sys.modules)]))
"""


def measure(function: Function) -> tuple[float, float, int]:
    """(least CPU seconds of several fresh processes, MiB, modules loaded)."""
    runs = []
    # With bytecode, as a deployed image has it; the first run writes what is missing.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(RUNS):
        done = subprocess.run(
            [sys.executable, "-c", IMPORT],
            cwd=function.source.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        runs.append(json.loads(done.stdout))
    seconds, memory, modules = min(runs)
    return seconds, memory, modules


def main() -> None:
    """Print the table."""
    print("| function | import, CPU s | MiB | modules |")
    print("|---|---|---|---|")
    for function in catalogue.load():
        seconds, memory, modules = measure(function)
        print(f"| {function.name} | {seconds:.2f} | {memory:.0f} | {modules} |")


if __name__ == "__main__":
    main()
