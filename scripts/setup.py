"""Make a virtual environment and install agentrt into it, editable, with what its development needs.

    python3 scripts/setup.py FOLDER

Works as root and as an ordinary user, also where Debian's ``python3-venv`` is missing. Needs the standard library only.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import venv
from pathlib import Path
from urllib.parse import urljoin

INDEX = "https://pypi.org/pypi/pip/json"
PROGRAMS = ("git", "bash")
"""What agents and tests run, beside Python."""
ROOT = Path(__file__).resolve().parent.parent


def main(folder: Path) -> None:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing and not apt_install(missing):
        sys.exit(f"agentrt needs {' and '.join(missing)}. Run: sudo apt-get install -y {' '.join(missing)}")
    print(f"Setting up {folder} with {sys.executable} (once; takes about a minute) …", flush=True)
    make_environment(folder)
    pip = (folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile")
    run(*pip, "-e", f"{ROOT}[dev]")
    # What pip would do on one core; a file here and there is not meant for this Python.
    compile_all = (folder / "bin/python", "-m", "compileall", "-q", "-j", "0", folder / "lib")
    subprocess.run(compile_all, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def make_environment(folder: Path) -> None:
    """A fresh environment with pip in it; what was there before is removed."""
    builder = venv.EnvBuilder(clear=True, symlinks=True, with_pip=False)
    builder.create(folder)
    python = folder / "bin/python"
    if has("ensurepip"):
        run(python, "-m", "ensurepip", "--upgrade", "--default-pip", quiet=True)
    elif has("pip"):
        run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "pip")
    else:  # Debian and Ubuntu without python3-venv and python3-pip
        pip_from_index(python)


def pip_from_index(python: Path) -> None:
    """Install pip with pip's own wheel, which runs from the archive. The index names its digest."""
    try:
        with urllib.request.urlopen(INDEX, timeout=60) as answer:
            file = next(file for file in json.load(answer)["urls"] if file["packagetype"] == "bdist_wheel")
        with urllib.request.urlopen(urljoin(INDEX, file["url"]), timeout=60) as answer:
            content = answer.read()
    except OSError as error:
        sys.exit(f"cannot fetch pip ({error}). Run: sudo apt-get install -y python3-venv")
    if hashlib.sha256(content).hexdigest() != file["digests"]["sha256"]:
        sys.exit("the pip that came is not the one the index names; try again")
    with tempfile.TemporaryDirectory() as place:
        wheel = Path(place, file["filename"])
        wheel.write_bytes(content)
        run(python, wheel / "pip", "install", "--quiet", "--disable-pip-version-check", "pip")


def apt_install(packages: list[str]) -> bool:
    """Debian and Ubuntu, as root or where sudo asks for no password."""
    apt = shutil.which("apt-get")
    if apt is None:
        return False
    become = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if become and (shutil.which("sudo") is None or subprocess.run([*become, "true"], capture_output=True).returncode):
        return False
    print(f"Installing {' '.join(packages)} …", flush=True)
    subprocess.run([*become, apt, "update", "-qq"], check=False)
    return subprocess.run([*become, apt, "install", "-y", "-qq", *packages], check=False).returncode == 0


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def run(*command: str | Path, quiet: bool = False) -> None:
    ended = subprocess.run(command, stdout=subprocess.DEVNULL if quiet else None, check=False)
    if ended.returncode:
        sys.exit(f"setting up failed at: {' '.join(map(str, command))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
