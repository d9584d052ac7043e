"""The threads that calls run in: as many as database connections, and a few for those that only read."""

from concurrent.futures import ThreadPoolExecutor

# Threads that read take turns at the interpreter anyway: more of them than this only pass it around.
READING_THREADS = 3
_pools: dict[bool, ThreadPoolExecutor] = {}


def threads(*, reading: bool = False) -> ThreadPoolExecutor:
    """The threads for calls that only read, few, or those for the rest: as many as database connections."""
    if reading not in _pools:
        from vaultra.config import DatabaseSettings

        size = DatabaseSettings().pool_size
        _pools[reading] = ThreadPoolExecutor(min(size, READING_THREADS) if reading else size, thread_name_prefix="room")
    return _pools[reading]
