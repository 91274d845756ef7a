"""What can go wrong with the ledger.

::

    ModelyardError
    └── LedgerDamagedError    rows of the ledger were changed by other hands
"""

from __future__ import annotations

from modelyard.errors import ModelyardError


class LedgerDamagedError(ModelyardError):
    """Rows of the ledger were changed by other hands than Modelyard's, and cannot be gone on with."""

    code = "ledger-damaged"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The ledger was changed in the database itself: {what}. See what is left of it with: modelyard ledger "
            "verify; and bring back the database from a backup."
        )
        self.what = what
