"""Images with system packages or steps of their own, built by the engine's builder.

The builder is given a folder with everything in it and a Dockerfile that holds no value of the user's but their own
steps. What it says is kept, and a failure is sorted by what it says.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from modelyard.environments.lock import Lock
from modelyard.environments.wheelhouse import Wheelhouse
from modelyard.images.configuration import labels
from modelyard.images.image import ImageVersion
from modelyard.images.steps import instructions
from modelyard.services.target import Content, Say
from modelyard_deploy.container.dockerfile import (
    ARGUMENT,
    AUTHORITIES,
    BASE,
    PACKAGES,
    REQUIREMENTS,
    dockerfile,
)
from modelyard_deploy.container.engine import Engine
from modelyard_deploy.container.errors import BuildFailedError

_RECIPE = Path(__file__).parent / "base"
"""The Dockerfile of the base scoring image, and the lock of its packages."""
_STEP = re.compile(r"Step (?P<number>\d+)/\d+ : (?P<text>.*)")
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
_SETTING = "MODELYARD_SCORING_"
_TAIL = 12
_KEPT = 400
"""Lines of the builder's that are looked through for the reason of a failure."""

_SIGNS = (
    (
        "network",
        re.compile(
            r"Temporary failure (in name resolution|resolving)|Could not resolve|Failed to establish a new connection"
            r"|Connection (timed out|refused|reset)|Network is unreachable|CERTIFICATE_VERIFY_FAILED|Could not connect"
        ),
        (
            "the network, or an address on it, cannot be reached from the engine's containers. Behind a certificate "
            "authority of your own set SSL_CERT_FILE to its bundle"
        ),
    ),
    ("space", re.compile(r"[Nn]o space left on device"), "no space is left. Free some: docker system prune"),
    (
        "package",
        re.compile(
            r"Unable to locate package \S+|Package '?[^']+'? has no installation candidate|Version '[^']+' for '[^']+' "
            r"was not found|No matching distribution found for \S+|DO NOT MATCH THE HASHES"
        ),
        "a package cannot be had. Correct its name or version in the image's specification",
    ),
)


