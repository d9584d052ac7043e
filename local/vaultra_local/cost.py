"""What a month costs: `python -m vaultra_local.cost` prints the table of docs/COST.md.

Sizes, concurrency and schedules are the catalogue's; the rest is a price, a measurement or an assumption.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import yaml

from vaultra_local import catalogue

MONTH_SECONDS = 2_628_000
MONTH_HOURS = 730

# Prices in US dollars, us-central1, read in 2026; sources in docs/COST.md.
VCPU_SECOND, GIB_SECOND = 0.000024, 0.0000025
IDLE_VCPU_SECOND = 0.0000025
FREE_VCPU_SECONDS, FREE_GIB_SECONDS = 180_000, 360_000
REQUESTS_MILLION, FREE_REQUESTS = 0.40, 2_000_000
SQL_VCPU_HOUR, SQL_GB_HOUR, SQL_SSD_GB, SQL_BACKUP_GB = 0.0413, 0.007, 0.17, 0.08
PUBSUB_TIB, FREE_PUBSUB_GIB = 40.0, 10
LOG_GIB, FREE_LOG_GIB = 0.50, 50
LB_MONTH, LB_GIB, EGRESS_GIB, ARMOR_MONTH, ARMOR_MILLION = 18.25, 0.016, 0.12, 8.0, 0.75
CDN_GIB = 0.08
SPANS_MILLION, FREE_SPANS = 0.20, 2_500_000
SECRET, ALERT_CONDITION, SCHEDULER_JOB, REGISTRY = 0.06, 1.50, 0.10, 2.0

# An instance is half used: requests don't come evenly.
USED = 0.5
KIB_PER_MESSAGE = 2.0  # billed at least 1 KiB when published, and again when delivered
KIB_PER_LOG_LINE = 1.5  # ours and Cloud Run's own
KIB_PER_ANSWER = 4.0
SITE_MIB_PER_BUSINESS = 10.0
ALERT_CONDITIONS = 24
TRACES_KEPT = 0.1  # traces_share of terraform/variables.tf


@dataclass(frozen=True)
class Work:
    """What one business makes a function do in a month: `calls`, each of so many `seconds` of a slot."""

    function: str
    calls: float
    seconds: float


# 15-minute runs are 11 requests to Stripe at 0.2 s (assumed); metrics 0.37 s for 60 businesses (measured), and what
# follows from them as much; webhooks, API calls, mails and questions are assumed.
WORK = (
    Work("stripe_sync", 4 * MONTH_HOURS, 11 * 0.2),
    Work("stripe_webhook", 300, 0.02),
    Work("apply_stripe_event", 300, 0.05),
    Work("compute_metrics", MONTH_HOURS, 0.37 / 60),
    Work("compute_readiness", MONTH_HOURS, 0.37 / 60),
    Work("generate_recommendations", MONTH_HOURS, 0.37 / 60),
    Work("metrics_api", 200, 0.02),
    Work("send_mail", 30, 0.5),
    Work("agent_api", 10, 8.0),
    Work("mcp", 5, 0.2),
)
# Handled by the page of 500 businesses, so that a call's message and log line are shared by as many.
IN_PAGES = {"compute_metrics", "compute_readiness", "generate_recommendations"}
PAGE = 500


@dataclass(frozen=True)
class Database:
    """A Cloud SQL instance with its standby; memory in GB, disk in GB."""

    vcpus: int
    memory: float
    disk: int


SIZES = {1_000: Database(2, 7.5, 50), 10_000: Database(4, 15, 200), 100_000: Database(16, 60, 1500)}


def lines(businesses: int, database: Database) -> dict[str, float]:
    """Dollars a month by what they are for."""
    entries = yaml.safe_load(catalogue.CATALOGUE.read_text())
    calls = sum(businesses * work.calls / (PAGE if work.function in IN_PAGES else 1) for work in WORK)
    vcpu_seconds = gib_seconds = 0.0
    for work in WORK:
        busy = businesses * work.calls * work.seconds / (USED * entries[work.function]["concurrency"])
        vcpu_seconds += busy
        gib_seconds += busy * _gib(entries[work.function])
    warm = [_gib(entry) for entry in entries.values() if entry["size"]["min_instances"]]
    messages = sum(businesses * work.calls for work in WORK if "topic" in entries[work.function]["trigger"])
    public = sum(businesses * work.calls for work in WORK if "http" in entries[work.function]["trigger"])
    spans = TRACES_KEPT * sum(businesses * work.calls for work in WORK if "trace" in entries[work.function]["uses"])
    secrets = {secret for entry in entries.values() for secret in entry.get("secrets", ())}
    jobs = sum(len(entry.get("schedule", ())) for entry in entries.values())
    return {
        "functions at work": max(0.0, vcpu_seconds - FREE_VCPU_SECONDS) * VCPU_SECOND
        + max(0.0, gib_seconds - FREE_GIB_SECONDS) * GIB_SECOND
        + max(0.0, calls - FREE_REQUESTS) / 1e6 * REQUESTS_MILLION,
        "functions kept warm": sum(2 * MONTH_SECONDS * (IDLE_VCPU_SECOND + gib * GIB_SECOND) for gib in warm),
        "database, with standby": (
            (database.vcpus * SQL_VCPU_HOUR + database.memory * SQL_GB_HOUR) * MONTH_HOURS + database.disk * SQL_SSD_GB
        )
        * 2
        + database.disk * SQL_BACKUP_GB,
        "load balancer, firewall": LB_MONTH
        + ARMOR_MONTH
        + public / 1e6 * ARMOR_MILLION
        + public * KIB_PER_ANSWER / 2**20 * (LB_GIB + EGRESS_GIB),
        "site": businesses * SITE_MIB_PER_BUSINESS / 2**10 * CDN_GIB,
        "messages": max(0.0, messages * KIB_PER_MESSAGE / 2**20 - FREE_PUBSUB_GIB) / 2**10 * PUBSUB_TIB,
        "logs": max(0.0, calls * KIB_PER_LOG_LINE / 2**20 - FREE_LOG_GIB) * LOG_GIB,
        "traces": max(0.0, spans - FREE_SPANS) / 1e6 * SPANS_MILLION,
        "alarms, secrets, schedule": ALERT_CONDITIONS * ALERT_CONDITION
        + len(secrets) * SECRET
        + jobs * SCHEDULER_JOB
        + REGISTRY,
    }


def instances_at_work(businesses: int) -> float:
    """How many instances of stripe_sync work at once, so that every account is read every 15 minutes."""
    [sync] = [work for work in WORK if work.function == "stripe_sync"]
    concurrency = yaml.safe_load(catalogue.CATALOGUE.read_text())[sync.function]["concurrency"]
    return businesses * sync.calls * sync.seconds / MONTH_SECONDS / concurrency


def table(sizes: Iterable[tuple[int, Database]]) -> str:
    """The table, in Markdown."""
    columns = {businesses: lines(businesses, database) for businesses, database in sizes}
    rows = [
        "| US dollars a month | " + " | ".join(f"{businesses:,} businesses" for businesses in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    rows += [
        f"| {name} | " + " | ".join(f"{column[name]:,.0f}" for column in columns.values()) + " |"
        for name in next(iter(columns.values()))
    ]
    totals = {businesses: sum(column.values()) for businesses, column in columns.items()}
    rows.append("| **all** | " + " | ".join(f"**{total:,.0f}**" for total in totals.values()) + " |")
    rows.append(
        "| a business | " + " | ".join(f"{total / businesses:.3f}" for businesses, total in totals.items()) + " |"
    )
    rows.append(
        "| instances of `stripe_sync` at work | " + " | ".join(f"{instances_at_work(b):.1f}" for b in columns) + " |"
    )
    return "\n".join(rows)


def _gib(entry: dict[str, dict[str, str]]) -> float:
    amount = entry["size"]["memory"]
    return float(amount.removesuffix("Mi")) / 1024 if amount.endswith("Mi") else float(amount.removesuffix("Gi"))


if __name__ == "__main__":
    print(table(SIZES.items()))
