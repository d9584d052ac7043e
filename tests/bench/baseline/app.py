"""What the benchmark compares with: the same four endpoints in FastAPI, SQLAlchemy's async ORM and asyncpg.

Written the way their documentation teaches it, over the product's tables, and sharing no code with the product.
"""

import datetime as dt
import os
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query  # type: ignore[import-not-found,unused-ignore]
from fastapi.security import (  # type: ignore[import-not-found,unused-ignore]
    HTTPAuthorizationCredentials,
    HTTPBearer,
)
from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import joinedload

from tests.bench.baseline.replies import (
    BucketReply,
    BusinessMembershipReply,
    ComponentsReply,
    ConfidenceReply,
    CurrencyReply,
    DetailsReply,
    MetricsReply,
    ProfileReply,
    ReadinessReply,
    RecommendationReply,
    RecommendationsReply,
)
from tests.bench.baseline.tables import LoginSession, Membership, Recommendation, Score, Snapshot, User

DATABASE_URL = os.environ["DATABASE_URL"].replace("+pg8000", "+asyncpg")
JWT_SECRET = os.environ["JWT_SECRET"]
POOL_SIZE = int(os.environ["POOL_SIZE"])

STALE_AFTER = dt.timedelta(hours=2)
TREND_DAYS, TREND_TOLERANCE_DAYS, STABLE_WITHIN = 30, 6, 2
TIER_LABELS = {
    "highly_attractive": "Highly attractive",
    "funding_ready": "Funding-ready",
    "improving": "Improving",
    "not_ready": "Not ready",
}

