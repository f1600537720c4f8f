import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.core.errors import ConfigurationError
from app.core.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("SEGSERVE_") or name == "PORT"]:
        monkeypatch.delenv(name)


def test_the_defaults_serve_the_pets_model_on_port_8000() -> None:
    settings = load_settings()
    assert settings.model_store == Path("model_store")
    assert settings.model == "pets:production"
    assert (settings.host, settings.port) == ("0.0.0.0", 8000)
    assert (settings.engine, settings.device, settings.precision) == ("auto", "auto", "float32")


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGSERVE_MODEL_STORE", "/models")
    monkeypatch.setenv("SEGSERVE_MAX_PIXELS", "1000")
    monkeypatch.setenv("segserve_drain_seconds", "0.5")
    settings = load_settings()
    assert settings.model_store == Path("/models")
    assert settings.max_pixels == 1000
    assert settings.drain_seconds == 0.5


def test_an_argument_wins_over_the_environment_and_none_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGSERVE_THREADS", "3")
    assert load_settings(threads=2).threads == 2
    assert load_settings(threads=None).threads == 3


def test_an_unknown_name_is_refused_and_the_known_ones_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGSERVE_MAX_PIXEL", "1000")
    monkeypatch.setenv("SEGSERVE_COLOUR", "red")
    with pytest.raises(ConfigurationError, match=r"SEGSERVE_COLOUR, SEGSERVE_MAX_PIXEL; known: .*SEGSERVE_MAX_PIXELS"):
        load_settings()


def test_other_peoples_names_are_none_of_our_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEG_SERVE_COLOUR", "red")
    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("MAX_BYTES", "12"),
        ("DEVICE", "tpu"),
        ("PRECISION", "float16"),
        ("THREADS", "-1"),
        ("WATCHDOG_SECONDS", "nan"),
        ("BODY_TIMEOUT_SECONDS", "0"),
        ("MODEL", ""),
        ("ROOT_PATH", "api"),
        ("ROOT_PATH", "/api/"),
        ("CORS_ORIGINS", "example.com"),
        ("CORS_ORIGINS", "https://example.com/"),
        ("CORS_ORIGINS", "https://Example.com"),
        ("CORS_ORIGINS", "https://example.com, http://localhost"),
        ("CORS_ORIGINS", "https://example.com,*"),
        ("CORS_ORIGINS", "null"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SEGSERVE_{name}", value)
    with pytest.raises(ConfigurationError, match=name.lower()):
        load_settings()


def test_all_wrong_values_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"threads: .*; max_parts: "):
        load_settings(threads=-1, max_parts=0)


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="colour"):
        load_settings(colour="red")


def test_the_platforms_port_is_used_where_ours_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    assert load_settings().port == 9000
    assert load_settings(port=9002).port == 9002
    monkeypatch.setenv("SEGSERVE_PORT", "9001")
    assert load_settings().port == 9001


@pytest.mark.parametrize("path", ["", "/api", "/api/v1"])
def test_a_root_path_starts_with_a_slash_and_does_not_end_with_one(path: str) -> None:
    assert load_settings(root_path=path).root_path == path


@pytest.mark.parametrize("origins", ["", "*", "https://example.com", "http://localhost:5173,https://[::1]:8443"])
def test_origins_are_as_browsers_send_them(origins: str) -> None:
    assert load_settings(cors_origins=origins).cors_origins == origins


def test_settings_do_not_change() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]  # that is what is tested


def test_each_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_picture_alone_always_finds_room() -> None:
    with pytest.raises(ConfigurationError, match="settings: Value error, max_queue_pixels 10 is less than max_pixels"):
        load_settings(max_queue_pixels=10)
