import pytest

from app.api.fetching.fetcher import Fetcher
from app.api.label_studio.connections import Connection, Connections
from app.core.errors import InvalidParameterError, UrlNotAllowedError
from app.core.settings import Settings

HOSTS = Fetcher(Settings(url_hosts="labels.example,labels.example:8080,cdn.example"))
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoxfQ.c2lnbmF0dXJl"


def asked(connection: Connection, text: str) -> tuple[str, str | None]:
    url, authorization = connection.picture_url(text, HOSTS, "data.image")
    return str(url), authorization


def test_the_token_goes_to_label_studio_alone() -> None:
    connection = Connection("http://labels.example:8080/", "secret")
    ours = "http://labels.example:8080/data/upload/1/cat.jpg"
    assert asked(connection, "/data/upload/1/cat.jpg") == (ours, "Token secret")
    assert asked(connection, ours) == (ours, "Token secret")
    for other in ("http://cdn.example/a.jpg", "http://labels.example/a.jpg", "https://labels.example/a.jpg"):
        assert asked(connection, other) == (other, None)
    assert asked(Connection("http://labels.example/at", JWT), "/data/a.jpg") == (
        "http://labels.example/at/data/a.jpg",
        f"Bearer {JWT}",
    )
    assert asked(Connection("http://labels.example"), "/a.jpg")[1] is None


@pytest.mark.parametrize("text", ["//evil.example/a.jpg", "/\\evil.example/a.jpg", "/@evil.example/a.jpg"])
def test_a_path_stays_on_its_host(text: str) -> None:
    assert asked(Connection("http://labels.example", "secret"), text)[0].startswith("http://labels.example/")


def test_what_may_not_be_fetched() -> None:
    for connection in (Connection("http://evil.example", "secret"), Connection("http://labels.example:81", "secret")):
        with pytest.raises(UrlNotAllowedError):
            asked(connection, "/data/upload/1/cat.jpg")
    with pytest.raises(InvalidParameterError, match="no setup has said"):
        asked(Connection(), "/data/upload/1/cat.jpg")
    for text in ("cat.jpg", "s3://bucket/cat.jpg", "http://u:p@labels.example/"):
        with pytest.raises(InvalidParameterError, match=r"data\.image"):
            asked(Connection("http://labels.example", "secret"), text)


def test_what_a_project_says_is_remembered_for_its_key_alone() -> None:
    connections = Connections(Settings())
    connections.remember("anna", "1", "http://labels.example", "secret", "<View/>")
    assert connections.of("anna", "1") == Connection("http://labels.example", "secret", "<View/>")
    assert connections.of("bert", "1") == connections.of("anna", "2") == connections.of(None, "1") == Connection()
    connections.remember("anna", "1", "http://cdn.example", "", "")
    assert connections.of("anna", "1") == Connection("http://cdn.example")  # no token of another host is left


def test_settings_go_before_what_is_said() -> None:
    connections = Connections(Settings(label_studio_url="http://labels.example", label_studio_token="ours"))
    connections.remember(None, "1", "http://localhost:8080", "theirs", "<View/>")
    assert connections.of(None, "1") == Connection("http://labels.example", "ours", "<View/>")
    assert connections.of(None, "2") == Connection("http://labels.example", "ours")
    said = Connections(Settings(label_studio_url="http://labels.example"))
    said.remember(None, "1", "http://localhost:8080", "theirs", "")
    assert said.of(None, "1") == Connection("http://labels.example", "theirs")


def test_as_many_are_remembered_as_have_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.label_studio.connections.MOST_PROJECTS", 2)
    connections = Connections(Settings())
    for project in ("1", "2", "1", "3"):
        connections.remember(None, project, "http://labels.example", "", "")
    assert [bool(connections.of(None, project).url) for project in ("1", "2", "3")] == [True, False, True]


@pytest.mark.parametrize(
    ("url", "token", "parameter"),
    [
        ("http://labels.example", "a\r\nHost: evil", "access_token"),
        ("http://labels.example", "ü", "access_token"),
        ("labels", "secret", "hostname"),
        ("http://a\n/", "secret", "hostname"),
    ],
)
def test_what_no_request_could_carry(url: str, token: str, parameter: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        Connections(Settings()).remember(None, "1", url, token, "")
    assert caught.value.parameter == parameter


def test_the_token_stands_in_no_text_of_the_settings() -> None:
    settings = Settings(label_studio_url="http://labels.example", label_studio_token="hunter2")
    assert "hunter2" not in repr(settings) + settings.model_dump_json()
    with pytest.raises(ValueError, match="label_studio_token goes with label_studio_url"):
        Settings(label_studio_token="hunter2")
