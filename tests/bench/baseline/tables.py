"""The tables that the baseline reads, as its own ORM models."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSONB, list[Any]: JSONB}


class User(Base):
    __tablename__ = "users"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    email_verified_at: Mapped[dt.datetime | None]
    avatar_url: Mapped[str | None]


class LoginSession(Base):
    __tablename__ = "sessions"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[dt.datetime]
    user: Mapped[User] = relationship()


class Business(Base):
    __tablename__ = "businesses"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Membership(Base):
    __tablename__ = "user_business_memberships"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    role: Mapped[str]
    created_at: Mapped[dt.datetime]
    business: Mapped[Business] = relationship()


class Snapshot(Base):
    __tablename__ = "readable_financial_metric_snapshots"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    business_id: Mapped[uuid.UUID]
    period_start: Mapped[dt.date]
    period_end: Mapped[dt.date]
    currency: Mapped[str | None]
    metrics_json: Mapped[dict[str, Any]]
    computed_at: Mapped[dt.datetime]


class Score(Base):
    __tablename__ = "readable_readiness_scores"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    business_id: Mapped[uuid.UUID]
    snapshot_id: Mapped[uuid.UUID | None]
    scored_on: Mapped[dt.date]
    score: Mapped[int]
    tier: Mapped[str]
    seed_score: Mapped[int]
    confidence_low: Mapped[int]
    confidence_high: Mapped[int]
    provisional: Mapped[bool]
    components: Mapped[dict[str, Any]]
    formula_version: Mapped[str]
    created_at: Mapped[dt.datetime]


class Recommendation(Base):
    __tablename__ = "recommendations"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    business_id: Mapped[uuid.UUID]
    title: Mapped[str]
    description: Mapped[str]
    priority: Mapped[str]
    category: Mapped[str]
    status: Mapped[str]
    estimated_impact: Mapped[int | None]
    metric_refs: Mapped[list[Any]]
    article: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    evidence: Mapped[dict[str, Any] | None]
    proof: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None]
