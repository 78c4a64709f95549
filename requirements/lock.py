"""
Renew the pins beside this file: `python3.11 requirements/lock.py`.

Python 3.11 because it is the oldest that is supported: what is released for it is released for the newer ones.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# pip and the build's own tools are pinned too, so that the same commit installs the same way a year later.
TOOLS = ("pip", "hatchling", "editables")
TESTS = ("pytest", "pytest-asyncio", "pytest-xdist", "hypothesis")
FILES = {
    "constraints.txt": ("-e", ".[server]", "--group", "dev", *TOOLS),
    # The oldest graphql-core that pyproject.toml admits.
    "constraints-graphql-core-3.2.txt": ("-e", ".[server]", "graphql-core==3.2.12", *TESTS, *TOOLS),
}
HEADER = "# Exact versions for run.py, made by `python3.11 requirements/lock.py`.\n"


def main() -> None:
    """Resolve each file anew, without regard to its old content."""
    if sys.version_info[:2] != (3, 11):
        sys.exit("The pins are made with Python 3.11, the oldest that is supported.")
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True, upgrade_deps=True)
        python = Path(folder, "Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        for name, wanted in FILES.items():
            pins = resolve(python, Path(folder, "report.json"), wanted)
            (FOLDER / name).write_text(HEADER + "".join(f"{pin}\n" for pin in pins), encoding="utf-8")
            print(f"{name}: {len(pins)} packages")


def resolve(python: Path, report: Path, wanted: tuple[str, ...]) -> list[str]:
    """Ask pip what it would install into an empty environment."""
    dry_run = ("--dry-run", "--ignore-installed", "--quiet", "--report", report)
    subprocess.run([python, "-m", "pip", "install", *dry_run, *wanted], cwd=FOLDER.parent, check=True)
    packages = [item["metadata"] for item in json.loads(report.read_text(encoding="utf-8"))["install"]]
    return sorted(f"{it['name'].lower()}=={it['version']}" for it in packages if it["name"] != "gatepass")


if __name__ == "__main__":
    main()
