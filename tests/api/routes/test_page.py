from pathlib import Path

import pytest
from fastapi import Request

from app.api.routes.page import INDEX, PAGE_POLICY, WEB, file_response
from app.core.errors import NotFoundError
from tests.api.running import Service


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    web = tmp_path / "web"
    (web / "modules").mkdir(parents=True)
    (web / "app.js").write_text("import './modules/x.js'")
    (web / "modules" / "x.js").write_text("export const x = 'ü'")
    (web / "notes.txt").write_text("not for the world")
    (tmp_path / "secret.js").write_text("outside")
    return web


def request() -> Request:
    return Request({"type": "http", "headers": []})


@pytest.mark.parametrize("path", ["app.js", "modules/x.js"])
def test_files_are_served_with_type_and_policy(folder: Path, path: str) -> None:
    response = file_response(request(), folder, path)
    assert response.body == (folder / path).read_bytes()
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["content-security-policy"] == PAGE_POLICY


@pytest.mark.parametrize(
    "path",
    ["", ".", "..", "../secret.js", "modules/../app.js", "/etc/passwd", "notes.txt", "modules", "app.js\0", "a" * 9000],
)
def test_nothing_else_is(folder: Path, path: str) -> None:
    with pytest.raises(NotFoundError):
        file_response(request(), folder, path)


@pytest.mark.anyio
async def test_the_page_and_its_files_come_from_the_web_folder(service: Service) -> None:
    page = await service.http.get("/")
    assert page.content == (WEB / INDEX).read_bytes()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == PAGE_POLICY
    assert "unsafe" not in PAGE_POLICY
    style = await service.http.get("/static/reference.css")
    assert style.content == (WEB / "reference.css").read_bytes()
    for path in ("/static/__init__.py", "/static/..%2f..%2fapi%2ferrors.py", "/static/%00", "/static/"):
        service.problem(await service.http.get(path), 404, "not_found")
