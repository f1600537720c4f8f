"""The service as a Ray Serve deployment whose number of replicas follows its load."""

from ray import serve

from app.core.settings import load_settings
from app.main import create_app

CPUS = 1
"""Of a replica: it computes with so many threads."""


@serve.deployment(
    ray_actor_options={"num_cpus": CPUS},
    max_ongoing_requests=16,
    autoscaling_config={
        "min_replicas": 1,
        "max_replicas": 8,
        "target_ongoing_requests": 4,
        "upscale_delay_s": 5,
        "downscale_delay_s": 120,
    },
    graceful_shutdown_timeout_s=30,
)
@serve.ingress(lambda: create_app(load_settings(threads=CPUS, streams=CPUS)))
class Segserve:
    """A replica: all routes of the service."""


app = Segserve.bind()
