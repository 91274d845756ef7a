"""The workspace that a program of ours works in."""

from modelyard import Workspace


def workspace(where: str) -> Workspace:
    """Open what is served at a URL, or the workspace in a folder, which is made if there is none."""
    if "://" in where:
        return Workspace.connect(where)
    return Workspace.create("bench", path=where, exist_ok=True)