class Builder:
    """Builds images with an engine; logs are kept in the cache."""

    def __init__(self, engine: Engine, cache: Path, say: Say) -> None:
        self._engine = engine
        self._cache = cache
        self._say = say

    def build(self, image: ImageVersion, lock: Lock, content: Content) -> str:
        """Build an image, and return its id.

        Raises
        ------
        BuildFailedError
            If it cannot be built.
        """
        server = content.server(self._cache)
        base = self._own_base(image, content) or self._scoring_base(image, lock, server)
        with tempfile.TemporaryDirectory(prefix="modelyard-build-") as name:
            folder = Path(name)
            content.write(_made(folder / "model"))
            shutil.copytree(server, folder / "server", ignore=shutil.ignore_patterns("__pycache__"))
            self._lay_out(folder / "dependencies", lock)
            (folder / PACKAGES).write_text("".join(f"{name}\n" for name in image.spec.system_packages))
            variables = {one.name: one.value for one in image.spec.variables}
            variables[f"{_SETTING}WORKERS"] = str(image.spec.resources.workers)
            variables[f"{_SETTING}IMAGE"] = image.digest
            text = dockerfile(
                instructions(image.spec.docker_steps),
                list(variables),
                packages=bool(image.spec.system_packages),
                authorities=(folder / "dependencies" / AUTHORITIES).is_file(),
                built=lock.allow_source_builds,
            )
            (folder / "Dockerfile").write_text(text)
            values = {ARGUMENT.format(number): value for number, value in enumerate(variables.values())}
            job = _Job(name=image.id, tag=name_of(image), labels=labels(image))
            return self._run(job, folder, {BASE: base, **values})

    def _own_base(self, image: ImageVersion, content: Content) -> str:
        """Have the base that the image names in the engine; empty where it names none."""
        platform = self._engine.platform
        if not (digest := image.spec.part(platform).base):
            return ""
        name = f"modelyard-base:{digest}"
        if self._engine.find_image(name) is not None:
            return name
        with tempfile.TemporaryDirectory(prefix="modelyard-base-") as folder:
            base = content.base(archive := Path(folder, "base.tar"), platform)
            self._engine.load_image(archive, base, name)
        return name

    def _scoring_base(self, image: ImageVersion, lock: Lock, server: Path) -> str:
        """Name the base scoring image for a version of Python, built unless the engine has it."""
        python = f"python:{lock.python}-slim"
        inputs = [image.spec.server, python, *(_sha256(file) for file in sorted(_RECIPE.iterdir()))]
        tag = f"modelyard-scoring:{hashlib.sha256(' '.join(inputs).encode()).hexdigest()[:32]}"
        if self._engine.find_image(tag) is not None:
            return tag
        self._say("building the base scoring image")
        with tempfile.TemporaryDirectory(prefix="modelyard-base-") as name:
            folder = Path(name)
            for file in _RECIPE.iterdir():
                shutil.copyfile(file, folder / file.name)
            shutil.copytree(server, folder / "scoring", ignore=shutil.ignore_patterns("__pycache__"))
            _add_authorities(folder)
            self._run(_Job(name="the base scoring image", tag=tag, labels={}), folder, {"BASE": python})
        return tag

    def _lay_out(self, folder: Path, lock: Lock) -> None:
        (folder / "wheels").mkdir(parents=True)
        (folder / REQUIREMENTS).write_text(lock.requirements)
        if lock.wheels:
            wheelhouse = Wheelhouse(self._cache.absolute() / "environments" / ".wheels")
            wheelhouse.lay_out(lock.wheels, folder / "wheels")
        _add_authorities(folder)

    def _run(self, job: _Job, folder: Path, arguments: Mapping[str, str]) -> str:
        log = self._cache / "builds" / f"{job.tag.replace(':', '-')}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        self._say(f"building {job.name}; the log is {log}")
        lines: list[str] = []
        with log.open("w", errors="replace") as opened:
            said = self._engine.build(folder, job.tag, job.labels, arguments)
            for line in self._engine.each("to build an image", _lines(said)):
                opened.write(f"{line}\n")
                opened.flush()
                lines = [*lines[-_KEPT:], line]
                if _STEP.match(line):
                    self._say(f"{job.name}: {line[:120]}")
        found = self._engine.find_image(job.tag)
        if found is None or _failed(lines):
            raise _failure(job.name, lines, log)
        return found


class _Job(Struct, frozen=True, kw_only=True):
    name: str
    tag: str
    labels: dict[str, str]


def name_of(image: ImageVersion) -> str:
    """Say what engines call an image: by its digest, so that a name means the same wherever it is."""
    return f"modelyard-image:{image.digest}"


def needs_builder(image: ImageVersion) -> bool:
    """Say whether an image has packages or steps that only an engine's builder carries out."""
    return bool(image.spec.system_packages or image.spec.docker_steps)


_ERROR = "ERROR: "


def _lines(said: Iterable[Any]) -> Iterator[str]:
    for one in said:
        if "error" in one:
            yield _ERROR + str(one["error"]).strip()
        for line in str(one.get("stream", "")).splitlines():
            if line.strip():
                yield line.rstrip()


def _failed(lines: list[str]) -> bool:
    return bool(lines) and lines[-1].startswith(_ERROR)


def _failure(name: str, lines: list[str], log: Path) -> BuildFailedError:
    """Sort a failure by what the builder said in its last step."""
    steps = [at for at, line in enumerate(lines) if _STEP.match(line)]
    last = lines[steps[-1] :] if steps else lines
    tail = "\n".join(f"  {line[:300]}" for line in last[-_TAIL:])
    for kind, sign, reason in _SIGNS:
        if (match := sign.search("\n".join(last))) is not None:
            return BuildFailedError(name, kind, f"{reason} ({match[0]})", tail, str(log))
    step = _STEP.match(last[0]) if last else None
    where = f"step {step['number']} failed: {step['text'][:200]}" if step else "the builder gave up"
    return BuildFailedError(name, "step", where, tail, str(log))


def _add_authorities(folder: Path) -> None:
    """Let builds trust the authorities that this machine trusts."""
    for bundle in filter(None, (os.environ.get("SSL_CERT_FILE"), *_BUNDLES)):
        if Path(bundle).is_file():
            shutil.copyfile(bundle, folder / AUTHORITIES)
            return


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
