"""The metrics page in a browser, against an API that says what a test lets it say."""

import datetime as dt
import json
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.e2e.browsers import needs_browser
from tests.e2e.lived_in import PHONE, WIDE, Witness
from tests.e2e.scripted_api import BUSINESS, Asked, File, Json, Refused, ScriptedApi
from vaultra.domain.metrics import METRICS
from vaultra.domain.wording import day_in_words
from vaultra.services import utc_now

pytestmark = needs_browser

TODAY = utc_now().date()
PERIODS = 24


def ago(days: int) -> str:
    return (TODAY - dt.timedelta(days=days)).isoformat()


def shown(days: int) -> str:
    """A day as the page writes it."""
    return day_in_words(TODAY - dt.timedelta(days=days))


def period(index: int) -> Json:
    """A full 30-day period; number 0 ended yesterday. Revenue falls by 100 from one to the next."""
    return {
        "period_start": ago(30 * index + 30),
        "period_end": ago(30 * index + 1),
        "revenue_total": 10_000 + 100 * index,
        "net_volume": 9_000 + 100 * index,
        "transaction_count": 200,
        "chargeback_count": 3 if index == 2 else 0,
        "fraud_warnings": 0,
    }


def figures(days: int = 0, **changed: Any) -> Json:
    """A snapshot's numbers: that of so many days ago."""
    unknown = {metric.key: 1 if metric.unit not in ("trend", "state") else "stable" for metric in METRICS}
    seeds = {"revenue_total": 9_950 + days, "chargeback_ratio": 0.012, "mrr": None, "payout_reliability": 0.9}
    return {
        **unknown,
        **seeds,
        **changed,
        "period_start": ago(days + 29),
        "period_end": ago(days),
        "currency": "usd",
        "details": {},
        "computed_at": f"{ago(days)}T08:00:00Z",
    }


def metrics(periods: int = PERIODS, **changed: Any) -> Json:
    """The latest metrics."""
    details = {
        "samples": {"revenue_total": 221},
        "low_sample": ["chargeback_ratio"],
        "not_measured": {"mrr": "there never was a subscription"},
        "buckets": [period(index) for index in reversed(range(periods))],
    }
    return {**figures(**changed), "business_id": BUSINESS, "details": details, "stale": False}


def past(*days: int) -> Asked:
    """A history that was computed so many days ago; whoever asks for other days gets nothing."""

    def answer(asked: Json) -> Json:
        found = [figures(each) for each in days if asked["start_date"] <= ago(each) <= asked["end_date"]]
        return {"metrics": found}

    return answer


@pytest.fixture
def api(api: ScriptedApi) -> ScriptedApi:
    """An owner of a business that has been here for three days, with two years at Stripe."""
    words = ("key", "label", "unit", "meaning", "formula", "source", "low_sample_below")
    api.answers |= {
        "GET /integrations/stripe/status": {"connected": True, "account_id": "acct_1", "livemode": False},
        "GET /metrics": metrics(),
        "GET /metrics/definitions": {"metrics": [{word: getattr(one, word) for word in words} for one in METRICS]},
        "GET /metrics/history": past(2, 1, 0),
        "GET /metrics/export": File("period_start,revenue_total\r\n2026-10-22,99.50\r\n", "text/csv"),
        "GET /readiness/history": {
            "scores": [{"score": 70 + i, "tier": "improving", "created_at": f"{ago(i)}T08:00:00Z"} for i in range(3)]
        },
    }
    return api


def opened(witness: Witness, query: str = "") -> Page:
    """The page, once it shows all it has."""
    witness.page.goto(f"{witness.url}/dashboard/metrics/{query}")
    expect(witness.page.get_by_role("heading", name="All metrics")).to_be_visible()
    return witness.page


def chart(page: Page) -> Locator:
    return page.get_by_role("slider")


