"""What an image costs: the first, the next after a change of code, its size, and whether it is the same each time."""

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.serving.material import digits
from tests.bench.serving.peers import program

from modelyard.images.inference import InferenceConfig
from modelyard.images.server import NAME as SERVER
from modelyard.sdk.image.image import Image
from modelyard.sdk.model.model import Model
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings

DOCKER, BENTO = "docker build", "bentoml build"
ROUNDS = 1
FIGURES = (
    Figure(
        name="image-first",
        title="the first image, wheels and base at hand",
        unit="s",
        more=False,
        targets=(Target(bound=20),),
    ),
    Figure(
        name="image-change", title="the next, after a change of code", unit="s", more=False, targets=(Target(bound=1),)
    ),
    Figure(name="image-tried", title="the same, the code tried before", unit="s", more=False),
    Figure(name="image-written", title="what that writes", unit="kB", more=False, targets=(Target(bound=100),)),
    Figure(
        name="image-size",
        title="its compressed size",
        unit="MB",
        more=False,
        targets=(Target(bound=2, beside=DOCKER),),
    ),
    Figure(
        name="image-other",
        title="builds of one image, nothing kept between, that are not the same bytes",
        unit="",
        more=False,
        targets=(Target(bound=0),),
    ),
)
_TRIALS = 20
_SCRIPT = """
import os
from pathlib import Path
import numpy, onnxruntime

def init():
    global session
    file, = Path(os.environ["AZUREML_MODEL_DIR"]).rglob("*.onnx")
    session = onnxruntime.InferenceSession(file)

def run(data): return {"version": VERSION}
"""
_DOCKERFILE = """
FROM python:3.11-slim
COPY requirements.txt ca-certificates.crt /build/
ENV PIP_CERT=/build/ca-certificates.crt
RUN python3 -m venv /venv && /venv/bin/pip install --no-cache-dir -r /build/requirements.txt
COPY modelyard_scoring /app/modelyard_scoring
COPY model /model
ENV PYTHONPATH=/app
USER 65532
ENTRYPOINT ["/venv/bin/python", "-m", "modelyard_scoring", "/model"]
"""
_BENTO = """
import bentoml
@bentoml.service
class Digits:
    @bentoml.api
    def score(self, data: list) -> dict:
        return {"version": VERSION}
"""


