"""Settings of the service, read from the environment (`SEGSERVE_*`) and the command line."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.errors import ConfigurationError

PREFIX = "SEGSERVE_"

EngineChoice = Literal["auto", "openvino", "tensorflow"]
DeviceChoice = Literal["auto", "cpu", "gpu"]
Precision = Literal["float32", "bfloat16"]
LogFormat = Literal["auto", "json", "plain"]


class Settings(BaseSettings):
    """All settings; each is documented in the README (a test compares the two)."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    model_store: Path = Field(Path("model_store"), description="Folder of the model store.")
    model: str = Field(
        "pets:production", min_length=1, max_length=200, description="Default model: NAME, NAME:VERSION or NAME:ALIAS."
    )
    max_models: Annotated[int, Field(ge=1, le=64)] = Field(
        3, description="Most model versions in memory; beyond it the least recently used one gives way."
    )
    load_on_request: bool = Field(
        False, description="Load a version that a request names; else only the admin API does, and 409 is answered."
    )
    poll_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        5.0, description="How often to look whether `model` means another version now; 0: never."
    )
    engine: EngineChoice = Field("auto", description="Inference engine.")
    device: DeviceChoice = Field("auto", description="`gpu` ends the start where none is usable.")
    precision: Precision = Field(
        "float32",
        description="Arithmetic of the engine; bfloat16 only on CPUs that have it (AVX512_BF16, AMX): half as many "
        "masks more there, of the same quality.",
    )
    threads: Annotated[int, Field(ge=0, le=1024)] = Field(
        0, description="Inference threads; 0: min(affinity, cgroup quota)."
    )
    streams: Annotated[int, Field(ge=0, le=256)] = Field(
        0, description="Calls of the engine side by side, on a GPU of up to 16 pictures each; 0: chosen by the engine."
    )
    engine_nice: Annotated[int, Field(ge=0, le=19)] = Field(
        10,
        description="How far the priority of OpenVINO's threads lies below that of all others, on Linux; "
        "0: not at all.",
    )

    host: str = Field("0.0.0.0", description="Address to listen on.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(8000, description="Port to listen on; `PORT` is read as well.")
    root_path: str = Field(
        "", pattern=r"^(/[^?#]*[^/?#])?$", description="Path that a gateway strips before it forwards."
    )
    forwarded_allow_ips: str = Field(
        "127.0.0.1", description="Proxies whose X-Forwarded-* headers are believed; `*`: all."
    )

    api_keys: str | None = Field(
        None,
        description="API keys as `segserve keys new` prints them; without any the service is open, without admin API.",
    )
    api_keys_file: Path | None = Field(
        None, description="File with more of them; it is read again within a second of a change."
    )
    cors_origins: str = Field(
        "",
        pattern=r"^(\*|https?://[a-z0-9.:\[\]-]+(,https?://[a-z0-9.:\[\]-]+)*)?$",
        description="Origins whose pages may call the API from a browser, with commas between them; `*`: all.",
    )
    docs: bool = Field(True, description="Whether there are `/docs` and `/openapi.json`.")
    page: bool = Field(True, description="Whether there is the page at `/`, with its files.")

    max_bytes: Annotated[int, Field(ge=1024, le=2**30)] = Field(20_000_000, description="Largest request body, bytes.")
    max_pixels: Annotated[int, Field(ge=1, le=2**28)] = Field(25_000_000, description="Largest picture, pixels.")
    max_parts: Annotated[int, Field(ge=1, le=1000)] = Field(
        128, description="Most parts of a multipart form, and pictures of a request under `/v2`."
    )
    max_answer_bytes: Annotated[int, Field(ge=1024, le=2**32)] = Field(
        200_000_000, description="Largest answer before compression, bytes."
    )
    max_queue: Annotated[int, Field(ge=1, le=100_000)] = Field(
        64, description="Most requests being read, queued or worked on."
    )
    max_queue_pixels: Annotated[int, Field(ge=1, le=2**34)] = Field(
        200_000_000, description="Most pixels of all pictures being worked on; at least `max_pixels`."
    )
    body_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        30.0, description="Longest wait for a whole request body."
    )
    decode_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        30.0, description="Longest time to decode a picture; live turns 503 when every thread is beyond it."
    )

    url_hosts: str = Field(
        "",
        max_length=10_000,
        description="Hosts that pictures are fetched from (`url=`), with commas between them: `example.org`, "
        "`*.example.org`, `example.org:8080`; without any that is off.",
    )
    url_networks: str = Field(
        "",
        max_length=10_000,
        description="Networks that are not public but hold listed hosts: `10.0.0.0/8,fd00::/8`. Whoever may send "
        "pictures has the service ask there.",
    )
    url_timeout_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        10.0, description="Longest time to fetch a picture, redirects and all."
    )

    label_studio_url: str = Field(
        "",
        pattern=r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$",
        description="Where Label Studio is for this service, in place of what it says of itself; its host must be "
        "among `url_hosts`.",
    )
    label_studio_token: SecretStr | None = Field(
        None, description="Token of Label Studio's API for its pictures, sent to `label_studio_url` alone."
    )

    drain_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        5.0, description="After SIGTERM: time not ready but still answering."
    )
    shutdown_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        20.0, description="After that: longest wait for work in flight."
    )
    watchdog_seconds: Annotated[float, Field(ge=1, le=3600)] = Field(
        60.0, description="Live turns 503 when the engine finishes nothing for so long."
    )

    log_format: LogFormat = Field("auto", description="`auto`: plain on a terminal, else JSON.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        if self.max_queue_pixels < self.max_pixels:
            raise ValueError(f"max_queue_pixels {self.max_queue_pixels} is less than max_pixels {self.max_pixels}")
        if self.label_studio_token is not None and not self.label_studio_url:
            raise ValueError("label_studio_token goes with label_studio_url only")
        return self


def load_settings(**overrides: object) -> Settings:
    """Reads the environment, then applies `overrides` whose value is not None.

    Raises:
        ConfigurationError: an unknown `SEGSERVE_*` name or a value out of range; it names each.
    """
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)
    if unknown:
        raise ConfigurationError(f"unknown setting(s) {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    given = {name: value for name, value in overrides.items() if value is not None}
    if "port" not in given and f"{PREFIX}PORT" not in os.environ and "PORT" in os.environ:
        given["port"] = os.environ["PORT"]
    try:
        return Settings(**given)  # type: ignore[arg-type]  # values are validated by pydantic
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}" for item in error.errors()]
        raise ConfigurationError("; ".join(lines)) from error