def rows(page: Page) -> list[list[str]]:
    """The table's cells, newest first."""
    expect(page.locator("tbody tr").first).to_be_visible()
    return [row.locator("th, td").all_inner_texts() for row in page.locator("tbody tr").all()]


# --- The chart ------------------------------------------------------------------------------


def test_the_line_begins_with_the_periods_before_the_first_day(witness: Witness) -> None:
    page = opened(witness, "?view=table")
    assert rows(page) == [
        [f"{shown(0)}\nnot over yet", "$9,950.00", ""],
        [shown(1), "$9,951.00", ""],
        [shown(2), "$9,952.00", ""],
        [shown(31), "$10,100.00", ""],
        [shown(61), "$10,200.00", "3 disputes"],
        *([shown(1 + 30 * n), f"${10_000 + 100 * n:,}.00", ""] for n in range(3, 12)),
    ]


def test_the_keyboard_goes_from_point_to_point(witness: Witness) -> None:
    page = opened(witness)
    expect(page.locator(".recharts-area-curve")).to_be_visible()
    chart(page).focus()
    now = f"{shown(0)}: $9,950.00; 12 months before, $11,200.00"
    expect(chart(page)).to_have_attribute("aria-valuetext", now)
    page.keyboard.press("ArrowLeft")
    expect(chart(page)).to_have_attribute("aria-valuetext", f"{shown(1)}: $9,951.00; 12 months before, $11,200.00")
    expect(page.get_by_text("$9,951.00", exact=True)).to_be_visible()
    expect(page.get_by_text(f"as of {shown(1)}")).to_be_visible()
    page.keyboard.press("Home")
    expect(page.get_by_text(f"as of {shown(331)}")).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_text(f"as of {shown(0)}, not over yet")).to_be_visible()


def test_the_crosshair_tells_both_values(witness: Witness) -> None:
    page = opened(witness, "?days=180")
    expect(page.locator(".recharts-area-curve")).to_be_visible()
    box = chart(page).bounding_box()
    assert box is not None
    # The middle of the range, where the nearest period ended 91 days ago.
    page.mouse.move(box["x"] + 60 + (box["width"] - 80) / 2, box["y"] + 100)
    expect(page.get_by_text(f"as of {shown(91)}")).to_be_visible()
    expect(page.get_by_text(f"−5.5% from $10,900.00 on {shown(271)}")).to_be_visible()
    page.mouse.move(10, 10)
    expect(page.get_by_text(f"as of {shown(0)}, not over yet")).to_be_visible()


def test_what_is_not_over_is_dashed_and_the_range_before_is_a_ghost(witness: Witness) -> None:
    page = opened(witness, "?days=180")
    expect(page.locator(".recharts-area-curve")).to_be_visible()
    lines = page.locator(".recharts-line-curve")
    dashes = lines.evaluate_all("all => all.map(line => line.getAttribute('stroke-dasharray'))")
    assert dashes == ["5 4", "3 4"]
    for words in ("These 6 months", "The 6 months before", "Not over yet", "Disputes"):
        expect(page.get_by_text(words, exact=True)).to_be_visible()


def test_thresholds_of_the_score_are_drawn_and_told(witness: Witness) -> None:
    page = opened(witness, "?metric=chargeback_ratio")
    expect(page.locator(".recharts-label")).to_have_text(["0.5%", "2%"])
    expect(page.get_by_text("below 0.5%: +5 points; 0.5% to 2%: 0 points; above 2%: −15 points")).to_be_visible()


def test_a_day_without_figures_breaks_the_line(witness: Witness, api: ScriptedApi) -> None:
    api.answers["GET /metrics/history"] = past(9, 8, 1, 0)
    page = opened(witness)
    expect(page.get_by_text(f"No figures for 6 days between {shown(8)} and {shown(1)}")).to_be_visible()
    expect(page.locator(".recharts-reference-area")).to_be_visible()


def test_the_score_is_a_metric_of_the_page(witness: Witness) -> None:
    page = opened(witness, "?metric=readiness&days=30&view=table")
    assert [row[1] for row in rows(page)] == ["70", "71", "72"]


