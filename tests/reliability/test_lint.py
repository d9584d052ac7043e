"""RELIABILITY rows A23 and B8: what the code itself may not contain, read from its syntax trees."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from vaultra_local.catalogue import ROOT

SOURCES = [path for folder in ("shared", "functions", "local") for path in sorted((ROOT / folder).rglob("*.py"))]
SECRET = re.compile(
    r"(^|_)(tokens?|secrets?|secret_key|api_key|signatures?|digest|hexdigest|password|state|code|verifier|challenge"
    r"|nonce|hash|mac)$"
)
COMPARED = {
    "shared/vaultra/domain/versions.py: arrived.content_hash == stored.content_hash": "two states of a Stripe object",
    "local/vaultra_local/stripe_sim/api.py: key != simulator.secret_key": "the demo's simulator, with a public key",
}
EXECUTORS = {"text", "literal_column", "exec_driver_sql", "TextClause"}
BUILT = {
    "shared/vaultra/db/objects.py: _versions_statement": "one for each of our tables",
    "shared/vaultra/db/objects.py: _write_statement": "one for each of our tables and its columns",
    "shared/vaultra/db/objects.py: _bury_statement": "one for each of our tables",
    "shared/vaultra/db/moved_objects.py: _statement": "one for each kind of object, from the module's own text",
    "shared/vaultra/db/inbox.py: purge": "the module's own statements, one after the other",
    "shared/vaultra/db/statements.py: statement": "our own files",
}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def comparisons(tree: ast.AST) -> Iterator[str]:
    """Each == and != between two things of which one is named like a secret; a look-up in SQL is none."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if not isinstance(operator, ast.Eq | ast.NotEq) or is_plain(left) or is_plain(right) or is_column(left):
                continue
            if SECRET.search(name_of(left)) or SECRET.search(name_of(right)):
                sign = "==" if isinstance(operator, ast.Eq) else "!="
                yield f"{ast.unparse(left)} {sign} {ast.unparse(right)}"


def is_plain(node: ast.expr) -> bool:
    """Whether it is written out in the code, or a member of an enumeration: nothing to be guessed."""
    if isinstance(node, ast.Attribute):
        return node.attr.isupper()
    return isinstance(node, ast.Constant | ast.Tuple | ast.List | ast.Dict | ast.Set)


def is_column(node: ast.expr) -> bool:
    """Whether it is a hash's column of a model: `State.state_hash`, which the database looks up."""
    if not isinstance(node, ast.Attribute) or not node.attr.endswith("_hash"):
        return False
    return name_of(node.value)[:1].isupper()


def name_of(node: ast.expr) -> str:
    """The last name in an expression: `token` of `row.token`, of `token()` and of `token.encode()`."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr="encode" | "decode" | "lower" | "strip")):
            return name_of(value)
        case ast.Call(func=called):
            return name_of(called)
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key
        case ast.Subscript(value=value):
            return name_of(value)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def built_statements(tree: ast.AST) -> Iterator[str]:
    """The functions that make SQL text while they run, from anything but constants of their module."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and executes(node) and not is_constant(node.args[0]):
                    yield function.name


def executes(node: ast.Call) -> bool:
    name = name_of(node.func)
    if name in EXECUTORS:
        return bool(node.args)
    return (
        name in ("execute", "executemany") and bool(node.args) and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
    )


def is_constant(node: ast.expr) -> bool:
    """Whether it is literal text, a constant of a module, or such constants put together."""
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name):
            return name.lstrip("_").isupper()
        case ast.JoinedStr(values=values):
            return all(is_constant(value.value if isinstance(value, ast.FormattedValue) else value) for value in values)
        case ast.Call(func=ast.Attribute(value=value, attr="read_text")):
            return is_constant(value)
    return False


def test_a23_no_secret_is_compared_with_equals() -> None:
    """A23: where a secret is compared, it takes the same time wherever it differs, or it is looked up by its hash."""
    found = {f"{path.relative_to(ROOT)}: {pair}" for path in SOURCES for pair in comparisons(parsed(path))}
    assert found - set(COMPARED) == set()
    assert set(COMPARED) <= found, "a line that is gone is still allowed"
    print(f"A23: {len(SOURCES)} files, 0 secrets compared with ==; {len(COMPARED)} lines that look so are none")


PLANTED_COMPARISONS = [
    "if token == given: pass",
    "if given != self.token: pass",
    "if row.token_hash == hashed: pass",
    "ok = secret == body['secret']",
    "ok = signature.encode() == expected()",
    "ok = hmac.new(key, body, 'sha256').hexdigest() == header",
    "ok = header == mac(body)",
    "ok = state != cookies['state']",
    "ok = claims['nonce'] == nonce",
    "ok = challenge(code_verifier) == started.code_challenge",
    "ok = user.password == password",
    "return one.browser_hash == other",
]


@pytest.mark.parametrize("code", PLANTED_COMPARISONS)
def test_a23_a_planted_comparison_is_found(code: str) -> None:
    """A23: the rule sees what it is for."""
    assert list(comparisons(ast.parse(f"def f():\n    {code}"))) != []


def test_a23_what_is_no_secret_may_be_compared() -> None:
    """A23: constants, enumerations, columns looked up by a hash, and the right way of comparing."""
    for code in (
        "hmac.compare_digest(token, given)",
        "ok = token == ''",
        "ok = tokens.state is None",
        "ok = status.state == State.DONE",
        "select(Reset).where(Reset.token_hash == token_hash)",
        "ok = name == other_name",
    ):
        assert list(comparisons(ast.parse(code))) == [], code


def test_b8_no_statement_is_made_of_values() -> None:
    """B8: SQL text is constant, or built from constants when its module is imported; values are bound."""
    found = {f"{path.relative_to(ROOT)}: {place}" for path in SOURCES for place in built_statements(parsed(path))}
    assert found - set(BUILT) == set()
    assert set(BUILT) <= found, "a function that is gone is still allowed"
    print(f"B8: {len(SOURCES)} files, 0 statements made of values; {len(BUILT)} functions build from constants")


PLANTED_STATEMENTS = [
    'conn.execute(text(f"select * from users where id = {user_id}"))',
    'conn.execute(text("select * from users where id = %s" % user_id))',
    'conn.execute(text("select * from users where id = {}".format(user_id)))',
    'conn.execute(text("select * from users where id = " + user_id))',
    'conn.execute(sqlalchemy.text(f"select {column}"))',
    "conn.execute(text(statement))",
    'conn.exec_driver_sql(f"drop table {table}")',
    'select(literal_column(f"{name}"))',
    "order_by(text(params.sort))",
    'cursor.execute(f"select {value}")',
]


@pytest.mark.parametrize("code", PLANTED_STATEMENTS)
def test_b8_a_planted_statement_is_found(code: str) -> None:
    """B8: the rule sees what it is for."""
    tree = ast.parse(f"def f(conn, user_id, params, statement):\n    {code}")
    assert list(built_statements(tree)) == ["f"]


def test_b8_constant_statements_are_fine() -> None:
    """B8: constants, and constants put together when a module is imported."""
    for code in (
        'def f(conn): conn.execute(text("select 1 where id = :id"), {"id": 1})',
        "def f(conn): conn.execute(STATEMENT)",
        "def f(conn): conn.execute(text(STATEMENT))",
        'A = text(f"select {COLUMNS} from users")',
        "def f(conn): conn.exec_driver_sql(SESSION_FUNCTIONS.read_text())",
        "def f(conn): conn.execute(select(User).where(User.id == user_id))",
    ):
        assert list(built_statements(ast.parse(code))) == [], code
