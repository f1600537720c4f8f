"""What is deployed says the same as the service: limits, names, errors."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from app.api.errors import problem_type
from app.api.middleware import REQUEST_ID_PATTERN
from app.api.routing import PROTOCOL_SCOPES, SCOPES, segmenting_routes
from app.api.server import KEEP_ALIVE_SECONDS
from app.api.state import LOADING_PATIENCE_SECONDS
from app.api.tracing import TRACEPARENT_PATTERN
from app.core import errors
from app.core.errors import SegserveError
from app.core.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
NGINX = ROOT / "deploy" / "nginx"
PROBLEM = re.compile(
    r'return (\d+) \'{"type":"([^"]+)","title":"([^"]+)","status":(\d+),"detail":"([^"]+)","code":"([^"]+)",'
    r'"request_id":"\$checked_request_id"}\';'
)

WAITS_FOR_MANY = "/label-studio/predict"
"""Its time says nothing: it grows with the tasks of a request."""


def paths(routes: Iterable[BaseRoute]) -> set[str]:
    return {route.path for route in routes if isinstance(route, APIRoute) and "POST" in (route.methods or ())}


SEGMENTING = paths(segmenting_routes())
ALL = paths(route for router, _ in (*SCOPES, *PROTOCOL_SCOPES) for route in router.routes)


def default(setting: str) -> int:
    return int(Settings.model_fields[setting].default)


def gateway_problems() -> dict[str, tuple[str, int, str, int, str]]:
    """By code: type, status of the answer, title, status in the body, detail."""
    found = PROBLEM.findall((NGINX / "problems.conf").read_text())
    return {code: (kind, int(sent), title, int(told), detail) for sent, kind, title, told, detail, code in found}


def test_gateway_and_service_have_one_body_limit() -> None:
    (limit,) = re.findall(r"client_max_body_size (\S+);", (NGINX / "gateway.conf").read_text())
    assert limit == str(default("max_bytes"))
    assert f" {limit} bytes" in gateway_problems()["image_too_large"][4]


def test_gateway_believes_the_request_ids_that_the_service_believes() -> None:
    (pattern,) = re.findall(r'"~\^(.+)\$" \$http_x_request_id;', (NGINX / "nginx.conf").read_text())
    assert pattern == REQUEST_ID_PATTERN.pattern


def test_gateway_believes_the_traces_that_the_service_goes_on_with() -> None:
    (pattern,) = re.findall(r'"~\^(.+)\$" \$http_traceparent;', (NGINX / "nginx.conf").read_text())
    assert pattern == TRACEPARENT_PATTERN.pattern


def test_gateway_errors_are_named_as_in_the_service() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SegserveError)]
    titles = {kind.code: kind.title for kind in kinds}
    for code, (kind, sent, title, told, _) in gateway_problems().items():
        assert kind == problem_type(code)
        assert sent == told
        assert titles.get(code, title) == title


def test_every_gateway_error_has_its_body() -> None:
    text = (NGINX / "problems.conf").read_text()
    targets = re.findall(r"^error_page [\d ]+ (\S+);$", text, re.MULTILINE)
    assert len(targets) == len(gateway_problems())
    assert all(f"location {'= ' * (target[0] == '/')}{target} {{" in text for target in targets)


def seconds(directive: str) -> float:
    """Of the gateway's configuration, which says it in one value."""
    text = "".join(path.read_text() for path in NGINX.glob("*.conf"))
    (value,) = set(re.findall(rf"\b{directive}[ =](\d+)s\b", text))
    return float(value)


def test_gateway_takes_a_replica_back_before_another_goes_down() -> None:
    """Replicas are restarted one by one: when the second stops listening, the first must not count as failed."""
    assert seconds("fail_timeout") + 1 < default("drain_seconds")  # nginx counts whole seconds: it may be one more


def test_gateway_waits_for_an_answer_longer_than_the_service_for_its_model() -> None:
    assert seconds("proxy_read_timeout") > LOADING_PATIENCE_SECONDS + seconds("proxy_connect_timeout")


def test_tls_is_modern_and_no_key_is_kept() -> None:
    listen = (ROOT / "deploy" / "tls" / "listen.conf").read_text()
    assert re.findall(r"^ssl_protocols (.+);$", listen, re.MULTILINE) == ["TLSv1.2 TLSv1.3"]
    (ciphers,) = re.findall(r"^ssl_ciphers (.+);$", listen, re.MULTILINE)
    assert all(re.fullmatch(r"ECDHE-(ECDSA|RSA)-.+(GCM-SHA\d+|POLY1305)", cipher) for cipher in ciphers.split(":"))
    assert not [path for path in (ROOT / "deploy" / "tls").iterdir() if "PRIVATE KEY" in path.read_text()]


def test_gateway_drops_idle_connections_first() -> None:
    """nginx keeps those to a replica for 60 seconds unless told otherwise."""
    upstream = (NGINX / "upstream.conf").read_text()
    assert "keepalive_timeout" not in upstream
    assert KEEP_ALIVE_SECONDS > 60


def test_a_container_is_given_the_time_to_go_down() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    service = compose[: compose.index("\nservices:")]
    (grace,) = re.findall(r"stop_grace_period: (\d+)s", service)
    told = {name: int(seconds) for name, seconds in re.findall(r'(SEGSERVE_\w+_SECONDS): "(\d+)"', service)}
    assert told == {f"{PREFIX}{name.upper()}": default(name) for name in ("drain_seconds", "shutdown_seconds")}
    assert int(grace) > sum(told.values())


def test_deployed_settings_exist() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for file in ("docker-compose.yml", "Dockerfile"):
        named = set(re.findall(rf"\b{PREFIX}\w+", (ROOT / file).read_text()))
        assert named
        assert named <= known


def test_a_linter_finds_nothing_in_the_dockerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    result = subprocess.run(
        [hadolint, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (0, "")


def test_every_alert_stands_in_the_run_book() -> None:
    book = (ROOT / "docs" / "operations.md").read_text()
    alerts = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()
    headings = re.findall(r"^### (.+)$", book, re.MULTILINE)
    assert {name for heading in headings for name in heading.split(", ")} == set(re.findall(r"- alert: (\w+)", alerts))


def test_gateway_sends_twice_what_segments_and_nothing_else() -> None:
    (pattern,) = re.findall(r"location ~ (\^.+\$) {", (NGINX / "gateway.conf").read_text())
    assert {path for path in ALL if re.fullmatch(pattern, path)} == SEGMENTING


def test_alerts_and_dashboard_are_about_all_that_segments() -> None:
    texts = [path.read_text() for path in (ROOT / "deploy").rglob("*") if path.suffix in {".yml", ".json"}]
    patterns = {found for text in texts for found in re.findall(r'route=~\\?"([^"\\]+)', text)}
    named = {pattern: {path for path in ALL if re.fullmatch(pattern, path)} for pattern in patterns}
    assert sorted(named.values(), key=len) == [SEGMENTING - {WAITS_FOR_MANY}, SEGMENTING]
    assert not any('route="/segment"' in text.replace("\\", "") for text in texts)
