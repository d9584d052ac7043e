"""The supervisor of our own Postgres: data survive everything, and nobody's else server is touched."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import text

from vaultra.db import engine as database
from vaultra_local import postgres_files, postgres_processes
from vaultra_local.lock import AlreadyRunning
from vaultra_local.postgres import EmbeddedPostgres, erase


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder below a closed one, as a clone in `mktemp -d` is; as root, the server's user can't enter it."""
    closed = Path(tempfile.mkdtemp(prefix="vaultra-closed-"))
    yield closed / "postgres"
    if (closed / "postgres").exists():
        erase(closed / "postgres")
    shutil.rmtree(closed)


def write(server: EmbeddedPostgres, value: int) -> None:
    engine = database.create(server.url(), pool_size=1)
    with engine.begin() as connection:
        connection.execute(text("create table if not exists kept (value int)"))
        connection.execute(text("insert into kept values (:value)"), {"value": value})
    engine.dispose()


def read(server: EmbeddedPostgres) -> list[int]:
    engine = database.create(server.url(), pool_size=1)
    with engine.connect() as connection:
        found = list(connection.scalars(text("select value from kept order by value")))
    engine.dispose()
    return found


def server_processes(folder: Path) -> list[int]:
    return [process.pid for process in postgres_processes.server_processes(folder / "data")]


def test_a_second_start_finds_the_data_at_the_same_address(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        write(server, 1)
        first = server.url()
    assert not server_processes(folder)
    with EmbeddedPostgres(folder) as server:
        assert server.url() == first
        assert read(server) == [1]
        assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600


def test_a_second_owner_is_refused_and_told_whom_to_stop(folder: Path) -> None:
    with EmbeddedPostgres(folder), pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        EmbeddedPostgres(folder).start()


def test_the_password_is_asked_for(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        wrong = database.create(server.url().replace(server.password, "guess"), pool_size=1)
        with pytest.raises(Exception, match="password authentication failed"):
            wrong.connect()


def test_data_survive_the_death_of_the_server(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        write(server, 1)
        os.kill(server.pid, signal.SIGKILL)
        end = time.monotonic() + 5
        while server.alive and time.monotonic() < end:
            time.sleep(0.01)
        assert not server.alive
        address = server.url()
        server.restart()
        assert server.url() == address
        assert read(server) == [1]


def test_the_server_ends_with_its_owner_and_the_data_stay(folder: Path) -> None:
    """kill -9 of the process that started it."""
    program = (
        "import sys, time; from pathlib import Path; from vaultra_local.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(Path(sys.argv[1])).start(); print(server.pid, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    owner.stdout.close()
    end = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not psutil.pid_exists(pid)
    with EmbeddedPostgres(folder) as server:
        write(server, 2)
        assert read(server) == [2]


def test_an_orphan_is_taken_over(folder: Path) -> None:
    """A server whose owner and keeper are both gone is ended by the next start."""
    first = EmbeddedPostgres(folder).start()
    write(first, 1)
    orphan = first.pid
    assert first._lock is not None
    os.close(first._lock)  # what the kernel does when the owner dies
    with EmbeddedPostgres(folder) as second:
        assert second.pid != orphan
        assert read(second) == [1]
    assert first._process is not None
    first._process.wait(60)


def test_a_stale_pid_that_belongs_to_somebody_else_is_no_obstacle_and_they_live_on(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        write(server, 1)
        lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        lines[0] = str(bystander.pid)
        (folder / "data" / "postmaster.pid").write_text("\n".join(lines) + "\n")
        with EmbeddedPostgres(folder) as server:
            assert read(server) == [1]
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_first_start_that_was_cut_short_is_begun_anew(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    folder.mkdir()
    data = server._data_folder()
    (data / "base").mkdir()
    (data / "half.conf").touch()
    with server:
        write(server, 1)


def test_erasing_leaves_nothing(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        place = (folder / "data").resolve()
        with pytest.raises(AlreadyRunning):
            erase(folder)
        assert server.alive
    erase(folder)
    assert not folder.exists()
    assert not place.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_as_root_the_data_lie_where_the_server_can_enter_and_no_folder_of_the_user_is_opened(folder: Path) -> None:
    closed = folder.parent
    before = stat.S_IMODE(closed.stat().st_mode)
    with EmbeddedPostgres(folder):
        assert (folder / "data").is_symlink()
        assert (folder / "data").resolve().is_relative_to(postgres_files.SYSTEM_FOLDER)
    assert stat.S_IMODE(closed.stat().st_mode) == before == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root copies the binaries")
def test_binaries_out_of_the_servers_reach_are_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    user = postgres_files.unprivileged_user()
    assert user is not None
    shared = Path(tempfile.mkdtemp(prefix="vaultra-shared-"))
    shared.chmod(0o755)
    try:
        monkeypatch.setattr(postgres_files, "SYSTEM_FOLDER", shared)
        monkeypatch.setattr(postgres_files, "reachable", lambda path, user: False)
        binaries = postgres_files.find_binaries(user)
        assert binaries.is_relative_to(shared)
        version = [str(binaries / "postgres"), "--version"]
        ran = subprocess.run(version, capture_output=True, text=True, cwd="/", **postgres_files.as_user(user))
        assert "PostgreSQL" in ran.stdout
        assert postgres_files.find_binaries(user) == binaries, "copied once"
    finally:
        shutil.rmtree(shared)
