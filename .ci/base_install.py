"""Shows that the base install is enough: in an environment with nothing else it trains, publishes, serves and segments.

Called by `make base-test` with the Python that the environment is made from.
"""

import re
import socket
import subprocess
import sys
import tempfile
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_THERE = ("openvino", "matplotlib", "pytest")
TINY = ("steps=8", "size=32", "stored_size=48", "batch_size=4", "batchnorm_batches=2", "network.filters=[8, 16]")
READY = '"message": "ready"'
PNG = b"\x89PNG\r\n\x1a\n"


def main() -> None:
    """Does it all; any failure ends it with a traceback."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = install(folder)
        pictures = draw_pictures(commands, folder / "pictures")
        train_and_publish(commands / "segserve", pictures, folder)
        with serving(commands / "segserve", folder / "store") as address:
            engine = segment(address, next((pictures / "images").glob("*.jpg")))
    sys.stdout.write(f"base install: trained, published, served and segmented with {engine}\n")


def install(folder: Path) -> Path:
    """Makes the environment, at the locked versions; the folder of its commands."""
    pins = re.findall(r"^([a-z0-9][^\s\\]*==[^\\]*?) *\\$", (ROOT / "requirements/train.txt").read_text(), re.MULTILINE)
    (folder / "constraints.txt").write_text("\n".join(pins))
    venv.create(folder / "environment", with_pip=True)
    commands = folder / "environment" / "bin"
    options: list[str | Path] = [
        "--quiet",
        "--no-compile",
        "--disable-pip-version-check",
        "--constraint",
        folder / "constraints.txt",
    ]
    subprocess.run([commands / "pip", "install", *options, ROOT], check=True)
    code = f"import importlib.util as find; print(*(name for name in {NOT_THERE} if find.find_spec(name)))"
    found = subprocess.run([commands / "python", "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout
    if found.strip():
        raise SystemExit(f"more than the base install is there: {found}")
    return commands


def draw_pictures(commands: Path, folder: Path) -> Path:
    """Labelled pictures, drawn as for the tests of training."""
    code = (
        "import pathlib, sys; from tests.training.drawn_pets import pets, write_data_set;"
        "write_data_set(pathlib.Path(sys.argv[1]), pets(0, 16), pets(16, 4))"
    )
    subprocess.run([commands / "python", "-c", code, folder], cwd=ROOT, check=True)
    return folder


def train_and_publish(segserve: Path, pictures: Path, folder: Path) -> None:
    """Trains a tiny network for a few steps and publishes it as `pets:production`."""
    options = [word for value in TINY for word in ("--set", value)]
    run = folder / "run"
    subprocess.run([segserve, "train", "--data", pictures, "--run", run, *options], cwd=folder, check=True)
    where: list[str | Path] = ["--model-store", folder / "store", "--name", "pets", "--alias", "production"]
    subprocess.run([segserve, "publish", run, "--data", pictures, *where], cwd=folder, check=True)


@contextmanager
def serving(segserve: Path, store: Path) -> Iterator[str]:
    """The service, ready; ended as an orchestrator does it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command: list[str | Path] = [segserve, "serve", "--host", "127.0.0.1", "--port", str(port), "--model-store", store]
    with subprocess.Popen(command, cwd=store, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True) as process:
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if READY in line:
                break
        else:
            raise SystemExit(f"the service did not start:\n{''.join(lines)}")
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.communicate(timeout=60)
    if process.returncode != 0:
        raise SystemExit(f"the service ended with {process.returncode}")


def segment(address: str, picture: Path) -> str:
    """Sends a picture; which engine answered."""
    request = urllib.request.Request(f"{address}/segment", picture.read_bytes())
    with urllib.request.urlopen(request, timeout=60) as answer:
        body, model = answer.read(), answer.headers["Segserve-Model"]
    if not body.startswith(PNG):
        raise SystemExit(f"not a mask: {body[:200]!r}")
    return str(model)


if __name__ == "__main__":
    main()
