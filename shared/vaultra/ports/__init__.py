"""Every door to the outside, as Protocols. Adapters implement them; tests pass stand-ins."""

from vaultra.ports.calls import Clock, Json
from vaultra.ports.identity import IdentityProvider, Profile, SignInRequest
from vaultra.ports.llm import (
    DialogueItem,
    LLMProvider,
    ModelPiece,
    Said,
    StepEnded,
    ToolOffer,
    ToolRequest,
    ToolReturned,
    Wrote,
)
from vaultra.ports.mail import Mail, Mailer
from vaultra.ports.messages import Delivery, JoiningPublisher, Message, Publisher
from vaultra.ports.retrieval import Embedder, VectorSearch, VectorStore
from vaultra.ports.schedule import Schedule, ScheduledJob
from vaultra.ports.stripe import KeyInspector, KeyRights, OauthGrant, StripeGateway, StripeRead
from vaultra.ports.traces import Span, Traces

__all__ = [
    "Clock",
    "Delivery",
    "DialogueItem",
    "Embedder",
    "IdentityProvider",
    "JoiningPublisher",
    "Json",
    "KeyInspector",
    "KeyRights",
    "LLMProvider",
    "Mail",
    "Mailer",
    "Message",
    "ModelPiece",
    "OauthGrant",
    "Profile",
    "Publisher",
    "Said",
    "Schedule",
    "ScheduledJob",
    "SignInRequest",
    "Span",
    "StepEnded",
    "StripeGateway",
    "StripeRead",
    "ToolOffer",
    "ToolRequest",
    "ToolReturned",
    "Traces",
    "VectorSearch",
    "VectorStore",
    "Wrote",
]