# --- The address ----------------------------------------------------------------------------


def test_the_address_keeps_what_is_shown(witness: Witness, api: ScriptedApi) -> None:
    page = opened(witness)
    page.get_by_role("button", name="24 months").click()
    page.get_by_role("button", name="Month", exact=True).click()
    page.get_by_label("Metric", exact=True).select_option("Net volume")
    page.get_by_role("button", name="Table").click()
    kept = {"metric": "net_volume", "days": "720", "by": "month", "view": "table"}
    assert dict(httpx.URL(page.url).params) == kept
    page.reload()
    expect(page.get_by_role("heading", name="Net volume")).to_be_visible()
    assert len(rows(page)) == PERIODS - 1 + 3
    expect(page.get_by_role("button", name="Day", exact=True)).to_be_disabled()
    assert {asked["granularity"] for asked in api.bodies("GET /metrics/history")[-2:]} == {"month"}


def test_a_name_in_the_list_brings_its_chart(witness: Witness) -> None:
    page = opened(witness)
    page.get_by_role("button", name="Charges", exact=True).click()
    expect(page.get_by_role("heading", name="Charges")).to_be_visible()
    expect(page.get_by_role("heading", name="Charges")).to_be_in_viewport()
    assert "metric=transaction_count" in page.url


def test_the_file_holds_what_is_shown(witness: Witness, api: ScriptedApi) -> None:
    page = opened(witness, "?days=90&by=week")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV of all metrics").click()
    assert download.value.suggested_filename == f"metrics-{ago(90)}-{ago(0)}.csv"
    assert Path(download.value.path()).read_text(encoding="utf-8").startswith("period_start,revenue_total")
    asked = {"start_date": ago(90), "end_date": ago(0), "granularity": "week", "format": "csv"}
    assert api.bodies("GET /metrics/export") == [{"business_id": BUSINESS, **asked}]
    api.answers["GET /metrics/export"] = Refused(503, "UNAVAILABLE")
    page.get_by_role("button", name="CSV of all metrics").click()
    expect(page.get_by_text("The file could not be made.")).to_be_visible()


# --- The list -------------------------------------------------------------------------------


def test_every_metric_has_its_value_or_the_reason_why_not(witness: Witness) -> None:
    page = opened(witness)
    expect(page.get_by_text(f"{len(METRICS) - 1} of {len(METRICS)} are measured.")).to_be_visible()
    revenue, mrr, ratio = (
        page.get_by_role("listitem").filter(has=page.get_by_role("button", name=name, exact=True))
        for name in ("Revenue", "Monthly recurring revenue", "Chargeback ratio")
    )
    expect(revenue).to_contain_text("Sample 221")
    expect(mrr).to_contain_text("Not measured: there never was a subscription.")
    expect(ratio.locator(".tag")).to_have_text("Few data")


def test_a_definition_opens_beside_its_name(witness: Witness) -> None:
    page = opened(witness)
    page.get_by_role("button", name="About Chargeback ratio").click()
    about = page.get_by_role("dialog", name="Chargeback ratio")
    expect(about).to_contain_text("Chargebacks ÷ charges, by count.")
    page.keyboard.press("Escape")
    expect(about).to_be_hidden()
    expect(page.get_by_role("button", name="About Chargeback ratio")).to_be_focused()


# --- States ---------------------------------------------------------------------------------