# Nothing is pinged before it is used, and no more connections are opened than the product may open.
engine = create_async_engine(DATABASE_URL, pool_size=POOL_SIZE, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


# --- who is calling ----------------------------------------------------------------------------


async def open_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as db:
        yield db


Db = Annotated[AsyncSession, Depends(open_session)]
Bearer = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


async def signed_in(bearer: Bearer, db: Db) -> User:
    try:
        claims = jwt.decode(
            bearer.credentials, JWT_SECRET, algorithms=["HS256"], audience="vaultra-api", issuer="vaultra"
        )
    except jwt.PyJWTError:
        raise HTTPException(401, "The token is not valid.") from None
    found = await db.get(LoginSession, uuid.UUID(claims["jti"]), options=[joinedload(LoginSession.user)])
    if found is None or str(found.user_id) != claims["user_id"] or found.expires_at <= _now():
        raise HTTPException(401, "This session has ended. Sign in again.")
    return found.user


CurrentUser = Annotated[User, Depends(signed_in)]


async def member(user: CurrentUser, db: Db, business_id: uuid.UUID | None = None) -> Membership:
    statement = select(Membership).where(Membership.user_id == user.id)
    if business_id is not None:
        statement = statement.where(Membership.business_id == business_id)
    memberships = (await db.scalars(statement.limit(2))).all()
    if business_id is not None and not memberships:
        raise HTTPException(403, "You don't have access to this business.")
    if len(memberships) != 1:
        raise HTTPException(400, "Say which business with business_id.")
    return memberships[0]


CurrentMember = Annotated[Membership, Depends(member)]


# --- endpoints ---------------------------------------------------------------------------------


@app.get("/api/v1/auth/me")
async def me(user: CurrentUser, db: Db) -> ProfileReply:
    statement = (
        select(Membership)
        .options(joinedload(Membership.business))
        .where(Membership.user_id == user.id)
        .order_by(Membership.created_at, Membership.business_id)
    )
    memberships = (await db.scalars(statement)).all()
    return ProfileReply(
        id=user.id,
        email=user.email,
        name=user.name,
        avatar_url=user.avatar_url,
        businesses=[
            BusinessMembershipReply(id=found.business_id, name=found.business.name, role=found.role)
            for found in memberships
        ],
    )


@app.get("/api/v1/metrics")
async def get_metrics(membership: CurrentMember, db: Db) -> MetricsReply:
    statement = (
        select(Snapshot)
        .where(Snapshot.business_id == membership.business_id)
        .order_by(Snapshot.period_end.desc())
        .limit(1)
    )
    snapshot = await db.scalar(statement)
    if snapshot is None:
        raise HTTPException(404, "There are no metrics yet.")
    stored = _readable(snapshot.metrics_json, snapshot.currency)
    seeds = {name: stored.pop(name) for name in MetricsReply.model_fields if name in stored}
    return MetricsReply(
        business_id=snapshot.business_id,
        period_start=snapshot.period_start,
        period_end=snapshot.period_end,
        currency=snapshot.currency,
        details=DetailsReply(**stored),
        computed_at=snapshot.computed_at,
        stale=_now() - snapshot.computed_at > STALE_AFTER,
        **seeds,
    )


@app.get("/api/v1/readiness")
async def get_readiness(membership: CurrentMember, db: Db) -> ReadinessReply:
    theirs = Score.business_id == membership.business_id
    latest = await db.scalar(select(Score).where(theirs).order_by(Score.created_at.desc()).limit(1))
    if latest is None:
        raise HTTPException(404, "There is no score yet.")
    then = latest.scored_on - dt.timedelta(days=TREND_DAYS)
    around = Score.scored_on.between(then - dt.timedelta(days=TREND_TOLERANCE_DAYS), then)
    statement = select(Score.score).where(theirs, around)
    earlier = await db.scalar(statement.order_by(Score.scored_on.desc(), Score.created_at.desc()).limit(1))
    return ReadinessReply(
        business_id=latest.business_id,
        score=latest.score,
        tier=latest.tier,
        tier_label=TIER_LABELS[latest.tier],
        trend=_trend(earlier, latest.score),
        provisional=latest.provisional,
        components=ComponentsReply(**latest.components),
        seed_score=latest.seed_score,
        confidence=ConfidenceReply(low=latest.confidence_low, high=latest.confidence_high),
        formula_version=latest.formula_version,
        snapshot_id=latest.snapshot_id,
        created_at=latest.created_at,
    )


@app.get("/api/v1/recommendations")
async def get_recommendations(
    membership: CurrentMember, db: Db, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> RecommendationsReply:
    rank = case({"high": 0, "medium": 1, "low": 2}, value=Recommendation.priority)
    statement = (
        select(Recommendation)
        .where(Recommendation.business_id == membership.business_id)
        .order_by(rank, Recommendation.estimated_impact.desc().nulls_last(), Recommendation.created_at.desc())
        .limit(limit)
    )
    found = (await db.scalars(statement)).all()
    return RecommendationsReply(
        recommendations=[RecommendationReply.model_validate(recommendation) for recommendation in found],
        next_cursor=None,  # what is measured fits one page
    )


def _trend(earlier: int | None, latest: int) -> str | None:
    if earlier is None:
        return None
    if abs(latest - earlier) <= STABLE_WITHIN:
        return "stable"
    return "improving" if latest > earlier else "declining"


def _readable(stored: dict[str, Any], currency: str | None) -> dict[str, Any]:
    """The stored metrics as they are answered: amounts in major units, under names that don't say minor."""
    notes = {"samples", "low_sample", "not_measured", "unconverted", "history_complete"}
    values = {
        name.removesuffix("_minor"): _major(value, currency) if name.endswith("_minor") else value
        for name, value in stored.items()
        if name not in notes | {"exact", "by_currency", "buckets"}
    }
    return {
        **values,
        **{name: stored[name] for name in notes},
        "by_currency": {
            totals["currency"]: CurrencyReply(
                transaction_count=totals["charge_count"],
                revenue=_major(totals["captured_minor"], totals["currency"]),
                settled=_major(totals["settled_minor"], currency),
                unconverted_count=totals["unconverted_count"],
            )
            for totals in stored["by_currency"]
        },
        "buckets": [
            BucketReply(
                period_start=bucket["first"],
                period_end=bucket["last"],
                revenue_total=_major(bucket["revenue_minor"], currency),
                net_volume=_major(bucket["net_volume_minor"], currency),
                transaction_count=bucket["transaction_count"],
                chargeback_count=bucket["dispute_count"],
                fraud_warnings=bucket["fraud_warning_count"],
            )
            for bucket in stored["buckets"]
        ],
    }


def _major(minor: float | None, currency: str | None) -> Any:
    if minor is None or currency is None:
        return None
    return minor if currency == "jpy" else round(minor / 100, 8)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)  # noqa: TID251
