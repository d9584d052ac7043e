"""The assistant's page in a browser, against an API that says what a test lets it say."""

import json
from typing import Any, Literal

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.e2e.browsers import needs_browser
from tests.e2e.lived_in import PHONE, WIDE, Witness
from tests.e2e.script_payloads import CANARY, PAYLOADS
from tests.e2e.scripted_api import BUSINESS, Answer, Hold, Json, Refused, ScriptedApi, Streamed

pytestmark = needs_browser

KEPT = "c0000000-0000-4000-8000-000000000001"
OTHER = "c0000000-0000-4000-8000-000000000002"
MOMENT = "2026-11-20T12:00:00Z"
QUESTION = "How is my refund rate?"
CITATION = {
    "doc_id": "refunds-and-negative-balances",
    "title": "Refunds and negative balances",
    "section": "what-lenders-see",
    "heading": "What lenders see",
    "url": "/help/refunds-and-negative-balances/#what-lenders-see",
}
CALL = {
    "id": "1",
    "name": "get_metric_summary",
    "title": "Reading your metrics",
    "arguments": {"metric": "refund_ratio"},
    "ok": True,
    "result": {"refund_ratio": {"value": 0.0679, "sample": 221}},
    "error": None,
    "milliseconds": 12,
}
FIRST, SECOND = (
    "Your refund ratio is 6.79%. ",
    "Lenders look for less than 3% [refunds-and-negative-balances#what-lenders-see].",
)
REPLY: Json = {
    "conversation_id": KEPT,
    "message_id": "d0000000-0000-4000-8000-000000000001",
    "response": FIRST + SECOND,
    "citations": [CITATION],
    "tool_calls": [CALL],
    "suggestions": ["How do I lower it?", "What is normal?"],
    "provider": "embedded",
    "degraded": False,
    "disclaimer": "This is educational guidance.",
}
BEGAN = {"phase": "begin", "id": "1", "name": CALL["name"], "title": CALL["title"], "ms": None, "ok": None}
ENDED = {**BEGAN, "phase": "end", "ms": 12, "ok": True}


def stream(*told: Any, reply: Json = REPLY) -> Streamed:
    """A whole answer, with holds where a test wants to look."""
    return Streamed((("start", {"conversation_id": None}), *told, ("done", reply)))


def answered(text: str) -> Json:
    return {**REPLY, "response": text}


def conversation(id_: str, title: str) -> Json:
    return {"id": id_, "business_id": BUSINESS, "title": title, "created_at": MOMENT, "updated_at": MOMENT}


def kept(*messages: tuple[str, str]) -> Json:
    """A kept conversation of questions and answers."""
    common = {"tool_calls": None, "citations": None, "created_at": MOMENT, "provider": None, "degraded": None}
    said = [{"id": f"m{i}", "role": role, "content": content, **common} for i, (role, content) in enumerate(messages)]
    return {"id": KEPT, "business_id": BUSINESS, "title": "Refunds", "messages": said}


@pytest.fixture
def api(api: ScriptedApi) -> ScriptedApi:
    """An owner of one connected business who never asked anything."""
    api.answers |= {
        "GET /integrations/stripe/status": {"connected": True, "account_id": "acct_1", "livemode": True},
        "GET /agent/conversations": {"conversations": [], "next_cursor": None},
        "POST /agent/chat": stream(("delta", {"text": FIRST}), ("delta", {"text": SECOND})),
    }
    return api


@pytest.fixture
def page(witness: Witness) -> Page:
    return opened(witness)


def opened(witness: Witness, query: str = "") -> Page:
    """The page, once a question can be written."""
    witness.page.goto(f"{witness.url}/dashboard/agent/{query}")
    expect(field(witness.page)).to_be_visible()
    return witness.page


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Your question")


def ask(page: Page, question: str = QUESTION) -> None:
    field(page).fill(question)
    page.keyboard.press("Enter")


def is_over(page: Page) -> None:
    """The answer, however it ended, is there."""
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)


# --- An answer ------------------------------------------------------------------------------


def test_an_answer_arrives_sentence_by_sentence(page: Page, api: ScriptedApi) -> None:
    looking, writing = Hold(), Hold()
    api.answers["POST /agent/chat"] = stream(
        ("tool", BEGAN), looking, ("tool", ENDED), ("delta", {"text": FIRST}), writing, ("delta", {"text": SECOND})
    )
    ask(page)
    expect(page.get_by_role("main").get_by_text("Reading your metrics")).to_be_visible()
    looking.release()
    expect(page.get_by_role("main").get_by_text("Your refund ratio is 6.79%.").first).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    writing.release()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    assert api.bodies("POST /agent/chat") == [{"business_id": BUSINESS, "message": QUESTION}]
    expect(field(page)).to_be_focused()
    expect(field(page)).to_have_value("")


