"""The migration job's zip alone, on a database whose owner is no superuser, as Cloud SQL's users are none.

`python -m tests.packages.migrations`: an empty database, migrated twice; then a function's user reads and writes rows,
and may not make a table.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from tests.packages.environments import job_beside_a_database
from vaultra.db import engine as database
from vaultra_local import package
from vaultra_local.postgres import EmbeddedPostgres

FUNCTION = "fn-somebody@nobodys-project.iam"
# As on Cloud SQL: the database belongs to a role that the migrating user is in; that role's powers are not passed on.
PREPARE = (
    "create role cloudsqlsuperuser createrole createdb nologin",
    "create role \"db-migrate@nobodys-project.iam\" login password 'local' in role cloudsqlsuperuser",
    f"create role \"{FUNCTION}\" login password 'local'",
    "create database vaultra owner cloudsqlsuperuser",
)


def main() -> int:
    """Try the job; gives the exit status."""
    built = package.of_migrations(package.migration_requirements())
    with job_beside_a_database(built) as (job, python, server):
        admin = database.create(server.url(), pool_size=1, isolation_level="AUTOCOMMIT")
        with admin.connect() as conn:
            for statement in PREPARE:
                conn.execute(text(statement))
        admin.dispose()
        for _ in range(2):
            _run(job, python, _url(server, "db-migrate@nobodys-project.iam"))
        _try_as_a_function(_url(server, FUNCTION))
    print("migrated twice by a user who is no superuser; a function's user reads and writes rows, and makes no table")
    return 0


def _url(server: EmbeddedPostgres, user: str) -> str:
    return make_url(server.url("vaultra")).set(username=user, password="local").render_as_string(hide_password=False)


def _run(job: Path, python: Path, url: str) -> None:
    """What the image's entry point runs, with the user names that Terraform hands over."""
    variables = {"PATH": "/usr/bin:/bin", "DATABASE_URL": url}
    for arguments in (["vaultra.db.migrate_online"], ["vaultra.db.grants", FUNCTION]):
        subprocess.run([str(python), "-m", *arguments], cwd=job, env=variables, check=True)


def _try_as_a_function(url: str) -> None:
    engine = database.create(url, pool_size=1)
    with engine.begin() as conn:
        conn.execute(text("insert into users (email, name) values ('a@example.com', 'A')"))
        assert conn.execute(text("select count(*) from users")).scalar_one() == 1
        conn.execute(text("delete from users"))
    with pytest.raises(ProgrammingError) as refused, engine.begin() as conn:
        conn.execute(text("create table mine (id int)"))
    assert database.sql_state(refused.value) == "42501"
    engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
