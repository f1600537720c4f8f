"""Whether a running service keeps to its OpenAPI document, whatever that lets a client send, and does not."""

import re
import subprocess
from pathlib import Path

from tests.e2e.process import ServerProcess
from tests.fixtures.api_keys import KEY, written
from tests.fuzz.subject import SECONDS

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
LONGEST_SECONDS = 1800


def checked(schemathesis: Path, store: Path, seed: int, examples: int) -> tuple[str, str | None]:
    """How many requests of all operations there were, and the report where something is wrong.

    Args:
        schemathesis: its program.
        store: folder of a store with a tiny `pets`.
        seed: of what is sent.
        examples: most for an operation, and most sequences of operations.
    """
    keys = written("segment", "admin", "metrics")
    environment = {"SEGSERVE_API_KEYS": keys, "SEGSERVE_DRAIN_SECONDS": "0"}
    with ServerProcess("--model-store", str(store), environment=environment) as server:
        server.wait_for("ready")
        command = [
            str(schemathesis),
            "--config-file",
            str(CONFIGURATION),
            "run",
            f"{server.url}/openapi.json",
            "--no-color",
        ]
        command += ["--header", f"Authorization: Bearer {KEY}", "--continue-on-failure", "--no-color"]
        command += ["--seed", str(seed), "--max-examples", str(examples), "--request-timeout", str(SECONDS)]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS)
        server.terminate()
        ended = server.exit_code()
    counted = re.search(r"Test cases:\n\s*(.+)", run.stdout)
    errors = [line for line in server.lines if '"level": "error"' in line]
    report = "\n".join([run.stdout, run.stderr, *errors]) if run.returncode or ended or errors else None
    return counted[1] if counted else "nothing was sent", report
