import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.api.metrics import MOST_CLASSES, SHARE_BUCKETS, STAGE_BUCKETS, Metrics
from app.core.labels import Label, LabelMap
from app.imaging.observation import Observation
from app.inference.loaded import ModelIdentity
from app.inference.segmenter import SegmentAnswer, Timings
from app.training.evaluation.reference import EDGES
from app.training.sources.oxford import PETS
from tests.api.running import Service

TIMINGS = Timings(1, 2, 3, 4)


def samples(metrics: Metrics, name: str) -> dict[frozenset[tuple[str, str]], float]:
    text = metrics.exposition("")[0].decode()
    families = text_string_to_metric_families(text)
    return {
        frozenset(sample.labels.items()): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


def answer(timings: Timings = TIMINGS) -> SegmentAnswer:
    seen = Observation(0.42, 0.93, (0.25, 0.7, 0.05))
    return SegmentAnswer(b"", "mask", ModelIdentity("pets", 3, "ab" * 32, "openvino", "f32"), (1, 1), seen, timings)


def labels(**values: str) -> frozenset[tuple[str, str]]:
    return frozenset(values.items())


def test_applications_do_not_share_metrics() -> None:
    first, second = Metrics(), Metrics()
    first.answered("/segment", "POST", 200, "pets/3", 0.1)
    expected = labels(route="/segment", method="POST", status="200", model="pets/3")
    assert samples(first, "segserve_requests_total") == {expected: 1}
    assert samples(second, "segserve_requests_total") == {}


def test_stages_are_measured_in_seconds_and_there_from_the_start() -> None:
    metrics = Metrics()
    assert samples(metrics, "segserve_stage_seconds_count") == {
        labels(stage=stage): 0 for stage in ("decode", "queue", "inference", "encode")
    }
    metrics.segmented(answer(Timings(decode=2.0, queue=0.0, inference=15.0, encode=4000.0)), PETS)
    metrics.segmented(answer(Timings(decode=3.0, queue=0.0, inference=25.0, encode=1000.0)), PETS)
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
    metrics.answered("/model", "GET", 200, "", 0.25)
    metrics.answered(None, "GET", 404, "", 0.5)
    assert samples(metrics, "segserve_request_seconds_sum") == {
        labels(route="/model"): 0.25,
        labels(route="unmatched"): 0.5,
    }


def test_a_picture_is_compared_with_the_training_data() -> None:
    metrics = Metrics()
    metrics.segmented(answer(), PETS)
    assert samples(metrics, "segserve_pictures_total") == {labels(model="pets/3", output="mask"): 1}
    for name, value in (("brightness", 0.42), ("confidence", 0.93)):
        assert samples(metrics, f"segserve_picture_{name}_sum") == {labels(model="pets/3"): value}
    shares = samples(metrics, "segserve_picture_class_share_sum")
    assert shares == {
        labels(model="pets/3", **{"class": name}): share
        for name, share in (("pet", 0.25), ("background", 0.7), ("border", 0.05))
    }
    buckets = samples(metrics, "segserve_picture_brightness_bucket")
    assert buckets[labels(model="pets/3", le="0.4")] == 0
    assert buckets[labels(model="pets/3", le="0.45")] == 1


def test_models_of_many_classes_have_no_histogram_for_each() -> None:
    metrics = Metrics()
    many = LabelMap(tuple(Label(number, f"class {number}", (number, 0, 0)) for number in range(MOST_CLASSES + 1)))
    metrics.segmented(answer(), many)
    assert samples(metrics, "segserve_picture_class_share_sum") == {}


def test_bins_are_those_of_manifests() -> None:
    assert EDGES[1:] == SHARE_BUCKETS


@pytest.mark.anyio
async def test_problems_are_counted_by_code(service: Service, picture: bytes) -> None:
    def counted(code: str) -> float:
        return samples(service.state.metrics, "segserve_problems_total").get(labels(code=code), 0.0)

    before = counted("invalid_image"), counted("not_found")
    await service.http.post("/segment", content=b"no picture")
    await service.http.post(
        "/segment", files=[("file", ("a.jpg", picture)), ("file", ("b.jpg", b"none")), ("file", ("c.jpg", b"none"))]
    )
    await service.http.get("/nowhere")
    assert (counted("invalid_image"), counted("not_found")) == (before[0] + 3, before[1] + 1)


@pytest.mark.anyio
async def test_requests_are_counted_by_the_model_that_answered(service: Service, picture: bytes) -> None:
    def counted(status: int, model: str) -> float:
        found = samples(service.state.metrics, "segserve_requests_total")
        return found.get(labels(route="/segment", method="POST", status=str(status), model=model), 0.0)

    before = counted(200, "pets/1"), counted(400, "")
    await service.http.post("/segment", content=picture)
    await service.http.post("/segment", content=b"no picture")
    assert (counted(200, "pets/1"), counted(400, "")) == (before[0] + 1, before[1] + 1)


def test_newer_scrapers_get_the_newer_format() -> None:
    content, media_type = Metrics().exposition("application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    assert content.endswith(b"# EOF\n")
    assert Metrics().exposition("*/*")[1].startswith("text/plain")