@dataclass(frozen=True, kw_only=True)
class _Yard:
    """A workspace with the model, and a cache of its own."""

    workspace: Workspace
    folder: Path
    model: str

    def create(self, version: int, *, trial: bool = False) -> Image:
        """Make the image with the code of a version."""
        (self.folder / "score.py").write_text(_SCRIPT.replace("VERSION", str(version)))
        (self.folder / "requirements.txt").write_text("numpy\nonnxruntime\n")
        config = InferenceConfig(
            entry_script=self.folder / "score.py",
            environment=self.folder / "requirements.txt",
            base_image="slim",
        )
        return Image.create(self.workspace, "digits", [self.model], inference=config, trial=trial)


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured of each contestant; who is not installed here is left out."""
    found: dict[str, Attempt] = {OURS: partial(_ours, ground)}
    quick = ground.sizes.seconds < 1
    if (
        not quick
        and shutil.which("docker")
        and subprocess.run(["docker", "info"], check=False, capture_output=True).returncode == 0
    ):
        found[DOCKER] = partial(_docker, ground)
    if "BentoML" in ground.rivals:
        found[BENTO] = partial(_bento, ground)
    return found


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    yard = _yard(ground, folder)
    with yard.workspace:
        yard.create(0).build()  # the base and the wheels are at hand from here on
        shutil.rmtree(yard.workspace.settings.cache / "oci/layers")
        first = _seconds(lambda: yard.create(1).build())
        change = _seconds(lambda: yard.create(2).build())
        built = yard.create(3).build()
        yard.create(4, trial=True)
        tried = _seconds(lambda: yard.create(5, trial=True).build())
        trials = _TRIALS if ground.sizes.seconds > 1 else 1
        found = {_built_anew(yard, number) for number in range(trials)}
        return {
            "image-first": first,
            "image-change": change,
            "image-tried": tried,
            "image-written": built.written / 1000,
            "image-size": built.size / 1e6,
            "image-other": len(found) - 1,
        }


def _yard(ground: Ground, folder: Path) -> _Yard:
    settings = Settings(home=folder / "home", cache=folder / "cache")
    workspace = Workspace.create("bench", path=folder, settings=settings)
    model = digits(ground.folder)
    kept = Model.register(workspace, model_path=model.file, model_name="digits")
    return _Yard(workspace=workspace, folder=folder, model=kept.id)


def _built_anew(yard: _Yard, number: int) -> str:
    """Build with an empty cache, and the packages that uv keeps."""
    settings = Settings(home=yard.folder / "home", cache=yard.folder / f"cache-{number}")
    with Workspace.open(yard.folder, settings=settings) as again:
        digest = Image(again, "digits").build().manifest.digest
    shutil.rmtree(settings.cache)
    return digest


def _docker(ground: Ground, folder: Path) -> dict[str, float]:
    """Build the same server, model, code and packages with pip, as a Dockerfile for it is usually written."""
    yard = _yard(ground, folder)
    context = folder / "context"
    with yard.workspace:
        image = yard.create(0)
        content = image.folder()
        content.write(context / "model")
        shutil.copytree(content.server(folder / "cache") / SERVER, context / SERVER)
        (context / "requirements.txt").write_text(image.lock().requirements)
    shutil.copyfile("/etc/ssl/certs/ca-certificates.crt", context / "ca-certificates.crt")
    (context / "Dockerfile").write_text(_DOCKERFILE)
    tag = f"modelyard-bench:{time.time_ns()}"
    try:
        first = _seconds(lambda: _run(["docker", "build", "--no-cache", "-q", "-t", tag, str(context)]))
        code = context / "model/code/score.py"
        code.write_text(code.read_text() + "# changed\n")
        change = _seconds(lambda: _run(["docker", "build", "-q", "-t", tag, str(context)]))
        return {"image-first": first, "image-change": change, "image-size": _compressed(tag) / 1e6}
    finally:
        subprocess.run(["docker", "rmi", "-f", tag], check=False, capture_output=True)


def _bento(ground: Ground, folder: Path) -> dict[str, float]:
    """Let BentoML build a service; it packs code and a list of packages, here without a lock, and no image yet."""
    place, home = folder / "service", str(folder / "home")
    place.mkdir()
    packages = {"packages": ["numpy", "onnxruntime"], "lock_packages": False}
    described = {"service": "service:Digits", "include": ["*.py"], "python": packages}
    (place / "bentofile.yaml").write_text(json.dumps(described))
    (place / "service.py").write_text(_BENTO.replace("VERSION", "1"))
    build = [program("bentoml", "bentoml"), "build", "-q"]  # which wants to be where the files are
    more = {"BENTOML_HOME": home, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # where uv is
    first = _seconds(lambda: _run(build, place, **more))
    (place / "service.py").write_text(_BENTO.replace("VERSION", "2"))
    return {"image-first": first, "image-change": _seconds(lambda: _run(build, place, **more))}


def _compressed(tag: str) -> int:
    """Add up an image's layers as a registry would get them."""
    saved = subprocess.run(["docker", "save", tag], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        opened = archive.extractfile("manifest.json")
        assert opened is not None
        (manifest,) = json.load(opened)
        return sum(_gzipped(archive, layer) for layer in manifest["Layers"])


def _gzipped(archive: tarfile.TarFile, layer: str) -> int:
    content = archive.extractfile(layer)
    assert content is not None
    return len(gzip.compress(content.read(), compresslevel=6))


def _run(command: list[str], folder: Path | None = None, **more: str) -> None:
    subprocess.run(command, cwd=folder, env={**os.environ, **more}, check=True, capture_output=True, timeout=600)


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
