"""Values that several threads decode at once."""

import subprocess
import sys

CODE = """
import sys, threading, msgspec
from modelyard.environments.lock import Lock
from modelyard.images.image import ImageVersion
from modelyard.services.progress import Look
from modelyard.values import make_ready

sys.setswitchinterval(1e-6)
make_ready()
start = threading.Barrier(4)

def decode():
    start.wait()
    for kind in (ImageVersion, Look, Lock):
        try:
            msgspec.json.decode(msgspec.json.encode({kind.__struct_fields__[-1]: {}}), type=kind)
        except msgspec.ValidationError:
            pass

threads = [threading.Thread(target=decode) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_prepared_values_can_be_decoded_for_the_first_time_by_several_threads() -> None:
    """Without the preparation four of five such processes crash."""
    ended = [subprocess.run([sys.executable, "-c", CODE], timeout=60, check=False).returncode for _ in range(5)]

    assert ended == [0] * 5
