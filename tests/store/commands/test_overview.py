from app.store.commands.overview import all_references, details, details_text, overview, overview_rows
from app.store.manifest import ManifestDraft
from app.store.publish import publish_version
from app.store.repository import ModelStore, ModelVersion
from tests.store.conftest import FILES


def test_every_version_of_every_model(store: ModelStore, pets: ModelVersion, draft: ManifestDraft) -> None:
    publish_version(store, "cells", draft, FILES)
    publish_version(store, "pets", draft, FILES)
    assert all_references(store) == ("cells:1", "pets:1", "pets:2")
    assert [(entry["name"], entry["version"]) for entry in overview(store)] == [("cells", 1), ("pets", 1), ("pets", 2)]


def test_what_is_wrong_has_a_column_only_when_something_is(store: ModelStore, pets: ModelVersion) -> None:
    (head, row) = overview_rows(overview(store))
    assert len(head) == len(row) == 7
    (store.root / "pets" / "aliases.json").write_text("torn")
    (head, row) = overview_rows(overview(store))
    assert (head[-1], row[:2], len(row)) == ("problem", ("pets:1", "–"), 8)
    assert row[-1].startswith("model store, pets/aliases.json is not valid")


def test_a_model_of_many_classes_stays_readable(store: ModelStore, draft: ManifestDraft) -> None:
    names = [f"class {number}" for number in range(200)]
    scores = draft.metrics["test"].model_copy(update={"iou": dict.fromkeys(names), "dice": {}, "flip": None})
    labels = tuple(draft.labels[0].model_copy(update={"id": i, "name": name}) for i, name in enumerate(names))
    share = dict.fromkeys(names, draft.reference.brightness)
    many = draft.model_copy(
        update={
            "labels": labels,
            "metrics": {"test": scores},
            "reference": draft.reference.model_copy(update={"class_share": share}),
        }
    )
    publish_version(store, "many", many, FILES)
    text = details_text(details(store, "many"))
    assert max(map(len, text.splitlines())) < 120
    assert "199  class 199" in text
