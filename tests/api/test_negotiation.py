import pytest

from app.api.negotiation import negotiate
from app.core.errors import NotAcceptableError

OFFERS = {"image/png": "output=mask", "application/json": "output=json", "application/x-npy": "output=probabilities"}


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "image/png"),
        ("", "image/png"),
        ("*/*", "image/png"),
        ("image/*", "image/png"),
        ("image/png", "image/png"),
        ("application/json", "application/json"),
        ("APPLICATION/JSON", "application/json"),
        ("application/*", "application/json"),
        ("application/x-npy", "application/x-npy"),
        ("application/json; charset=utf-8", "application/json"),
        ("image/png;q=0.5, application/json", "application/json"),
        ("image/png;q=0.5, application/json;q=0.4", "image/png"),
        ("image/webp, application/json;q=0.1", "application/json"),
        ("text/html, */*;q=0.1", "image/png"),
        ("image/png;q=0, */*", "application/json"),
        ("application/json, text/plain, */*", "application/json"),  # what axios sends
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "image/png"),  # what a browser sends
        ("image/png;q=broken, application/json;q=0.1", "application/json"),
        ("nonsense, */png, application/json", "application/json"),
    ],
)
def test_the_best_representation_is_chosen(accept: str | None, chosen: str) -> None:
    assert negotiate(accept, OFFERS) == chosen


@pytest.mark.parametrize("accept", ["text/html", "image/webp", "*/*;q=0", "image/png;q=0", "nonsense", "image/png;q=7"])
def test_nothing_acceptable_is_told_with_what_there_is(accept: str) -> None:
    with pytest.raises(NotAcceptableError, match=r"application/json \(output=json\)"):
        negotiate(accept, OFFERS)
