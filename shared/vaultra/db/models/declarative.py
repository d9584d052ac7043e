"""What every table is made of: the types of columns, and the defaults that the database gives."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import BigInteger, Date, DateTime, Float, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import DeclarativeBase

UtcTime = DateTime(timezone=True)
NEW_UUID = text("gen_random_uuid()")
NOW = text("now()")


class Base(DeclarativeBase):
    """Tables are read and written through Core statements; entities never travel."""

    type_annotation_map = {
        str: Text,
        int: BigInteger,
        float: Float,
        dt.datetime: UtcTime,
        dt.date: Date,
        uuid.UUID: UUID(as_uuid=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }
