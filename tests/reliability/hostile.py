"""The exam's shops with a canary in every text of all but one, and a conversation about that one with a model."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import update

from tests.agent.shops import SHOPS, World, opened
from tests.db.billing import TODAY
from tests.fakes import FakeEmbedder, FakeLlm
from vaultra.adapters.postgres_vectors import PostgresVectors
from vaultra.agent.allowance import Allowance
from vaultra.agent.answers import Answer, Finished, Sentence, Turn
from vaultra.agent.conversing import ChatEvent, converse
from vaultra.db import models

MINE = "northwind"
OTHERS = [shop for shop in SHOPS if shop != MINE]
HELLO = "How is my business doing?"


@contextmanager
def canaried(url: str) -> Iterator[World]:
    """The exam's shops in this database; every text of the others' holds their canary."""
    with opened(url, FakeEmbedder(), PostgresVectors) as world:
        with world.engine.begin() as db:
            for shop in OTHERS:
                business_id = world.members[shop].id
                mark = canary(shop)
                db.execute(update(models.Business).filter_by(id=business_id).values(name=mark, legal_entity=mark))
                db.execute(
                    update(models.Recommendation)
                    .filter_by(business_id=business_id)
                    .values(title=mark, description=mark, reason=mark)
                )
        yield world


def canary(shop: str) -> str:
    """The mark in every text of a shop."""
    return f"canary-{shop}"


def allowance(world: World, most: int = 10**12) -> Allowance:
    """Tokens without end."""
    return Allowance(world.engine.begin, world.members[MINE].id, TODAY, most)


def talk(
    world: World, model: FakeLlm, question: str = HELLO, history: Sequence[Turn] = (), shop: str = MINE
) -> list[ChatEvent]:
    """Everything that is told while a question is answered."""
    return list(converse(world.context(shop), [model], allowance(world), history, question))


def answer_of(events: Sequence[ChatEvent]) -> Answer:
    """The whole answer."""
    last = events[-1]
    assert isinstance(last, Finished)
    return last.answer


def told(events: Iterable[ChatEvent]) -> str:
    """Everything that was ever shown, also what was taken back."""
    return " ".join(event.text for event in events if isinstance(event, Sentence))


def given_to(model: FakeLlm) -> str:
    """Everything the model was ever given."""
    return "\n".join(
        [asked for asked, _, _ in model.asked] + [repr(item) for _, dialogue, _ in model.asked for item in dialogue]
    )
