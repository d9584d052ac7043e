"""SQL for the published articles, and for the vectors that find them where no vector database is set up."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from vaultra.db.models import KnowledgeArticle, KnowledgeVector, KnowledgeVersion
from vaultra.domain.knowledge import Article, Reference, Section


def find_current(conn: Connection) -> str | None:
    """The namespace that is searched now; None before the first was published."""
    return conn.execute(CURRENT).scalar_one_or_none()


CURRENT = select(KnowledgeVersion.namespace).where(KnowledgeVersion.is_current)


def lock_versions(conn: Connection) -> None:
    """Let one publish at a time."""
    conn.execute(text("select pg_advisory_xact_lock(hashtext('knowledge'))"))


def list_articles(conn: Connection, namespace: str) -> list[Article]:
    """The articles of a namespace, in the order in which they were published."""
    statement = (
        select(KnowledgeArticle.content)
        .where(KnowledgeArticle.namespace == namespace)
        .order_by(KnowledgeArticle.position)
    )
    return [_article(row.content) for row in conn.execute(statement)]


def insert_version(conn: Connection, namespace: str, articles: Sequence[Article], now: dt.datetime) -> None:
    """Keep a namespace's articles; one that is there already is left as it is, since its name tells its content."""
    version = upsert(KnowledgeVersion).values(namespace=namespace, is_current=False, created_at=now)
    if conn.execute(version.on_conflict_do_nothing().returning(KnowledgeVersion.namespace)).one_or_none() is None:
        return
    rows = [
        {"namespace": namespace, "position": position, "doc_id": article.doc_id, "content": asdict(article)}
        for position, article in enumerate(articles)
    ]
    if rows:
        conn.execute(insert(KnowledgeArticle), rows)


def make_current(conn: Connection, namespace: str, now: dt.datetime) -> None:
    """Let everybody search this namespace from the next question on."""
    version = KnowledgeVersion
    conn.execute(update(version).where(version.is_current, version.namespace != namespace).values(is_current=False))
    conn.execute(update(version).where(version.namespace == namespace).values(is_current=True, published_at=now))


def list_superseded(conn: Connection) -> list[str]:
    """Namespaces that nobody searches any more: all but the current one and the one before it."""
    version = KnowledgeVersion
    statement = select(version.namespace).order_by(
        version.is_current.desc(), func.coalesce(version.published_at, version.created_at).desc()
    )
    return list(conn.execute(statement.offset(2)).scalars())


def delete_version(conn: Connection, namespace: str) -> None:
    """Forget a namespace with its articles."""
    conn.execute(delete(KnowledgeVersion).where(KnowledgeVersion.namespace == namespace))


# --- vectors ---------------------------------------------------------------------------------


def upsert_vectors(conn: Connection, namespace: str, vectors: Mapping[str, Sequence[float]]) -> None:
    """Keep these vectors; what had the same name is replaced."""
    rows = [{"name": name, "vector": list(vector)} for name, vector in vectors.items()]
    conn.execute(UPSERT_VECTORS, {"namespace": namespace, "rows": orjson.dumps(rows).decode()})


UPSERT_VECTORS = text(
    """
    insert into knowledge_vectors (namespace, name, vector)
    select :namespace, new.name, new.vector
    from jsonb_to_recordset(cast(:rows as jsonb)) as new(name text, vector real[])
    on conflict (namespace, name) do update set vector = excluded.vector
    """
)


def list_vectors(conn: Connection, namespace: str) -> list[tuple[str, list[float]]]:
    """All vectors of a namespace with their names."""
    rows = conn.execute(VECTORS, {"namespace": namespace})
    return [(row.name, row.vector) for row in rows]


VECTORS = (
    select(KnowledgeVector.name, KnowledgeVector.vector)
    .where(KnowledgeVector.namespace == bindparam("namespace"))
    .order_by(KnowledgeVector.name)
)


def count_vectors(conn: Connection, namespace: str) -> int:
    """How many vectors a namespace has."""
    statement = select(func.count()).select_from(KnowledgeVector).where(KnowledgeVector.namespace == namespace)
    return conn.execute(statement).scalar_one()


def delete_vectors(conn: Connection, namespace: str) -> None:
    """Forget a namespace's vectors."""
    conn.execute(delete(KnowledgeVector).where(KnowledgeVector.namespace == namespace))


def _article(stored: Mapping[str, Any]) -> Article:
    references = tuple(Reference(**reference) for reference in stored["references"])
    sections = tuple(Section(**{**section, "questions": tuple(section["questions"])}) for section in stored["sections"])
    return Article(**{**stored, "references": references, "sections": sections})
