"""Let the functions' database users read and write the tables: `python -m vaultra.db.grants USER…`, after migrating.

The migration job owns the schema. A function's user gets the rows and nothing else: no tables made, changed or dropped.
"""

import sys
from collections.abc import Sequence

from sqlalchemy import Connection, text

from vaultra.config import DatabaseSettings
from vaultra.db.engine import connect_from

# Names can't be bound parameters: Postgres itself quotes them, from a setting that ends with the transaction.
_NAME = text("select set_config('vaultra.functions_user', :name, true)")
_ALLOW = text("""
do $$
declare
    name text = current_setting('vaultra.functions_user');
begin
    execute format('grant select, insert, update, delete on all tables in schema public to %I', name);
    execute format('grant usage, select on all sequences in schema public to %I', name);
    execute format('revoke insert, update, delete on alembic_version from %I', name);
end $$
""")


def allow(conn: Connection, users: Sequence[str]) -> None:
    """Give each user the functions' rights on every table that exists; safe to run again.

    No role stands between, because Cloud SQL's IAM users may not make one.

    Args:
        users: Names of database users that exist; on Cloud SQL a service account's email without
            `.gserviceaccount.com`.
    """
    for user in users:
        conn.execute(_NAME, {"name": user})
        conn.execute(_ALLOW)


if __name__ == "__main__":
    with connect_from(DatabaseSettings()).begin() as connection:
        allow(connection, sys.argv[1:])
