import pytest

from app.api.fetching.hosts import Host, allowed_url, hosts_of, origin
from app.core.errors import InvalidParameterError, UrlNotAllowedError

HOSTS = hosts_of("example.org, *.pictures.example,images.lan:8080,[fd00::1],xn--exmple-cua.org")


def test_a_list_of_hosts() -> None:
    assert HOSTS[:3] == (Host("example.org"), Host("pictures.example", below=True), Host("images.lan", port=8080))
    assert hosts_of("") == ()


@pytest.mark.parametrize(
    "text",
    ["*", "*.", "Example.org", "http://example.org", "example.org/", "a.*.org", "a:0", "a:99999", "a b", "u@a", "a.."],
)
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(ValueError, match="no host"):
        hosts_of(text)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "https://example.org/cat.jpg?token=x#part",
        "https://EXAMPLE.org:443/",
        "http://example.org:80/",
        "https://a.pictures.example/",
        "https://a.b.pictures.example/",
        "http://images.lan:8080/cat.jpg",
        "https://[fd00::1]/",
        "https://exämple.org/kätzchen.jpg",
    ],
)
def test_listed_hosts_pass(url: str) -> None:
    assert allowed_url(url, HOSTS).scheme in ("http", "https")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://www.example.org/",
        "http://example.org.evil.example/",
        "http://evilexample.org/",
        "http://example.org./",
        "http://pictures.example/",
        "http://evilpictures.example/",
        "https://example.org:80/",
        "http://example.org:8080/",
        "http://images.lan/",
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://[::ffff:127.0.0.1]/",
        "http://evil.example?@example.org/",
        "http://evil.example#@example.org/",
        "http://example.org%2eevil.example/",
    ],
)
def test_all_others_do_not(url: str) -> None:
    with pytest.raises(UrlNotAllowedError, match="not among the hosts"):
        allowed_url(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        *("", "cat.jpg", "/etc/passwd", "//example.org/", "file:///etc/passwd", "ftp://example.org/", "data:,x"),
        *("gopher://example.org/", "http://", "http:///cat.jpg", "http://example.org:port/", "http://[::1/"),
        *("http://user:password@example.org/", "http://example.org\\@evil.example/", "http://a@example.org/"),
        *("http://exam\tple.org/", "http://example.org/\r\nHost: evil", "http://ⓔxample.org/", "http://\uff11.1.1.1/"),
        *("http://" + "a" * 254 + "/", "http://example.org/" + "a" * 8000),
    ],
)
def test_what_is_no_url_to_fetch(url: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        allowed_url(url, HOSTS, "image")
    assert caught.value.parameter == "image"
    assert len(caught.value.detail) < 200


def test_nothing_of_a_path_or_query_is_repeated() -> None:
    with pytest.raises(UrlNotAllowedError) as caught:
        allowed_url("https://evil.example/secret?token=secret", HOSTS)
    assert "secret" not in caught.value.detail


def test_the_origin_is_what_a_credential_is_for() -> None:
    url = allowed_url("http://example.org/a", HOSTS)
    assert origin(url) == origin(allowed_url("http://example.org:80/b", HOSTS)) == ("http", b"example.org", 80)
    assert origin(url) != origin(allowed_url("https://example.org/a", HOSTS))
