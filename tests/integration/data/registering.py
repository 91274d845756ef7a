"""Register data sets until killed, and say what was promised: python -m tests.integration.data.registering …"""

import itertools
import sys
from pathlib import Path

from modelyard import Dataset, Workspace


def main(home: str, folder: str) -> None:
    """Write down each version when it is there."""
    workspace = Workspace.open(home)
    for number in itertools.count():
        for name in ("a.csv", "b.csv"):
            Path(folder, name).write_text(f"id\n{number}\n")
        data = Dataset.register(workspace, "churn", folder, tags={"last": str(number)}, show_progress=False)
        print(data.version, number, data.digest, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
