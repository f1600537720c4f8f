# The service, for any container engine: docker build [--build-arg VARIANT=gpu] -t segserve .
# cpu: OpenVINO, no TensorFlow; gpu: TensorFlow with CUDA. Decisions and sizes: docs/adr/0006-container-image.md
FROM python:3.11-slim-bookworm AS builder
ARG VARIANT=cpu
COPY requirements/serve-${VARIANT}.txt /tmp/lock.txt
RUN python -m venv --without-pip /opt/venv && \
    python -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --disable-pip-version-check \
        --require-hashes -r /tmp/lock.txt
# What a CPU never loads goes: OpenVINO's other devices, model converters and headers; numpy's own tests. The root file
# system may be read-only and the user any: what stays is compiled here and readable by all.
WORKDIR /opt/venv/lib/python3.11/site-packages
RUN rm -rf openvino/include openvino/libs/cache.json openvino_telemetry* \
        openvino/libs/libopenvino_intel_gpu_plugin.so openvino/libs/libopenvino_intel_npu_plugin.so && \
    find . -name 'libopenvino_*_frontend.so*' ! -name 'libopenvino_ir_frontend.so*' -delete && \
    find numpy -type d -name tests -prune -exec rm -rf {} + && \
    python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib && chmod -R a+rX,go-w /opt/venv
COPY app /opt/segserve/app
COPY model_store /opt/segserve/model_store
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/segserve/app && chmod -R a+rX,go-w /opt/segserve

FROM python:3.11-slim-bookworm
# No installer and no package lists are left to whoever gets in.
RUN rm -rf /var/cache/apt/* /var/lib/apt/lists/* /usr/bin/pip* /usr/local/bin/pip* && \
    find / -xdev -path '*/python3*' -type d \( -name pip -o -name ensurepip -o -name setuptools -o -name wheel \) \
        -prune -exec rm -rf {} +
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /opt/segserve /opt/segserve
WORKDIR /opt/segserve
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    PORT=8000 \
    SEGSERVE_MODEL_STORE=/opt/segserve/model_store
USER 10001:0
EXPOSE 8000
# Live, not ready: a container that is still loading or draining must not be replaced.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as request; request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/live', timeout=4)"]
ENTRYPOINT ["python", "-m", "app.cli"]
CMD ["serve"]
