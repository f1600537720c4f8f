import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.core.architecture import ARCHITECTURE, ArchitectureSummary
from app.store.repository import ModelStore


def architecture(store: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["architecture", *arguments, "--model-store", str(store)])


@pytest.fixture
def summary(tiny_store: ModelStore) -> ArchitectureSummary:
    return ArchitectureSummary.from_json((tiny_store.root / "pets" / "1" / ARCHITECTURE).read_bytes())


def test_the_network_in_every_format(tiny_store_path: Path, summary: ArchitectureSummary) -> None:
    assert architecture(tiny_store_path, "pets").stdout == summary.to_text()
    assert architecture(tiny_store_path, "pets:1", "--format", "text").stdout == summary.to_text()
    assert architecture(tiny_store_path, "pets:production", "--format", "mermaid").stdout == summary.to_mermaid()
    for asked in (["--json"], ["--format", "json"]):
        result = architecture(tiny_store_path, "pets", *asked)
        assert (result.exit_code, result.stdout) == (0, summary.to_json())
        assert json.loads(result.stdout)["totals"]["layers"] == len(summary.layers)


@pytest.mark.parametrize(
    ("reference", "message"), [("cars", "no model 'cars'"), ("pets:2", "no version 2"), ("a/b", "no model 'a/b'")]
)
def test_no_such_model(tiny_store_path: Path, reference: str, message: str) -> None:
    result = architecture(tiny_store_path, reference)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


def test_a_changed_file_is_not_shown(tiny_store_path: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(tiny_store_path, tmp_path / "store"))
    file = store / "pets" / "1" / ARCHITECTURE
    file.write_text(file.read_text().replace("stem_conv", "evil_conv"))
    result = architecture(store, "pets")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "architecture.json" in result.stderr


def test_no_engine_is_loaded(tiny_store_path: Path) -> None:
    script = (
        "import sys\nfrom app.cli import main\n"
        "try: main(['architecture', 'pets', '--model-store', sys.argv[1]])\n"
        "except SystemExit: print(*sys.modules)"
    )
    command = [sys.executable, "-c", script, str(tiny_store_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    modules = {name.partition(".")[0] for name in run.stdout.splitlines()[-1].split()}
    assert "pydantic" in modules
    assert not {"tensorflow", "keras", "openvino", "fastapi"} & modules
