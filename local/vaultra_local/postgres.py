"""A Postgres server of our own, run from the binaries of a Python wheel: nothing to install, nothing shared."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from vaultra_local.keeper import keeper
from vaultra_local.lock import hold
from vaultra_local.ports import free_port, is_free
from vaultra_local.postgres_files import (
    PostgresError,
    as_user,
    external_cluster,
    find_binaries,
    reachable,
    unprivileged_user,
)
from vaultra_local.postgres_processes import end_servers

START_SECONDS = 120.0
STOP_SECONDS = 20.0
USER = "vaultra"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "log_checkpoints": "off",
    "jit": "off",  # compiling costs more than it saves on statements that run for milliseconds
    "dynamic_shared_memory_type": "mmap",  # containers have a /dev/shm too small for a parallel query
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One server over one folder, on 127.0.0.1 with a generated password.

    Args:
        folder: Where password, log and data live; made when missing. The data outlive the server.
        durable: False gives up crash safety for speed; for tests only.

    `start` takes over from a server whose owner was killed; two live owners are refused.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / "server.log"
        self.port = 0
        self.password = ""
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._server_user = unprivileged_user()

    def start(self) -> "EmbeddedPostgres":
        """Bring the server up, creating the cluster on the first start.

        Raises:
            AlreadyRunning: A live process holds the folder.
            PostgresError: The server does not come up; its log says why.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._lock is None:
            self._lock = hold(self.folder)
        try:
            binaries = find_binaries(self._server_user)
            data = self._data_folder()
            end_servers(data)
            password_file = self.folder / "password"
            if not (data / "PG_VERSION").exists():
                self._create_cluster(binaries, data, password_file)
            self.password = password_file.read_text()
            self._start_server(binaries, data)
        except BaseException:
            self.stop()
            raise
        return self

    @property
    def alive(self) -> bool:
        """Whether the server process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        assert self._process is not None
        return self._process.pid

    def restart(self) -> None:
        """Start again after the server ended by itself; address and password stay."""
        self._stop_server()
        data = self._data_folder()
        end_servers(data)
        self._start_server(find_binaries(self._server_user), data)

    def stop(self) -> None:
        """End the server in an orderly way and let go of the folder; nothing happens when it is not running."""
        self._stop_server()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database on this server."""
        return f"postgresql+pg8000://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def __enter__(self) -> "EmbeddedPostgres":
        return self.start()

    def __exit__(self, *_raised: object) -> None:
        self.stop()

    def _data_folder(self) -> Path:
        data = self.folder / "data"
        if self._server_user is None:
            data.mkdir(mode=0o700, exist_ok=True)
            return data
        if data.is_symlink():  # placed elsewhere by an earlier start
            return external_cluster(data, self._server_user)
        if not reachable(self.folder, self._server_user):
            if data.is_dir():
                raise PostgresError(
                    f"{data} was created by another user or before its parent folders were closed to user "
                    f"{self._server_user.pw_name}; start as that user, or remove {self.folder} to begin anew"
                )
            return external_cluster(data, self._server_user)
        data.mkdir(mode=0o700, exist_ok=True)
        os.chown(data, self._server_user.pw_uid, self._server_user.pw_gid)
        return data

    def _create_cluster(self, binaries: Path, data: Path, password_file: Path) -> None:
        for leftover in data.iterdir():  # a first start that was cut short
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        password = secrets.token_urlsafe(24)
        handover = data.with_name("initdb-password")
        handover.unlink(missing_ok=True)
        handover.touch(mode=0o600)
        handover.write_text(password)
        if self._server_user is not None:
            os.chown(handover, self._server_user.pw_uid, self._server_user.pw_gid)
        command = [
            *(str(binaries / "initdb"), "-D", str(data), "-U", USER, "-A", "scram-sha-256", "--pwfile", str(handover)),
            *("-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            "--no-sync",  # it holds nothing yet, and waiting for the disk takes seconds
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, cwd="/", **as_user(self._server_user))
        finally:
            handover.unlink()
        if done.returncode != 0:
            raise PostgresError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600)
        password_file.write_text(password)

    def _start_server(self, binaries: Path, data: Path) -> None:
        remembered = self.folder / "port"
        with suppress(OSError, ValueError):
            self.port = self.port or int(remembered.read_text())
        for _ in range(3):
            if self.port == 0 or not is_free(self.port):
                self.port = free_port()
            if self._try_start(binaries, data):
                remembered.write_text(str(self.port))
                return
            self.port = 0  # somebody took it between our look and the server's
        raise PostgresError(f"Postgres did not start; its log is {self.log}:\n{_tail(self.log)}")

    def _try_start(self, binaries: Path, data: Path) -> bool:
        settings = SETTINGS | {"port": str(self.port)} | ({} if self._durable else NOT_DURABLE)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(binaries / "postgres"), "-D", str(data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                # Its own session: Ctrl-C in the terminal ends the functions first and the database last.
                start_new_session=True,
                **as_user(self._server_user),
            )
        keeper().watch(self._process.pid, signal.SIGINT)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                keeper().release(self._process.pid)
                return False
            with suppress(OSError, IndexError):
                lines = (data / "postmaster.pid").read_text().splitlines()
                if lines[0] == str(self._process.pid) and lines[7].strip() == "ready":
                    return True
            time.sleep(0.01)
        self._stop_server()
        raise PostgresError(f"Postgres was not ready after {START_SECONDS:.0f} s; its log is {self.log}")

    def _stop_server(self) -> None:
        if self._process is None:
            return
        for request, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if self._process.poll() is not None:
                break
            self._process.send_signal(request)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        keeper().release(self._process.pid)
        self._process = None


def erase(folder: Path) -> None:
    """Delete a stopped server's folder with its data, wherever these were placed.

    Raises:
        AlreadyRunning: The server is running.
    """
    if not folder.exists():
        return
    lock = hold(folder)
    try:
        data = folder / "data"
        end_servers(data)
        if data.is_symlink():
            shutil.rmtree(data.resolve().parent, ignore_errors=True)
        shutil.rmtree(folder)
    finally:
        os.close(lock)


def _tail(log: Path, lines: int = 8) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
