"""What can go wrong with pipelines.

::

    ModelyardError
    ├── InvalidParametersError  a pipeline was given parameters that it does not take
    ├── InvalidPipelineError    a pipeline cannot run as it is
    ├── NotServedError          what is called over HTTP is in a workspace that no server serves
    └── UnknownArgumentError    a step was given an argument that it does not take
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from modelyard.errors import ModelyardError


class InvalidPipelineError(ModelyardError):
    """A pipeline cannot run as it is; the text names all that is wrong with it."""

    code = "invalid-pipeline"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n- ".join(["The pipeline cannot run as it is:", *problems]))
        self.problems = tuple(problems)


class UnknownArgumentError(ModelyardError, TypeError):
    """A step was given an argument that it does not take."""

    code = "unknown-argument"

    def __init__(self, what: str, name: str, known: Sequence[str]) -> None:
        like = sorted(known, key=lambda one: _likeness(name, one), reverse=True)[:1]
        super().__init__(
            f"{what} takes no argument {name!r}. Did you mean {''.join(like)}? It takes: {', '.join(known)}."
        )
        self.what = what
        self.name = name
        self.known = tuple(known)


def _likeness(name: str, known: str) -> float:
    return difflib.SequenceMatcher(None, name, known).ratio() + (name in known or known in name)


class InvalidParametersError(ModelyardError):
    """A pipeline was given values for parameters that it does not have, or of another type."""

    code = "invalid-parameters"

    def __init__(self, wrong: Sequence[str], known: Mapping[str, str]) -> None:
        takes = ", ".join(f"{name} ({kind})" for name, kind in known.items()) or "no parameters"
        super().__init__(f"The parameters cannot be: {'; '.join(wrong)}. The pipeline takes: {takes}.")
        self.wrong = tuple(wrong)
        self.known = dict(known)


class NotServedError(ModelyardError):
    """What is called over HTTP is in a workspace that was opened as a folder."""

    code = "not-served"

    def __init__(self, what: str, folder: str) -> None:
        super().__init__(
            f"{what} has no URL, for the workspace is opened as a folder. Serve it with: modelyard server start "
            f"--workspace {folder}. Then connect to it with the URL and the token which that prints: "
            "Workspace.connect(URL, TOKEN)"
        )
        self.what = what
        self.folder = folder
