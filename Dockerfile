# The base scoring image: the scoring server, ONNX Runtime, and nothing else of ours.
#
#   docker build -t modelyard-scoring .
#   docker run --read-only --tmpfs /tmp -p 8080:8080 -v "$PWD/folder:/model:ro" \
#     -v "$PWD/keys.json:/run/secrets/keys.json:ro" modelyard-scoring
#
# /model                       what is served (docs/reference/model-folder.md): mounted, or in an image made FROM this one
# /run/secrets/keys.json       the keys that callers present, {"primary": ..., "secondary": ...}; user 65532 reads it
# /opt/modelyard/server        modelyard_scoring         } PYTHONPATH, in this order; an image with dependencies of
# /opt/modelyard/dependencies  requirements-scoring.lock } its own puts their folder first.
#
# Behind a certificate authority of your own, put its bundle beside this file as ca-certificates.crt: pip trusts it
# while the dependencies are fetched, and it is not in the image.
ARG BASE=python:3.11-slim

FROM ${BASE} AS dependencies
COPY requirements-scoring.lock ca-certificates.crt* /build/
RUN if [ -f /build/ca-certificates.crt ]; then export PIP_CERT=/build/ca-certificates.crt; fi \
  && python3 -m venv /build/venv \
  && /build/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-compile \
    --require-hashes --no-deps --only-binary :all: \
    --target /opt/modelyard/dependencies -r /build/requirements-scoring.lock \
  && rm -rf /opt/modelyard/dependencies/bin

FROM ${BASE}
LABEL org.opencontainers.image.title="modelyard-scoring" \
  org.opencontainers.image.description="Serves a model folder over HTTP" \
  org.opencontainers.image.licenses="Apache-2.0"
COPY --from=dependencies /opt/modelyard/dependencies /opt/modelyard/dependencies
COPY scoring/modelyard_scoring /opt/modelyard/server/modelyard_scoring
ENV PYTHONPATH=/opt/modelyard/server:/opt/modelyard/dependencies \
  PYTHONUNBUFFERED=1 \
  PYTHONDONTWRITEBYTECODE=1 \
  ORT_DISABLE_TELEMETRY=1 \
  HOME=/tmp \
  MODELYARD_SCORING_HOST=0.0.0.0 \
  MODELYARD_SCORING_PORT=8080 \
  MODELYARD_SCORING_KEYS_FILE=/run/secrets/keys.json
USER 65532:65532
WORKDIR /tmp
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python3", "-m", "modelyard_scoring.health"]
ENTRYPOINT ["python3", "-m", "modelyard_scoring"]
CMD ["/model"]