def test_an_answer_shows_what_it_rests_on(page: Page) -> None:
    ask(page)
    address = "/help/refunds-and-negative-balances/#what-lenders-see"
    for name in ("Source 1: Refunds and negative balances, What lenders see", "Refunds and negative balances: What"):
        expect(page.get_by_role("link", name=name)).to_have_attribute("href", address)
    expect(page.get_by_text("[refunds-and-negative-balances")).to_have_count(0)
    expect(page.get_by_text("without a language model")).to_be_visible()
    page.get_by_text("Show the data").click()
    expect(page.get_by_text("0.0679")).to_be_visible()
    expect(page.get_by_text("in 12 ms")).to_be_visible()


def test_who_stepped_in_is_told(page: Page, api: ScriptedApi) -> None:
    api.answers["POST /agent/chat"] = stream(
        ("delta", {"text": "The model began to say"}),
        ("restart", {}),
        ("delta", {"text": FIRST}),
        reply={**REPLY, "degraded": True},
    )
    ask(page)
    expect(page.get_by_text("The language model was not available.")).to_be_visible()
    expect(page.get_by_text("The model began to say")).to_have_count(0)


def test_a_question_leads_to_the_next_in_the_same_conversation(page: Page, api: ScriptedApi) -> None:
    ask(page)
    page.get_by_role("button", name="How do I lower it?").click()
    expect(page.get_by_role("heading", name="You asked")).to_have_count(2)
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    assert api.bodies("POST /agent/chat")[1] == {
        "business_id": BUSINESS,
        "message": "How do I lower it?",
        "conversation_id": KEPT,
    }
    assert f"conversation={KEPT}" in page.url


def test_an_answer_in_one_piece_will_do(page: Page, api: ScriptedApi) -> None:
    ways: tuple[Answer, ...] = (REPLY, Streamed((("unknown", REPLY),)))
    for asked, answer in enumerate(ways, start=1):
        api.answers["POST /agent/chat"] = answer
        ask(page)
        expect(page.get_by_text("without a language model")).to_have_count(asked)


# --- What can come between ------------------------------------------------------------------


def test_stopping_ends_the_work_and_keeps_the_words(page: Page, api: ScriptedApi) -> None:
    api.answers["POST /agent/chat"] = stream(("delta", {"text": FIRST}), Hold())
    ask(page)
    expect(page.get_by_text("Your refund ratio is 6.79%.").first).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped. This answer is not kept in the conversation.")).to_be_visible()
    expect(page.get_by_text("Your refund ratio is 6.79%.").first).to_be_visible()
    expect(field(page)).to_be_focused()
    page.wait_for_timeout(300)
    assert api.left == 1
    api.answers["POST /agent/chat"] = stream(("delta", {"text": FIRST}))
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_text("without a language model")).to_be_visible()
    expect(page.get_by_role("heading", name="You asked")).to_have_count(1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Refused(429, "RATE_LIMITED", "That was a lot.", {"Retry-After": "40"}), "You can ask again in 40 seconds."),
        (Refused(503, "UNAVAILABLE", "Come back later."), "Come back later."),
        (
            Streamed((("delta", {"text": FIRST}), ("error", {"error": {"code": "X", "message": "It failed."}}))),
            "It failed.",
        ),
        (Streamed((("delta", {"text": FIRST}),)), "The answer broke off before its end."),
    ],
    ids=["too many", "unavailable", "failed on the way", "broke off"],
)
def test_a_failure_says_why_and_can_be_asked_again(page: Page, api: ScriptedApi, answer: Any, said: str) -> None:
    api.answers["POST /agent/chat"] = answer
    ask(page)
    expect(page.get_by_role("alert")).to_contain_text(said)
    api.answers["POST /agent/chat"] = stream(("delta", {"text": FIRST}))
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_text("without a language model")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_offline_the_question_waits(page: Page) -> None:
    field(page).fill(QUESTION)
    page.context.set_offline(True)
    expect(page.get_by_text("Your question stays here")).to_be_visible()
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value(QUESTION)
    page.context.set_offline(False)
    expect(page.get_by_text("Your question stays here")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_text("without a language model")).to_be_visible()


