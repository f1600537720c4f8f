"""Metrics for Prometheus."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.problems import problem_answers
from app.api.state import StateDependency

router = APIRouter(tags=["operation"])


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problem_answers()},
)
async def metrics(request: Request, service: StateDependency) -> Response:
    """Requests by route, method and status; time by stage; what is in flight; model and device."""
    content, media_type = service.metrics.exposition(request.headers.get("accept", ""))
    return Response(content, headers={"Content-Type": media_type, "Cache-Control": "no-store"})
