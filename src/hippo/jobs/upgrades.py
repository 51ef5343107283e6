"""Makes the database of an earlier version one of this version: what was added since is added to it.

Tables only ever grow: a column that comes later has a default or may be empty, so that rows from before have it too.
What else has changed is named here, one by one.
"""

from __future__ import annotations

import sqlalchemy as sa

from hippo.jobs.tables import METADATA

#: Replaced by indexes of other names, since their condition has changed.
_OLD_INDEXES = ("one_unfinished_job_per_network",)


def upgrade(connection: sa.Connection) -> None:
    """Create the tables that are missing, and add the columns and indexes that tables from before have not.

    If it is cut short, the next call does the rest.

    Raises
    ------
    sqlalchemy.exc.SQLAlchemyError
        When the database cannot be changed.
    """
    METADATA.create_all(connection)
    for table in METADATA.sorted_tables:
        there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))
        for index in table.indexes:
            index.create(connection, checkfirst=True)
    for name in _OLD_INDEXES:
        connection.execute(sa.text(f"DROP INDEX IF EXISTS {name}"))
