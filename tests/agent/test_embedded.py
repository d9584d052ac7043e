"""The answerer without a model: what it tells while it works, and that it answers whatever is missing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine
from structlog.testing import capture_logs

from tests.agent.shops import World, sell
from tests.db.billing import AS_OF, TODAY, Books, days_ago, open_books
from tests.fakes import FakeEmbedder
from vaultra.adapters.postgres_vectors import PostgresVectors
from vaultra.agent import embedded
from vaultra.agent import templates as say
from vaultra.agent.answers import Answer, Event, Finished, Sentence, ToolBegan, ToolEnded, Turn
from vaultra.agent.steps import _most_to_gain
from vaultra.agent.tools import ToolContext
from vaultra.db.short_reads import short_reads
from vaultra.domain.accounts import Membership, Role
from vaultra.domain.conversations import Speaker
from vaultra.errors import Unavailable
from vaultra.usecases import metrics, readiness


def ask(context: ToolContext, question: str, history: Sequence[Turn] = ()) -> tuple[list[Event], Answer]:
    events = list(embedded.answer(context, history, question))
    assert isinstance(events[-1], Finished)
    return events, events[-1].answer


class Silent:
    """An embedder that does not answer."""

    name = "silent"

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise Unavailable("The model does not answer")


def test_tools_are_told_before_sentences_and_the_sentences_are_the_answer(world: World) -> None:
    events, answer = ask(world.context("northwind"), "what is my score?")
    kinds = [type(event).__name__ for event in events]
    assert kinds[:4] == ["ToolBegan", "ToolEnded", "ToolBegan", "ToolEnded"]
    assert set(kinds[4:-1]) == {"Sentence"}
    began = [event for event in events if isinstance(event, ToolBegan)]
    ended = [event.outcome for event in events if isinstance(event, ToolEnded)]
    assert [(one.id, one.name) for one in began] == [(one.id, one.name) for one in ended]
    assert tuple(ended) == answer.outcomes
    assert "".join(event.text for event in events if isinstance(event, Sentence)).strip() == answer.text
    assert (answer.provider, answer.degraded, answer.refused) == ("embedded", False, False)


def test_what_is_declined_uses_no_tool(world: World) -> None:
    events, answer = ask(world.context("northwind"), "refund order 1234 for me")
    assert [type(event) for event in events] == [Sentence, Finished]
    assert answer.refused
    assert answer.outcomes == ()


def test_ones_own_name_is_not_another_business(world: World) -> None:
    _, answer = ask(world.context("northwind"), "how is Northwind Candles doing?")
    assert not answer.refused


def test_the_sections_quoted_are_the_sections_cited(world: World) -> None:
    events, answer = ask(world.context("northwind"), "what is a chargeback?")
    cited = {citation.key for event in events if isinstance(event, Sentence) for citation in event.citations}
    assert cited == {citation.key for citation in answer.citations}
    assert "reducing-chargebacks#what-is-a-chargeback" in cited
    assert all(citation.url == f"/help/{citation.doc_id}/#{citation.section}" for citation in answer.citations)
    assert "[" not in answer.text


@pytest.mark.parametrize(
    ("question", "said"), [("what is my score?", "86"), ("my refund rate?", "7.85%"), ("what is VAMP", "VAMP")]
)
def test_without_the_embedder_words_alone_tell(world: World, question: str, said: str) -> None:
    context = replace(world.context("northwind"), embedder=Silent())
    with capture_logs() as logs:
        _, answer = ask(context, question)
    assert said in answer.text
    assert "agent.intents_by_words_only" in {entry["event"] for entry in logs}


def test_a_score_is_compared_with_an_earlier_one_of_today_and_a_first_one_with_nothing(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as conn:
        books = open_books(conn, default_currency="usd")
        sell(books, 2, 15_00, first=40, last=0)
        business = Membership(id=books.business_id, name="Corner Kiosk", role=Role.OWNER)
        _score(conn, books, AS_OF - dt.timedelta(hours=3))
    context = ToolContext(business, AS_OF, short_reads(fresh_engine), FakeEmbedder(), PostgresVectors(fresh_engine))
    _, first = ask(context, "what is my score?")
    assert "since" not in first.text
    assert "compare" not in first.text
    assert "There is nothing yet to compare it with." in ask(context, "did my score improve?")[1].text
    with fresh_engine.begin() as conn:
        books = Books(conn, books.account)
        for age in range(1, 9):
            books.dispute(days_ago(age), status="lost")
        _score(conn, books, AS_OF)
    _, second = ask(context, "what is my score?")
    assert re.search(r"The score fell by \d+ points since earlier today, from \d+ to \d+\.", second.text)
    assert "20 November 2026" in second.text  # as of which day


def _score(conn: Connection, books: Books, now: dt.datetime) -> None:
    books.roll_up([TODAY - dt.timedelta(days=age) for age in range(-1, 60)])
    metrics.compute(conn, [books.business_id], now)
    readiness.compute(conn, [books.business_id], now)


def test_a_sentence_of_ours_that_fails_is_left_out_and_told_to_us(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(say, "extremes", lambda _: ["Your refund rate is 12.34%."])
    with capture_logs() as logs:
        _, answer = ask(world.context("northwind"), "what is my score?")
    assert "12.34" not in answer.text
    assert "86" in answer.text
    [entry] = [entry for entry in logs if entry["event"] == "agent.own_sentence_withheld"]
    assert entry["kinds"] == ["number"]


def test_another_tenants_history_is_no_evidence_of_this_one(world: World) -> None:
    """Whatever was said before, tools read the context's business only."""
    _, foreign = ask(world.context("bluepeak"), "what is my score?")
    history = [Turn(Speaker.USER, "what is my score?"), Turn(Speaker.ASSISTANT, foreign.text, foreign.outcomes)]
    _, answer = ask(world.context("northwind"), "and my score now?", history)
    assert "86" in answer.text
    assert "31" not in answer.text


def test_suggestions_lead_on_and_never_repeat_the_question(world: World) -> None:
    for question in ("What hurts my score most?", "What should I do first?", "how do I reach the next tier?"):
        _, answer = ask(world.context("bluepeak"), question)
        assert 2 <= len(answer.suggestions) <= 3
        assert question.lower() not in {suggestion.lower() for suggestion in answer.suggestions}
        assert embedded.suggestions(question, answer.outcomes)


def test_every_suggestion_is_understood(world: World) -> None:
    """What we propose to ask, we answer."""
    for shop in ("northwind", "sprout"):
        _, first = ask(world.context(shop), "what is my score?")
        for suggestion in first.suggestions:
            _, answer = ask(world.context(shop), suggestion)
            assert answer.text not in (say.NO_ANSWER, say.WITHHELD), suggestion
            assert not answer.refused


def test_of_a_rule_at_its_best_nothing_is_to_be_gained() -> None:
    best = {"key": "a", "label": "A", "effect": "helps", "points": 10, "best_points": 10, "sentence": "At its best."}
    short = {**best, "key": "b", "label": "B", "points": 1, "best_points": 4, "sentence": "Three are missing."}
    unknown = {**best, "key": "c", "label": "C", "effect": "not_measured", "points": 0, "sentence": "Not measured."}
    assert _most_to_gain([unknown, best]) == []
    assert "Three are missing." in _most_to_gain([unknown, best, short])[1]
