"""Which modules of the shared package a room can reach, found by reading its imports instead of running it."""

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

PACKAGE = "vaultra"
LOCAL_PACKAGE = "vaultra_local"
SQL = Path(PACKAGE, "db", "sql")
# Where a call's systems are wired: what these import late is needed by functions that use the system only.
WIRING = {"vaultra.services", "vaultra.entrypoints"}
# What the wiring imports late, and the system of the catalogue it is for; None where no function of the cloud uses it.
WIRED: dict[str, str | None] = {
    "vaultra.access": "auth",
    "vaultra.adapters.embedded_broker": None,
    "vaultra.adapters.google": "google",
    "vaultra.adapters.minilm": "minilm",
    "vaultra.adapters.ollama_llm": "ollama",
    "vaultra.adapters.openai_embedder": "openai",
    "vaultra.adapters.openai_llm": "openai",
    "vaultra.adapters.otel_traces": "trace",
    "vaultra.adapters.pinecone_vectors": "pinecone",
    "vaultra.adapters.postgres_vectors": "minilm",
    "vaultra.adapters.pubsub": "pubsub",
    "vaultra.adapters.smtp": "smtp",
    "vaultra.adapters.steady_llm": "openai",
    "vaultra.adapters.stripe": "stripe",
    "vaultra.adapters.stripe_keys": "stripe",
    "vaultra.adapters.stripe_pacing": "stripe",
    "vaultra.auth": "auth",
    "vaultra.sealing": "stripe",
    "vaultra.usecases.owners_keys": "stripe",
}


class UnreadableImport(ValueError):
    """An import that reading alone can't follow; the message names the file."""


def modules_of(starts: Sequence[Path], shared: Path, uses: Sequence[str], package: str = PACKAGE) -> list[Path]:
    """The shared files that `starts` can import, at once or late, and the SQL files these name; sorted.

    Args:
        starts: Python files, inside the shared package or outside.
        shared: The folder that holds the package.
        uses: Systems of the catalogue. Wiring of others is left out: their libraries are not installed, either.
        package: The package's name; imports of others are not followed.

    Raises:
        UnreadableImport: An import is relative.
    """
    found = {path for path in starts if path.is_relative_to(shared)}
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        for file in _files_of(path, shared, uses, package):
            if file not in found:
                found.add(file)
                waiting.append(file)
    return sorted(found | _sql_of(found, shared))


def imported_names(path: Path) -> frozenset[str]:
    """Every dotted name a file imports, wherever in it, but not what it imports for the type checker only.

    `from a import b` gives `a` and `a.b`, because only looking tells whether `b` is a module.
    """
    return _reading(path).imports


def _files_of(path: Path, shared: Path, uses: Sequence[str], package: str) -> Iterator[Path]:
    wires = path.is_relative_to(shared) and _name(path, shared) in WIRING
    for name in imported_names(path):
        parts = name.split(".")
        # Every package on the way runs, too; what stands after the module is a name inside it.
        dotted = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
        if parts[0] != package or (wires and any(WIRED[part] not in uses for part in dotted if part in WIRED)):
            continue
        for place in (shared.joinpath(*part.split(".")) for part in dotted):
            yield from (file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file())


def _sql_of(modules: set[Path], shared: Path) -> set[Path]:
    texts = {text for path in modules for text in _reading(path).short_texts}
    return {file for file in shared.joinpath(SQL).glob("*.sql") if file.stem in texts or file.name in texts}


def _name(path: Path, shared: Path) -> str:
    return ".".join(path.relative_to(shared).with_suffix("").parts)


def _reading(path: Path) -> "_Reading":
    try:
        return _read(path.read_text(encoding="utf-8"))
    except UnreadableImport as error:
        raise UnreadableImport(f"{path}: {error}") from None


@cache  # by content: many functions share a module
def _read(source: str) -> "_Reading":
    return _Reading(source)


class _Reading(ast.NodeVisitor):
    """What a module imports, and the texts in it that may name a file."""

    def __init__(self, source: str) -> None:
        self._names: set[str] = set()
        self._texts: set[str] = set()
        self.visit(ast.parse(source))
        self.imports = frozenset(self._names)
        self.short_texts = frozenset(self._texts)

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                self.visit(other)
        else:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self._names.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or node.module is None:
            raise UnreadableImport(f"line {node.lineno}: write the whole name of what is imported")
        self._names.add(node.module)
        self._names.update(f"{node.module}.{alias.name}" for alias in node.names)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and node.value.replace("_", "").replace(".", "").isalnum():
            self._texts.add(node.value)
