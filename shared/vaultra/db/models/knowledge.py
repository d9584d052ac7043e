"""Knowledge."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, text
from sqlalchemy.dialects.postgresql import ARRAY, REAL
from sqlalchemy.orm import Mapped, mapped_column

from vaultra.db.models.declarative import Base


class KnowledgeVersion(Base):
    """A set of articles that was published under `namespace`: the embedder's name and a hash of what it embedded."""

    __tablename__ = "knowledge_versions"
    namespace: Mapped[str] = mapped_column(primary_key=True)
    is_current: Mapped[bool]
    created_at: Mapped[dt.datetime]
    published_at: Mapped[dt.datetime | None]
    __table_args__ = (
        Index("uq_knowledge_versions_current", "is_current", unique=True, postgresql_where=text("is_current")),
    )


class KnowledgeArticle(Base):
    """An article as it was published; `content` is `domain.knowledge.Article` in JSON."""

    __tablename__ = "knowledge_articles"
    namespace: Mapped[str] = mapped_column(
        ForeignKey("knowledge_versions.namespace", ondelete="CASCADE"), primary_key=True
    )
    doc_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    content: Mapped[dict[str, Any]]


class KnowledgeVector(Base):
    """A passage's or a question's vector, where no vector database is set up. Written before its version is."""

    __tablename__ = "knowledge_vectors"
    namespace: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    vector: Mapped[list[float]] = mapped_column(ARRAY(REAL))
