# The full image has the compiler that hnswlib needs; nothing of it but /opt/facestreams goes further.
FROM python:3.13-bookworm AS build
WORKDIR /source

COPY requirements-build.lock ./
RUN python -m venv /opt/tools \
    && /opt/tools/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements-build.lock

# For any processor of this architecture: an image moves between machines.
ENV HNSWLIB_NO_NATIVE=1
COPY requirements.lock ./
RUN /opt/tools/bin/pip wheel --no-cache-dir --no-deps --require-hashes --no-build-isolation \
    --wheel-dir /wheels -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY models models
COPY streams streams
RUN /opt/tools/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python -m venv --without-pip /opt/facestreams \
    && /opt/tools/bin/pip --python /opt/facestreams/bin/python install --no-cache-dir --no-index --no-deps /wheels/*.whl

# The networks of the default pack, prepared once; a worker then only checks and reads them, as another user.
RUN /opt/facestreams/bin/python -c "from pathlib import Path; from models.packs import load_pack; load_pack('opencv-zoo', Path('/opt/facestreams/cache'))" \
    && chmod -R a+rX /opt/facestreams/cache


FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="facestreams" \
      org.opencontainers.image.licenses="Apache-2.0"

# The keys live here, on a volume; the root file system may be read-only, with a tmpfs on /tmp.
RUN useradd --system --uid 10001 --home-dir /var/lib/facestreams --create-home --shell /usr/sbin/nologin facestreams \
    && chmod 0700 /var/lib/facestreams
COPY --from=build /opt/facestreams /opt/facestreams

# ORT_DISABLE_TELEMETRY: onnxruntime would otherwise draw a lasting id for the machine and gather how it is used.
ENV PATH=/opt/facestreams/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    FACESTREAMS_CACHE_DIR=/opt/facestreams/cache \
    FACESTREAMS_KEY_DIR=/var/lib/facestreams/keys \
    FACESTREAMS_HTTP_PORT=8780

USER 10001
WORKDIR /var/lib/facestreams
VOLUME /var/lib/facestreams
EXPOSE 8780
# Whether the process should go on. Whether it is ready to recognise is another question, at /ready: a worker that waits
# for its broker is not, and to start it again would not help.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['FACESTREAMS_HTTP_PORT']), timeout=4); c.request('GET', '/live'); r = c.getresponse(); sys.exit(r.status != 200 and r.read().decode())"]
ENTRYPOINT ["facestreams"]
CMD ["worker"]
