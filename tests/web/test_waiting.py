"""A service that is not there yet, or no longer."""

from playwright.sync_api import Route, expect

from app.api.errors import PROBLEM_TYPE, Problem, problem_type
from app.core.errors import ModelNotReadyError
from tests.web.visit import REFUSED, Visit

LOADING = Problem(
    type=problem_type(ModelNotReadyError.code),
    title=ModelNotReadyError.title,
    status=503,
    detail="the model is loading",
    code=ModelNotReadyError.code,
    request_id="7f1c",
)


def answer_loading(route: Route) -> None:
    """As the service does while it loads."""
    headers = {"Retry-After": "1", "Content-Type": PROBLEM_TYPE}
    route.fulfill(status=503, headers=headers, body=LOADING.model_dump_json(exclude_none=True))


def test_loading_is_said_and_waited_for(visit: Visit, cat: bytes) -> None:
    page = visit.page
    page.route("**/model/architecture?*", answer_loading, times=1)
    page.route("**/segment?*", answer_loading, times=2)
    page.goto(visit.server)
    said = "Model not ready: the model is loading. Trying again in 1 s…"
    expect(page.locator("#network-status")).to_have_text(said)
    visit.choose(cat)
    expect(page.locator("#status")).to_have_text(said)
    visit.await_result("cat.jpg")
    expect(page.locator("#network")).to_be_visible()
    assert len(visit.posted()) == 3
    assert all(complaint.startswith(f"{REFUSED}503") for complaint in visit.complaints)
    visit.complaints.clear()


def test_a_gateway_without_reasons(visit: Visit, cat: bytes) -> None:
    page = visit.open()
    page.route("**/segment?*", lambda route: route.fulfill(status=504, body="<h1>Gateway Time-out</h1>"))
    visit.choose(cat)
    assert "gave no reason" in visit.expect_refusal("HTTP 504 Gateway Timeout", 504)


def test_no_service_at_all(visit: Visit, cat: bytes) -> None:
    page = visit.open()
    page.route("**/segment?*", lambda route: route.abort())
    visit.choose(cat)
    box = page.get_by_role("alert")
    expect(box.locator("strong")).to_have_text("No answer")
    expect(box).to_contain_text("cannot be reached")
    assert visit.complaints == ["Failed to load resource: net::ERR_FAILED"]
    visit.complaints.clear()


def test_another_model_since_the_page_was_opened(visit: Visit, cat: bytes) -> None:
    """Its labels are fetched anew: they may have other names and colours."""
    page = visit.page

    def of_another_model(route: Route) -> None:
        answer = route.fetch()
        card = answer.json()
        card["model"]["sha256"] = "0" * 64
        card["labels"] = []
        route.fulfill(response=answer, json=card)

    page.route("**/model", of_another_model, times=1)
    visit.open()
    expect(page.locator("#lead")).to_contain_text("pets/1")
    visit.segment(cat)
    assert len([request for request in visit.requests if request.url == f"{visit.server}/model"]) == 2
    colour = page.locator("#classes span").first.evaluate("one => getComputedStyle(one).borderTopColor")
    assert colour == "rgb(230, 80, 60)"
