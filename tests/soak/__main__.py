"""`make soak`: every part in turn, or those named: `claims`, `journey`, `model`.

A part with options of its own is run alone: `python -m tests.soak.claim_storm --mixed 1000`,
`python -m tests.soak.chaos --riders 200`, `STEPS=50000 make soak ARGS=model`.
"""

import subprocess
import sys
import time

PARTS = {
    "claims": (sys.executable, "-m", "tests.soak.claim_storm"),
    "journey": (sys.executable, "-m", "tests.soak.chaos"),
    "model": (sys.executable, "-m", "pytest", "-q", "-s", "tests/soak/claims_machine.py"),
}


def main(chosen: list[str]) -> int:
    """Run the parts; the exit status, 0 when all of them held."""
    failed = []
    for name in chosen or list(PARTS):
        began = time.monotonic()
        if subprocess.run(PARTS[name], check=False).returncode:
            failed.append(name)
        sys.stdout.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    sys.stdout.write(f"broken: {', '.join(failed)}\n" if failed else "everything held\n")
    return 1 if failed else 0


if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - PARTS.keys():
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    raise SystemExit(main(sys.argv[1:]))
