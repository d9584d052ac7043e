"""The bases of everything that crosses the HTTP boundary, and the replies that several rooms share."""

import datetime as dt
import re
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from vaultra.domain.accounts import Business, Industry, Profile, Role, User
from vaultra.domain.money import to_number


class Body(BaseModel):
    """A request body or a message: exact types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Params(BaseModel):
    """Path and query parameters together; they arrive as text, so numbers are read from text."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Reply(BaseModel):
    """What leaves. Fields that are None stay in the answer, as null."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)


class ErrorBody(BaseModel):
    """One error, in words a person can act on. `details` names `field` and `reason` when input was wrong."""

    code: str
    message: str
    details: dict[str, object]
    request_id: str


class ErrorReply(BaseModel):
    """The envelope of every error."""

    error: ErrorBody


# --- Text as it may come in ------------------------------------------------------------------

# Control characters, line separators and the marks that turn the writing direction round.
_UNSEEN = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
_ONE_LINE = rf"^[^{_UNSEEN}]*[^{_UNSEEN}\s][^{_UNSEEN}]*$"
# The rule of HTML's <input type=email>, and a dot in the domain.
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_EMAIL = rf"^ *[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})+ *$"
# The same of any number of lines.
_UNSEEN_IN_LINES = _UNSEEN.replace(r"\u0000-\u001f", r"\u0000-\u0008\u000b\u000c\u000e-\u001f")
_LINES = rf"^[^{_UNSEEN_IN_LINES}]*[^{_UNSEEN_IN_LINES}\s][^{_UNSEEN_IN_LINES}]*$"
_NO_NUL = r"^[^\u0000]*$"
# RFC 3986 without user, password or port. The last part of the host begins with a letter: no IP address does.
_HTTPS_URL = (
    rf"^ *https://(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9](?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)? *$"
)
_NOT_PUBLIC = {"arpa", "corp", "home", "internal", "intranet", "invalid", "lan", "local", "localhost", "onion"}


def _text(pattern: str, reason: str, *, shortest: int, longest: int, strip: bool = True) -> Any:
    expression = re.compile(pattern)

    def check(value: str) -> str:
        if expression.fullmatch(value) is None:
            raise PydanticCustomError("text", "{reason}", {"reason": reason})
        return value.strip() if strip else value

    # What is measured and matched is what came, as the published schema says; it is trimmed after that.
    limits = StringConstraints(min_length=shortest, max_length=longest)
    return Annotated[str, limits, AfterValidator(check), Field(json_schema_extra={"pattern": pattern})]


def _check_public(url: str) -> str:
    host = re.split("[/?#]", url.removeprefix("https://"), maxsplit=1)[0]
    if host.rpartition(".")[2].lower() in _NOT_PUBLIC:
        raise PydanticCustomError("text", "must be an address on the public internet")
    return url


if TYPE_CHECKING:
    Name = str
    Reason = str
    Question = str
    Email = str
    HttpsUrl = str
    Password = str
    NewPassword = str
else:
    Name = _text(_ONE_LINE, "must be one line of text without control characters", shortest=1, longest=200)
    Reason = _text(_ONE_LINE, "must be one line of text without control characters", shortest=1, longest=500)
    Question = _text(_LINES, "must be text without control characters", shortest=1, longest=4000)
    Email = _text(_EMAIL, "must be an email address", shortest=6, longest=254)
    HttpsUrl = Annotated[
        _text(_HTTPS_URL, "must be the https address of a public host", shortest=9, longest=2000),
        AfterValidator(_check_public),
    ]
    Password = _text(_NO_NUL, "must not contain NUL", shortest=1, longest=128, strip=False)
    NewPassword = _text(_NO_NUL, "must not contain NUL", shortest=8, longest=128, strip=False)


# --- Replies that several rooms give -------------------------------------------------------------


class UserReply(Reply):
    """A user."""

    id: UUID
    email: str
    name: str
    avatar_url: str | None
    created_at: dt.datetime

    @classmethod
    def of(cls, user: User) -> "UserReply":
        return cls.model_validate(user, from_attributes=True)


class BusinessMembershipReply(Reply):
    """A business of the signed-in user, and their role in it."""

    id: UUID
    name: str
    role: Role


class ProfileReply(Reply):
    """The signed-in user with their businesses, oldest membership first."""

    id: UUID
    email: str
    name: str
    avatar_url: str | None
    businesses: list[BusinessMembershipReply]

    @classmethod
    def of(cls, profile: Profile) -> "ProfileReply":
        user, businesses = profile.user, [vars(membership) for membership in profile.memberships]
        return cls.model_validate(
            {
                "id": user.id,
                "email": user.email,
                "name": user.name,
                "avatar_url": user.avatar_url,
                "businesses": businesses,
            }
        )


class BusinessReply(Reply):
    """A business."""

    id: UUID
    name: str
    legal_entity: str | None
    industry: Industry | None
    revenue_estimate: float | None = Field(description="The owner's own estimate, in US dollars a year.")
    founded_at: dt.date | None
    created_at: dt.datetime
    updated_at: dt.datetime

    @classmethod
    def of(cls, business: Business) -> "BusinessReply":
        cents = business.revenue_estimate_minor
        return cls(
            id=business.id,
            name=business.name,
            legal_entity=business.legal_entity,
            industry=business.industry,
            revenue_estimate=None if cents is None else to_number(cents, "usd"),
            founded_at=business.founded_at,
            created_at=business.created_at,
            updated_at=business.updated_at,
        )
