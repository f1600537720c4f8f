import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.api.metrics import STAGE_BUCKETS, Metrics
from app.inference.segmenter import Timings
from tests.api.running import Service


def samples(metrics: Metrics, name: str) -> dict[frozenset[tuple[str, str]], float]:
    text = metrics.exposition("")[0].decode()
    families = text_string_to_metric_families(text)
    return {
        frozenset(sample.labels.items()): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


def labels(**values: str) -> frozenset[tuple[str, str]]:
    return frozenset(values.items())


def test_applications_do_not_share_metrics() -> None:
    first, second = Metrics(), Metrics()
    first.answered("/segment", "POST", 200, 0.1)
    assert samples(first, "segserve_requests_total") == {labels(route="/segment", method="POST", status="200"): 1}
    assert samples(second, "segserve_requests_total") == {}


def test_stages_are_measured_in_seconds_and_there_from_the_start() -> None:
    metrics = Metrics()
    assert samples(metrics, "segserve_stage_seconds_count") == {
        labels(stage=stage): 0 for stage in ("decode", "queue", "inference", "encode")
    }
    metrics.segmented(Timings(decode=2.0, queue=0.0, inference=15.0, encode=4000.0))
    metrics.segmented(Timings(decode=3.0, queue=0.0, inference=25.0, encode=1000.0))
    sums = samples(metrics, "segserve_stage_seconds_sum")
    assert sums[labels(stage="decode")] == pytest.approx(0.005)
    assert sums[labels(stage="inference")] == pytest.approx(0.04)
    assert sums[labels(stage="encode")] == pytest.approx(5.0)
    buckets = samples(metrics, "segserve_stage_seconds_bucket")
    assert buckets[labels(stage="inference", le="0.02")] == 1
    assert buckets[labels(stage="inference", le="0.04")] == 2
    assert len(buckets) == 4 * (len(STAGE_BUCKETS) + 1)


def test_requests_have_a_time_for_each_route() -> None:
    metrics = Metrics()
    metrics.answered("/model", "GET", 200, 0.25)
    metrics.answered(None, "GET", 404, 0.5)
    assert samples(metrics, "segserve_request_seconds_sum") == {
        labels(route="/model"): 0.25,
        labels(route="unmatched"): 0.5,
    }


def test_readiness_is_a_number() -> None:
    metrics = Metrics()
    assert list(samples(metrics, "segserve_ready").values()) == [0]
    metrics.ready(True)
    assert list(samples(metrics, "segserve_ready").values()) == [1]


@pytest.mark.anyio
async def test_model_and_device_are_told(service: Service) -> None:
    assert service.state.pool.default is not None
    model = service.state.pool.default.model
    (info,) = samples(service.state.metrics, "segserve_model_info")
    assert info == labels(
        name="pets", version="1", sha256=model.version.sha256, engine=model.engine.name, precision="f32"
    )
    (info,) = samples(service.state.metrics, "segserve_device_info")
    assert dict(info).items() >= {"device": model.engine.device, "threads": str(model.engine.threads)}.items()
    assert list(samples(service.state.metrics, "segserve_unused_gpus").values()) == [model.selection.unused_gpus]


def test_newer_scrapers_get_the_newer_format() -> None:
    content, media_type = Metrics().exposition("application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    assert content.endswith(b"# EOF\n")
    assert Metrics().exposition("*/*")[1].startswith("text/plain")
