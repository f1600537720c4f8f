"""What is in an image, told from inside it by its own Python: `packages` as JSON, or `files`, a line each.

docker run --rm --user 0 --entrypoint python segserve:cpu -c "$(cat deploy/image/contents.py)" packages
"""

import hashlib
import json
import os
import stat
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

OF_THE_MACHINE = ("/proc", "/sys", "/dev", "/run", "/tmp", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf")
"""Put there by what runs the container."""


def packages() -> str:
    """Debian's packages and Python's distributions, with their versions."""
    form = "${Package}\t${Version}\t${Architecture}\n"
    debian = subprocess.run(["dpkg-query", "--show", "--showformat", form], check=True, capture_output=True, text=True)
    python = {(each.name, each.version) for each in distributions()}
    found = {"debian": [line.split("\t") for line in debian.stdout.splitlines()], "python": sorted(python)}
    return json.dumps(found)


def files() -> str:
    """Path, mode, owner, size and SHA-256 of each file; where links lead."""
    lines = []
    for name, folders, found in os.walk("/"):
        folder = Path(name)
        folders[:] = [each for each in folders if str(folder / each) not in OF_THE_MACHINE]
        paths = (folder / each for each in (*folders, *found))
        lines += [f"{path} {_described(path)}" for path in paths if str(path) not in OF_THE_MACHINE]
    return "\n".join(sorted(lines))


def _described(path: Path) -> str:
    status = path.lstat()
    head = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
    if stat.S_ISLNK(status.st_mode):
        return f"{head} -> {path.readlink()}"
    if not stat.S_ISREG(status.st_mode):
        return head
    return f"{head} {status.st_size} {hashlib.sha256(path.read_bytes()).hexdigest()}"


if __name__ == "__main__":
    sys.stdout.write({"packages": packages, "files": files}[sys.argv[1]]() + "\n")
