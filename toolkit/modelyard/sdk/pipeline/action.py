"""Steps whose command is one of ours: what the process of such a step does, for the workspace of its run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from modelyard.errors import ModelyardError
from modelyard.sdk.workspace import Workspace

Action = Callable[[Workspace, Sequence[str]], str]
"""Does what its arguments say, and says in a line what it did."""


def carry_out(action: Action) -> None:
    """Do it; what fails for a reason that can be said is a line, and the status 1."""
    try:
        with Workspace.from_config() as workspace:
            sys.stdout.write(f"{action(workspace, sys.argv[1:])}\n")
    except ModelyardError as error:
        sys.exit(f"{type(error).__name__}: {error}")
