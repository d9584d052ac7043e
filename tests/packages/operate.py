"""The operator's zip alone, as its image runs it: a user who owns nothing looks, changes and publishes the articles.

`python -m tests.packages.operate`: over a database that the migration job's code has filled; the models that embed are
stand-ins on this machine, because there is no account.
"""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import make_url, text

from tests.packages.environments import job_beside_a_database
from vaultra.db import engine as database
from vaultra.db import grants, migrate
from vaultra_local import package

USER = "operate@nobodys-project.iam"


def main() -> int:
    """Try the job; gives the exit status."""
    built = package.of_operate(package.operate_requirements())
    with job_beside_a_database(built) as (job, python, server):
        migrate.upgrade(server.url())
        admin = database.create(server.url(), pool_size=1)
        with admin.begin() as conn:
            conn.execute(text(f"create role \"{USER}\" login password 'local'"))
            grants.allow(conn, [USER])
        admin.dispose()
        url = make_url(server.url()).set(username=USER, password="local").render_as_string(hide_password=False)
        _run(job, python, url)
    print("the operator's job looks, changes and says what it can not do, from its zip and its requirements alone")
    return 0


def _run(job: Path, python: Path, url: str) -> None:
    """What the image's entry point runs, and what it must say."""
    for words, status, said in (
        (["dlq", "list"], 0, "No dead letters."),
        (["account", "list"], 0, "No accounts."),
        (["sessions", "end", "--everyone", "--dry-run"], 0, "Dry run: nothing was changed."),
        (["sessions", "end", "--everyone"], 0, "Done."),
        (["recompute", "--all"], 0, "Done."),
        (["keys", "reseal"], 0, "Done."),
        (["jobs", "list"], 1, "Cloud Scheduler does not answer now. It is safe to run this again."),
        (["knowledge", "ingest", "--dry-run"], 1, "This is not set up here"),
        (["dlq", "show", "7"], 1, "There is no dead letter 7"),
        (["demo"], 2, "invalid choice"),
    ):
        done = subprocess.run(
            [str(python), "-m", "vaultra_local.operate", *words],
            cwd=job,
            env={
                "PATH": "/usr/bin:/bin",
                "DATABASE_URL": url,
                "GOOGLE_CLOUD_PROJECT": "nobodys-project",
                "OPENAI_API_KEY": "of-no-account",
                "PINECONE_API_KEY": "of-no-account",
                "TOKEN_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        told = done.stdout + done.stderr
        assert (done.returncode, said in told) == (status, True), f"{words}: {done.returncode} {told}"
        print(f"{' '.join(words)}: {status}")


if __name__ == "__main__":
    sys.exit(main())
