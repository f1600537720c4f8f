"""The reference of the API as one static HTML page, written from its OpenAPI description; no script, no other host."""

import json
import re
from html import escape
from textwrap import dedent
from typing import Any

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: API reference</title>
<link rel="icon" href="docs/icon.svg">
<link rel="stylesheet" href="docs/reference.css">
</head>
<body>
<main>
"""
_TAIL = "</main>\n</body>\n</html>\n"


def reference_page(schema: dict[str, Any]) -> str:
    """The page.

    Args:
        schema: an OpenAPI 3.1 description.
    """
    title = escape(schema["info"]["title"])
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, item in schema["paths"].items()
        for method, operation in item.items()
    ]
    keys = schema["components"].get("securitySchemes", {})
    return "".join(
        [
            _HEAD.format(title=title),
            f"<h1>{title} <small>{escape(schema['info']['version'])}</small></h1>\n",
            _prose(schema["info"].get("description", "")),
            '<p>For programs: <a href="openapi.json">openapi.json</a></p>\n',
            *(
                f"<p><code>{escape(name)}</code>: {_inline(scheme['description'])}</p>\n"
                for name, scheme in keys.items()
            ),
            _contents([name for name, _ in operations], list(schema["components"]["schemas"])),
            *(_operation(name, operation) for name, operation in operations),
            "<h2>Bodies</h2>\n",
            *(_schema(name, body) for name, body in schema["components"]["schemas"].items()),
            _TAIL,
        ]
    )


def _contents(operations: list[str], bodies: list[str]) -> str:
    links = [f'<a href="#{_anchor(name)}"><code>{escape(name)}</code></a>' for name in operations]
    links += [f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in bodies]
    return "<nav><ul>" + "".join(f"<li>{link}</li>" for link in links) + "</ul></nav>\n"


def _operation(name: str, operation: dict[str, Any]) -> str:
    parts = [
        f'<section id="{_anchor(name)}">\n<h2><code>{escape(name)}</code></h2>\n',
        _prose(operation.get("description", "")),
    ]
    if parameters := operation.get("parameters"):
        rows = [[f"<code>{escape(row['name'])}</code>", _type(row["schema"]), _parameter(row)] for row in parameters]
        parts.append(_table(["parameter", "values", "meaning"], rows))
    if body := operation.get("requestBody"):
        parts.append(f"<h3>Request body</h3>\n{_prose(body.get('description', ''))}{_contents_of(body)}")
    rows = [
        [f"<code>{escape(status)}</code>", _inline(answer["description"]), _contents_of(answer)]
        for status, answer in operation["responses"].items()
    ]
    parts.append("<h3>Answers</h3>\n" + _table(["status", "meaning", "body"], rows))
    return "".join(parts) + "</section>\n"


def _parameter(parameter: dict[str, Any]) -> str:
    examples = "".join(
        f" Example: <code>{escape(str(example))}</code>" for example in parameter["schema"].get("examples", [])
    )
    return _inline(parameter.get("description", "")) + examples


def _contents_of(message: dict[str, Any]) -> str:
    """The media types of a body, each with its schema and examples."""
    items = []
    for media_type, content in message.get("content", {}).items():
        examples = [example["value"] for example in content.get("examples", {}).values()]
        shown = "".join(
            f"<pre>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</pre>" for example in examples
        )
        details = f"<details><summary>examples</summary>{shown}</details>" if shown else ""
        items.append(f"<li><code>{escape(media_type)}</code> {_type(content.get('schema', {}))}{details}</li>")
    return f"<ul>{''.join(items)}</ul>" if items else ""


def _schema(name: str, schema: dict[str, Any]) -> str:
    rows = [
        [f"<code>{escape(field)}</code>", _type(value), _inline(value.get("description", ""))]
        for field, value in schema.get("properties", {}).items()
    ]
    heading = f'<section id="{_anchor(name)}">\n<h3>{escape(name)}</h3>\n'
    return heading + _prose(schema.get("description", "")) + _table(["field", "type", "meaning"], rows) + "</section>\n"


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words, with links to the bodies that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{_anchor(name)}">{escape(name)}</a>'
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(_type(option) for option in schema["anyOf"] if option.get("type") != "null")
    kind = escape(str(schema.get("format", schema.get("type", "any"))))
    inner = schema.get("items") or (schema.get("prefixItems") or [None])[0] or schema.get("additionalProperties")
    return f"{kind} of {_type(inner)}" if isinstance(inner, dict) else kind


def _table(heads: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n"


def _prose(text: str) -> str:
    """Paragraphs between blank lines; those indented by four spaces are code."""
    paragraphs = [paragraph for paragraph in re.split(r"\n\s*\n", text.strip("\n")) if paragraph.strip()]
    return "".join(
        f"<pre>{escape(dedent(paragraph))}</pre>\n"
        if paragraph.startswith("    ")
        else f"<p>{_inline(paragraph)}</p>\n"
        for paragraph in paragraphs
    )


def _inline(text: str) -> str:
    """Escaped text, `code` between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
