"""The Dockerfile of an image with packages or steps of its own: text that is ours, and the author's own steps.

No value is pasted: packages are listed in a file, variables and the base come as arguments of the build, labels by the
engine's interface. What the author's steps set is set anew after them where the server needs it.
"""

from __future__ import annotations

from collections.abc import Sequence

BASE = "BASE_IMAGE"
AUTHORITIES = "ca-certificates.crt"
PACKAGES = "packages.txt"
REQUIREMENTS = "requirements.txt"
ARGUMENT = "MODELYARD_VARIABLE_{}"
"""The argument that carries the value of a variable of the image."""

_HEAD = f"""\
ARG {BASE}

FROM ${{{BASE}}} AS dependencies
USER 0:0
COPY dependencies /build
RUN if [ -f /build/{AUTHORITIES} ]; then export PIP_CERT=/build/{AUTHORITIES}; fi \\
  && python3 -m venv /build/venv \\
  && /build/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-compile \\
    --require-hashes --no-deps --find-links /build/wheels BINARY \\
    --target /build/dependencies -r /build/{REQUIREMENTS} \\
  && rm -rf /build/dependencies/bin

FROM ${{{BASE}}}
USER 0:0
ARG DEBIAN_FRONTEND=noninteractive
"""

_PACKAGES = f"""\
COPY {PACKAGES} /opt/modelyard/{PACKAGES}
RUN apt-get update && xargs -a /opt/modelyard/{PACKAGES} apt-get install -y --no-install-recommends -- \\
  && rm -rf /var/lib/apt/lists/*
"""

_AUTHORITIES = f"""\
COPY dependencies/{AUTHORITIES} /opt/modelyard/{AUTHORITIES}
ARG SSL_CERT_FILE=/opt/modelyard/{AUTHORITIES}
ARG PIP_CERT=/opt/modelyard/{AUTHORITIES}
ARG CURL_CA_BUNDLE=/opt/modelyard/{AUTHORITIES}
"""

_TAIL = """\
RUN ["rm", "-rf", "/opt/modelyard", "/model"]
COPY --from=dependencies /build/dependencies /opt/modelyard/dependencies
COPY server /opt/modelyard/server
COPY model /model
USER 65532:65532
WORKDIR /tmp
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \\
  CMD ["python3", "-m", "modelyard_scoring.health"]
ENTRYPOINT ["python3", "-m", "modelyard_scoring"]
CMD ["/model"]
ENV ORT_DISABLE_TELEMETRY=1
"""

_OURS = """\
ENV PYTHONPATH=/opt/modelyard/server:/opt/modelyard/dependencies \\
  PYTHONUNBUFFERED=1 \\
  PYTHONDONTWRITEBYTECODE=1 \\
  HOME=/tmp \\
  MODELYARD_SCORING_HOST=0.0.0.0 \\
  MODELYARD_SCORING_PORT=8080 \\
  MODELYARD_SCORING_KEYS_FILE=/run/secrets/keys.json
"""


def dockerfile(
    steps: Sequence[str], variables: Sequence[str], *, packages: bool, authorities: bool, built: bool
) -> str:
    """Write a Dockerfile.

    Parameters
    ----------
    steps
        Checked instructions (`modelyard.images.steps`).
    variables
        The names of what the image asks for; the values come as the arguments `ARGUMENT`, in this order. What the
        server needs wins over them.
    packages
        Whether a list of Debian packages is in the context.
    authorities
        Whether the certificates of the machine's authorities are in the context, for steps that use the network.
    built
        Whether packages may be built from their sources.
    """
    parts = [_HEAD.replace("BINARY", "" if built else "--only-binary :all:")]
    parts += [_PACKAGES] if packages else []
    parts += [_AUTHORITIES] if authorities else []
    parts += [f"{step}\n" for step in steps]
    parts += [_TAIL]
    named = {name: ARGUMENT.format(number) for number, name in enumerate(variables)}
    parts += [f"ARG {argument}\n" for argument in named.values()]
    parts += [f"ENV {' '.join(f'{name}=${{{argument}}}' for name, argument in named.items())}\n"] if named else []
    return "".join([*parts, _OURS])
