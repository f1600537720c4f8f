from html.parser import HTMLParser
from typing import Any

import pytest

from app.api.reference import reference_page
from tests.api.running import Service

VOID = {"meta", "link"}


class Page(HTMLParser):
    """What a browser would find: text, anchors, links; and whether every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.anyio
async def test_the_page_tells_everything_that_the_description_does(service: Service) -> None:
    description = service.app.openapi()
    page = Page(reference_page(description))
    assert page.open == []
    for path, item in description["paths"].items():
        for method, operation in item.items():
            assert f"{method.upper()} {path}" in page.text
            for status, answer in operation["responses"].items():
                assert status in page.text
                for content in answer.get("content", {}).values():
                    assert all(code in page.text for code in content.get("examples", {}))
            assert all(parameter["name"] in page.text for parameter in operation.get("parameters", []))
    assert "curl --data-binary @cat.jpg" in page.text


@pytest.mark.anyio
async def test_nothing_comes_from_another_host_and_every_link_leads_somewhere(service: Service) -> None:
    page = Page(reference_page(service.app.openapi()))
    assert not {"script", "style", "img", "iframe"} & page.tags
    assert len(page.ids) == len(set(page.ids))
    anchors = {link[1:] for link in page.links if link.startswith("#")}
    assert anchors <= set(page.ids)
    assert "post-segment" in page.ids  # the web page leads there
    others = [link for link in page.links if not link.startswith("#")]
    assert others == ["docs/icon.svg", "docs/reference.css", "openapi.json"]
    for link in others:
        assert (await service.http.get(f"/{link}")).status_code == 200


def description(text: str, **operation: Any) -> dict[str, Any]:
    return {
        "info": {"title": "t", "version": "1", "description": text},
        "paths": {"/x": {"get": {"responses": {}, **operation}}},
        "components": {"schemas": {}},
    }


def test_texts_are_escaped() -> None:
    html = reference_page(description("<script>alert(1)</script> & `a<b`"))
    assert "<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp; <code>a&lt;b</code></p>" in html


def test_indented_paragraphs_are_code() -> None:
    assert "<pre>curl x\ncurl y</pre>" in reference_page(description("Text\n\n    curl x\n    curl y\n\nmore"))


def test_types_are_told_in_few_words() -> None:
    parameter = {"name": "p", "description": "", "schema": {"anyOf": [{"type": "string"}, {"type": "null"}]}}
    html = reference_page(description("", parameters=[parameter]))
    assert "<tr><td><code>p</code></td><td>string</td><td></td></tr>" in html
    schema = {"type": "array", "items": {"enum": ["a", "b"]}}
    html = reference_page(description("", parameters=[{**parameter, "schema": schema}]))
    assert "<td>array of <code>a</code> | <code>b</code></td>" in html
