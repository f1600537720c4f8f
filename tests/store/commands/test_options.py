from pathlib import Path

import click
import pytest

from app.store.commands.options import complete_model
from app.store.repository import ModelStore, ModelVersion


def completed(typed: str, **options: object) -> list[str]:
    context = click.Context(click.Command("show"))
    context.params = options
    return complete_model(context, click.Argument(["model"]), typed)


def test_references_that_begin_so(store: ModelStore, pets: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    store.set_alias("pets", "production", 1)
    assert completed("p", model_store=store.root) == ["pets", "pets:production", "pets:1"]
    assert completed("pets:p", model_store=store.root) == ["pets:production"]
    assert completed("d", model_store=store.root) == []
    monkeypatch.setenv("SEGSERVE_MODEL_STORE", str(store.root))
    assert completed("pets:1") == ["pets:1"]


def test_no_store_no_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed("") == completed("", model_store=tmp_path / "nowhere") == []
