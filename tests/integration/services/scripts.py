"""Images of a script that gives back what it is sent, or does one thing wrong."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelyard.environments.recording import lock_running
from modelyard.images.inference import NONE, InferenceConfig, ResourceConfig
from modelyard.models.model import NewModelVersion
from modelyard.sdk.image.image import Image
from modelyard.sdk.workspace import Workspace
from modelyard.store.tree import Entry, Tree

SAMPLE = ({"data": [[1, 2]]}, {"y": [[1, 2]]})
SCRIPT = """
import json, os, time

HOW = json.loads({how!r})
asked = 0

def init():
    time.sleep(HOW.get("starting", 0))
    while "until" in HOW and not os.path.exists(HOW["until"]):
        time.sleep(0.02)
    if "raising" in HOW:
        raise KeyError(HOW["raising"])

def run(data):
    global asked
    asked += 1
    time.sleep(HOW.get("seconds", 0))
    bytearray(b"x" * (HOW.get("taking", 0) << 20))
    broken = asked > HOW.get("good", 0)
    if broken and asked % HOW.get("failing", asked + 1) == 0:
        raise RuntimeError("it fails now")
    answer = {{"y": json.loads(data)["data"]}}
    return {{"rows": answer}} if broken and HOW.get("wrong") else answer
"""


def script(
    workspace: Workspace,
    folder: Path,
    name: str = "echo",
    *,
    sampled: bool = False,
    steps: Sequence[str] = (),
    memory: str = "512MiB",
    **how: Any,
) -> Image:
    """Make an image that needs no package; `how` says what it does otherwise than to give back what it is sent.

    Parameters
    ----------
    sampled
        Whether a sample is recorded with it.
    steps
        Lines of a Dockerfile; with them it is for containers.
    how
        ``version`` changes nothing but the image; ``starting``, ``seconds``: how long it takes to start, and to answer;
        ``until``: the file that it waits for before it starts; ``taking``: MiB of memory that an answer takes;
        ``raising``: it does not start; ``failing``: every how many answers is a failure; ``wrong``: its answers have
        another form; ``good``: how many answers at the beginning are as they should be all the same.
    """
    source = folder / "source"
    source.mkdir(exist_ok=True)
    (source / "score.py").write_text(SCRIPT.format(how=json.dumps(how)))
    base = {"extra_docker_file_steps": steps} if steps else {"base_image": NONE}
    inference = InferenceConfig(entry_script="score.py", source_directory=source, **base)
    given = {"sample": SAMPLE if sampled else None, "resources": ResourceConfig(memory=memory)}
    return Image.create(workspace, name, ["nothing:1"], inference=inference, trial=False, **given)


def register_nothing(workspace: Workspace) -> None:
    """Register the model ``nothing:1``, whose environment is empty, so that none has to be resolved or filled."""
    backend = workspace.backend
    entry = Entry(path="nothing.txt", sha256=backend.blobs.put(b"nothing"), size=len(b"nothing"))
    lock = backend.blobs.put(lock_running([]).to_json())
    backend.models.register("nothing", NewModelVersion(tree=backend.trees.create(Tree.of([entry])).digest, lock=lock))