def test_an_expired_session_returns_to_the_same_page(page: Page, api: ScriptedApi) -> None:
    api.answers["POST /agent/chat"] = Refused(401, "UNAUTHORIZED")
    ask(page)
    page.wait_for_url("**/auth/login/?next=%2Fdashboard%2Fagent%2F*&reason=expired")


def test_without_stripe_it_says_what_it_can_answer(page: Page, api: ScriptedApi) -> None:
    api.answers["GET /integrations/stripe/status"] = {"connected": False}
    page.reload()
    expect(page.get_by_text("Answers rest on the help articles")).to_be_visible()
    expect(page.get_by_role("link", name="Connect Stripe")).to_be_visible()


# --- The field ------------------------------------------------------------------------------


def test_shift_and_enter_begin_a_new_line(page: Page, api: ScriptedApi) -> None:
    field(page).fill("One")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    expect(field(page)).to_have_value("One\ntwo")
    page.keyboard.press("Enter")
    expect(page.get_by_text("without a language model")).to_be_visible()
    assert api.bodies("POST /agent/chat")[0]["message"] == "One\ntwo"


def test_a_question_has_a_longest_length(page: Page, api: ScriptedApi) -> None:
    field(page).fill("é" * 3_900)
    expect(page.get_by_text("100 characters left")).to_be_visible()
    field(page).fill("\N{SMILING FACE WITH OPEN MOUTH}" * 4_001)
    expect(page.get_by_text("at most 4,000 characters; this one has 4,001")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_disabled()
    assert api.bodies("POST /agent/chat") == []


def test_a_link_can_bring_a_question_that_is_not_sent(witness: Witness, api: ScriptedApi) -> None:
    opened(witness, "?ask=Why%20did%20it%20fall%3F")
    expect(field(witness.page)).to_have_value("Why did it fall?")
    assert "ask=" not in witness.page.url
    assert api.bodies("POST /agent/chat") == []


# --- Conversations --------------------------------------------------------------------------


def test_kept_conversations_are_opened_renamed_and_deleted(witness: Witness, api: ScriptedApi) -> None:
    one, other = conversation(KEPT, "Refunds"), conversation(OTHER, "Payouts")
    api.answers |= {
        "GET /agent/conversations": {"conversations": [one, other], "next_cursor": None},
        f"GET /agent/conversations/{KEPT}": kept(("user", "Is it high?"), ("assistant", "It is **6.79%**.")),
        f"PATCH /agent/conversations/{KEPT}": one,
        f"DELETE /agent/conversations/{KEPT}": {},
    }
    page = opened(witness)
    page.get_by_role("button", name="Refunds", exact=False).first.click()
    expect(page.get_by_text("Is it high?")).to_be_visible()
    expect(page.get_by_role("strong")).to_have_text("6.79%")
    page.get_by_role("button", name="Rename “Refunds”").click()
    page.get_by_role("textbox", name="Title").fill("My refunds")
    api.answers["GET /agent/conversations"] = {
        "conversations": [conversation(KEPT, "My refunds"), other],
        "next_cursor": None,
    }
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Rename “My refunds”")).to_be_focused()
    assert api.bodies(f"PATCH /agent/conversations/{KEPT}") == [{"title": "My refunds"}]
    page.get_by_role("button", name="Delete “My refunds”").click()
    api.answers["GET /agent/conversations"] = {"conversations": [other], "next_cursor": None}
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Delete “My refunds”")).to_have_count(0)
    expect(page.get_by_text("What would you like to know?")).to_be_visible()
    assert "conversation=" not in page.url
    assert len(api.bodies(f"DELETE /agent/conversations/{KEPT}")) == 1


def test_a_conversation_that_is_gone_makes_room_for_a_new_one(witness: Witness) -> None:
    opened(witness, f"?conversation={OTHER}")
    expect(witness.page.get_by_text("What would you like to know?")).to_be_visible()
    assert "conversation=" not in witness.page.url


def test_another_business_has_conversations_of_its_own(witness: Witness, api: ScriptedApi) -> None:
    me = api.answers["GET /auth/me"]
    assert isinstance(me, dict)
    me["businesses"].append({"id": OTHER, "name": "Fernhill Studio", "role": "viewer"})
    api.answers[f"GET /agent/conversations/{KEPT}"] = kept(("user", "Is it high?"), ("assistant", "Yes."))
    page = opened(witness, f"?business_id={BUSINESS}&ask=And%20now%3F")
    expect(field(page)).to_have_value("And now?")
    page.get_by_role("combobox").select_option("Fernhill Studio")
    expect(field(page)).to_have_value("")
    page = opened(witness, f"?business_id={BUSINESS}&conversation={KEPT}")
    expect(page.get_by_text("Is it high?")).to_be_visible()
    page.get_by_role("combobox").select_option("Fernhill Studio")
    expect(page.get_by_text("What would you like to know?")).to_be_visible()
    assert dict(httpx.URL(page.url).params) == {"business_id": OTHER}
    ask(page)
    is_over(page)
    assert api.bodies("POST /agent/chat")[-1] == {"business_id": OTHER, "message": QUESTION}


def test_a_history_that_cannot_be_loaded_is_asked_for_again(witness: Witness, api: ScriptedApi) -> None:
    api.answers[f"GET /agent/conversations/{KEPT}"] = Refused(400, "VALIDATION_ERROR")
    opened(witness, f"?conversation={KEPT}")
    expect(witness.page.get_by_role("alert")).to_contain_text("This conversation could not be loaded")
    api.answers[f"GET /agent/conversations/{KEPT}"] = kept(("user", "Is it high?"), ("assistant", "Yes."))
    witness.page.get_by_role("button", name="Try again").click()
    expect(witness.page.get_by_text("Is it high?")).to_be_visible()


# --- What a model may write -----------------------------------------------------------------


def test_whatever_a_model_writes_stays_text(witness: Witness, api: ScriptedApi) -> None:
    """RELIABILITY G8: no request, no dialog, no link and no image comes out of an answer."""
    markdown = [
        f"![a](https://{CANARY}/i.png)",
        f"[click](https://{CANARY}/) [x](javascript:alert(1)) <https://{CANARY}/auto> https://{CANARY}/bare",
        f"[ref]: https://{CANARY}/ref\n[ref]",
        f"<a href='https://{CANARY}/'>a</a>",
        f"| a |\n|---|\n| ![t](//{CANARY}/t.png) |",
        "[Source: //evil]",
    ]
    texts = [*markdown, *("\n\n".join(PAYLOADS[i : i + 25]) for i in range(0, len(PAYLOADS), 25))]
    page = opened(witness)
    for text in texts:
        api.answers["POST /agent/chat"] = stream(
            ("delta", {"text": text}),
            reply={
                **answered(text),
                "tool_calls": [{**CALL, "title": text, "result": {text: [text, {"deep": text}]}, "error": text}],
                "citations": [{**CITATION, "doc_id": f"//{CANARY}/", "title": text, "url": f"https://{CANARY}/"}],
                "suggestions": [text],
            },
        )
        ask(page, "Go on")
        is_over(page)
    for shown in page.get_by_text("Show the data").all():
        shown.click()
    page.wait_for_timeout(300)
    out = "main a:not([href^='/help/%2F%2Fcanary']), main img, main iframe, main script, main [onerror]"
    found = page.locator(out).evaluate_all("all => all.map(each => each.outerHTML)")
    print(f"\nG8: {len(texts)} answers, requests elsewhere {witness.elsewhere}, dialogs {witness.dialogs}")
    assert (found, witness.forbidden()) == ([], [])


# --- Without barriers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("colours", "size"),
    [
        pytest.param("light", WIDE, marks=pytest.mark.long),
        pytest.param("dark", WIDE, marks=pytest.mark.long),
        ("light", PHONE),
    ],
    ids=["light", "dark", "phone"],
)
def test_there_are_no_barriers(
    chromium: Browser, api: ScriptedApi, colours: Literal["light", "dark"], size: ViewportSize
) -> None:
    api.answers["GET /agent/conversations"] = {"conversations": [conversation(KEPT, "Refunds")], "next_cursor": None}
    context = api.visitor(chromium, size)
    witness = Witness.of(context, api.url)
    witness.in_colours(colours)
    page = opened(witness)
    if size is PHONE:
        page.get_by_role("button", name="Conversations").click()
        expect(page.get_by_role("button", name="New conversation")).to_be_visible()
        page.keyboard.press("Escape")
    ask(page)
    page.get_by_text("Show the data").click()
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]})
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    context.close()
    assert (json.dumps(found.response["violations"], indent=1), wide) == ("[]", 0)
