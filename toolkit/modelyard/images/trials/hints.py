"""What to do about a failure that is known."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from modelyard.images.trials.names import DEBIAN_PACKAGES, DISTRIBUTIONS

_MODULE = re.compile(r"No module named '([\w.]+)'")
_LIBRARY = re.compile(r"([\w.+-]+\.so[\w.]*): cannot open shared object file")
_READ_ONLY = re.compile(r"\[Errno (?:13|30)\] [^:]+: '([^']+)'")
_MISSING = re.compile(r"\[Errno 2\] [^:]+: '([^']+)'")
_RAISED = re.compile(r"^The (?:script|application) failed with (\w+)\.")
_BY_SIGNAL: Mapping[int, str] = {
    signal.SIGSEGV: "It is a fault in compiled code: two packages may be made for different versions of a third. Take "
    "the versions that the model was trained with; the traceback says which call it was.",
    signal.SIGILL: "A package uses instructions that this processor lacks, such as AVX2: take a build of it for older "
    "processors, or try on a machine of the kind that will serve.",
    signal.SIGABRT: "A library gave up by itself; what it had to say is at the end of the log.",
    signal.SIGBUS: "A file that was mapped became shorter, or shared memory is full: give /dev/shm more room.",
    signal.SIGFPE: "Compiled code divided by zero; the traceback says which call it was.",
    signal.SIGKILL: "Something else killed it, perhaps the system for want of memory: look at the machine's memory.",
    signal.SIGTERM: "Somebody asked it to end: the script itself, or whoever looks after this machine.",
}


class Failure(Struct, frozen=True, kw_only=True):
    """Why a trial failed.

    Parameters
    ----------
    phase
        ``start``, ``settings``, ``folder``, ``verify``, ``import``, ``init`` or ``warm-up``, which is the first run.
    type
        The name of the exception's class.
    traceback
        Where it was; empty where the message says all.
    hint
        What to do; empty where there is nothing to say.
    exit_status
        How the process that ran the code ended, where it did; negative for a signal.
    meaning
        What that status means, in words.
    """

    phase: str
    type: str
    message: str
    traceback: str = ""
    hint: str = ""
    exit_status: int | None = None
    meaning: str = ""


def innermost(failure: Failure) -> Failure:
    """Give what the code raised, where the server only says that it failed on a request."""
    kind = _RAISED.search(failure.message)
    if kind is None or not failure.traceback:
        return failure
    _, _, message = failure.traceback.rpartition(f"{kind[1]}: ")
    return replace(failure, type=kind[1], message=message.strip())


def hint_for(failure: Failure) -> str:
    """Say what to do about a failure; what the server said, where no more is known."""
    for find in (_module_hint, _library_hint, _read_only_hint, _missing_hint, _exit_hint):
        if hint := find(failure):
            return hint
    return failure.hint


def _module_hint(failure: Failure) -> str:
    found = _MODULE.search(failure.message)
    if failure.type not in {"ModuleNotFoundError", "ImportError"} or found is None:
        return ""
    module = found[1].partition(".")[0]
    name = DISTRIBUTIONS.get(found[1]) or DISTRIBUTIONS.get(module)
    if name is None:
        name = f"that has the module {module!r}, most likely {module.replace('_', '-')}"
    own = "if it is a file of yours, name its folder as source_directory (--source)"
    return f"Declare the package {name} in the environment; {own}."


def _library_hint(failure: Failure) -> str:
    found = _LIBRARY.search(failure.message)
    if found is None:
        return ""
    package = DEBIAN_PACKAGES.get(found[1])
    if package is None:
        return f"Name the Debian package that has {found[1]} in system_packages; `apt-file search {found[1]}` finds it."
    return package if " " in package else f"Name the Debian package {package} in system_packages: it has {found[1]}."


def _read_only_hint(failure: Failure) -> str:
    found = _READ_ONLY.search(failure.message)
    if failure.type not in {"PermissionError", "OSError"} or found is None:
        return ""
    return f"An image is read-only and its user is not root: write under /tmp in place of {found[1]}."


def _missing_hint(failure: Failure) -> str:
    found = _MISSING.search(failure.message)
    if failure.type != "FileNotFoundError" or found is None:
        return ""
    file = Path(found[1])
    if not file.is_absolute():
        return (
            f"{file} is looked for in the folder of the code. Models are under the folder in AZUREML_MODEL_DIR; "
            "other files belong into the source directory."
        )
    if _there(file):
        return f"{file} is on this machine, but not in the image: register it as a model, or put it beside the script."
    return f"{file} is not in the image: models are under the folder in the variable AZUREML_MODEL_DIR."


def _there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:
        return False


def _exit_hint(failure: Failure) -> str:
    status = failure.exit_status
    if failure.type == "SystemExit":
        return "The script ends the process, by sys.exit() or exit(): raise an exception, or return."
    if status is None:
        return ""
    number = -status if status < 0 else status - 128  # a shell passes a signal on as 128 and more
    if number in _BY_SIGNAL:
        return _BY_SIGNAL[number]
    if failure.phase == "start":
        return "The end of the log may say why."
    return "The script ends the process, by os._exit() or in compiled code; the end of the log may say why."