def test_before_there_is_enough_it_says_what_is_missing(witness: Witness, api: ScriptedApi) -> None:
    api.answers["GET /metrics"] = metrics(periods=0)
    api.answers["GET /metrics/history"] = past(0)
    page = opened(witness, "?metric=payout_reliability")
    expect(page.get_by_text("One figure so far, so there is no line yet.")).to_be_visible()
    expect(page.get_by_text("90%", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Monthly recurring revenue", exact=True).click()
    expect(page.get_by_text("There never was a subscription.", exact=True)).to_be_visible()


def test_without_metrics_there_is_one_thing_to_do(witness: Witness, api: ScriptedApi) -> None:
    api.answers |= {
        "GET /metrics": Refused(404, "NO_DATA"),
        "GET /integrations/stripe/status": {"connected": False},
    }
    witness.page.goto(f"{witness.url}/dashboard/metrics/")
    connect = witness.page.get_by_role("main").get_by_role("link", name="Connect Stripe")
    expect(connect).to_have_attribute("href", f"/onboarding/stripe-connect/?business_id={BUSINESS}")
    api.answers["GET /integrations/stripe/status"] = {
        "connected": True,
        "sync": {"phase": "recent", "percent": 35, "objects": 4210, "started_at": f"{ago(0)}T08:00:00Z"},
    }
    witness.page.reload()
    expect(witness.page.get_by_text("4,210 objects read, 35%")).to_be_visible()


def test_an_error_says_so_and_is_tried_again(witness: Witness, api: ScriptedApi) -> None:
    api.answers["GET /metrics"] = Refused(403, "FORBIDDEN")
    witness.page.goto(f"{witness.url}/dashboard/metrics/")
    expect(witness.page.get_by_role("alert")).to_contain_text("Your metrics could not be loaded")
    api.answers["GET /metrics"] = metrics()
    witness.page.get_by_role("button", name="Try again").click()
    expect(witness.page.get_by_role("heading", name="All metrics")).to_be_visible()


def test_an_error_later_keeps_what_was_read(witness: Witness, api: ScriptedApi) -> None:
    witness.page.clock.install()
    page = opened(witness)
    expect(page.get_by_text("Stripe test mode")).to_be_visible()
    api.answers["GET /metrics"] = Refused(403, "FORBIDDEN")
    page.clock.run_for(31_000)
    expect(page.get_by_role("alert")).to_contain_text("could not be refreshed")
    expect(page.get_by_role("alert")).to_contain_text("as of")
    expect(page.get_by_text("$9,950.00").first).to_be_visible()
    api.answers["GET /metrics/history"] = Refused(403, "FORBIDDEN")
    page.get_by_role("button", name="30 days").click()
    expect(page.get_by_text("The history could not be")).to_be_visible()


def test_a_lost_connection_to_stripe_is_told_beside_the_last_figures(witness: Witness, api: ScriptedApi) -> None:
    api.answers["GET /integrations/stripe/status"] = {"connected": False, "error": "Access was taken back."}
    page = opened(witness)
    expect(page.get_by_text("Access was taken back.")).to_be_visible()
    expect(page.get_by_text("These are the last figures")).to_be_visible()


# --- Without barriers -----------------------------------------------------------------------

ALL = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}


@pytest.mark.parametrize(
    ("query", "colours", "size", "rules"),
    [
        ("?metric=chargeback_ratio", "light", WIDE, ALL),
        pytest.param("?view=table", "dark", WIDE, OF_COLOURS, marks=pytest.mark.long),
        pytest.param("?metric=chargeback_ratio", "dark", PHONE, OF_COLOURS, marks=pytest.mark.long),
        pytest.param("?view=table", "light", PHONE, ALL, marks=pytest.mark.long),
    ],
    ids=["light", "dark table", "dark phone", "phone table"],
)
def test_there_are_no_barriers(
    chromium: Browser,
    api: ScriptedApi,
    query: str,
    colours: Literal["light", "dark"],
    size: ViewportSize,
    rules: dict[str, object],
) -> None:
    context = api.visitor(chromium, size)
    witness = Witness.of(context, api.url)
    witness.in_colours(colours)
    page = opened(witness, query)
    expect(page.locator(".recharts-area-curve, table").first).to_be_visible()
    page.get_by_role("button", name="About Payers").click()
    found = Axe().run(page, options={"runOnly": rules}).response["violations"]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    context.close()
    assert (json.dumps(found, indent=1), wide) == ("[]", 0)
