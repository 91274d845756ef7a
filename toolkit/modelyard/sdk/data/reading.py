"""What a user may do with whatever is a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from modelyard.data.sets.tabular import Table


class TableReading(Protocol):
    """Reads a table; `Dataset`, and what is made by `Dataset.Tabular`, are the classes to use."""

    def to_table(self) -> Table:
        """Read all of it.

        Types are told from all rows: a column is of integers if each value that is there is one. Codes such as
        ``00123`` stay texts, a time with an offset becomes UTC.

        Raises
        ------
        NotTabularError
            If it is files.
        TableNotReadError
            If a file is not such a table, or its columns are not those of the others.
        """
        ...

    def take(self, count: int) -> Table:
        """Read the first rows, of which `to_pandas_dataframe` and `list` make what is needed."""
        return self.to_table().take(count)

    def to_arrow(self) -> pa.Table:
        """Read it into a table of Arrow."""
        return self.to_table().to_arrow()

    def to_pandas_dataframe(self) -> Any:
        """Read it into a data frame.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        return self.to_table().to_pandas_dataframe()
