"""What Dagster is told about a table, taken from its contract."""

import dagster as dg

from assets.contracts.table import Table


def column_schema(table: Table) -> dg.TableSchema:
    """Columns with types, meanings and whether they may be missing."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                description=column.meaning,
                constraints=dg.TableColumnConstraints(nullable=not column.required),
                tags={} if column.personal == "none" else {"personal": column.personal},
            )
            for column in table.columns
        ]
    )


def tags(table: Table) -> dict[str, str]:
    """``pii`` with the most personal class of the table's columns."""
    classes = {column.personal for column in table.columns}
    worst = next((name for name in ("speech", "pseudonym") if name in classes), None)
    return {} if worst is None else {"pii": worst}
