"""Show 4: every function as its own process from its own zip, pushed to by Google's Pub/Sub emulator.

`python -m tests.packages.pipeline`: an owner signs up and connects the CDNOW shop; its history is read while some
of its webhooks arrive, signed and twice. The metrics and the score have to be those of a direct reading of the shop's
file, and nothing may be given up on the way. Needs Java and gcloud's emulator.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from functools import partial
from importlib.resources import files
from io import BytesIO
from lzma import decompress
from pathlib import Path

import httpx
import uvicorn
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests import loopback
from tests.e2e.product import CLIENT_ID, SECRET_KEY, WEBHOOK_SECRET, Json, Owner, Product, computed_at, wait_until
from tests.oracle.oracle import answer, cdnow_objects, compare
from tests.packages.check import SETTINGS, Broken
from tests.packages.environments import end, install
from vaultra.adapters.pubsub import PubsubPublisher
from vaultra.db import engine as database
from vaultra.db import migrate
from vaultra.services import utc_now
from vaultra_local import catalogue, emulator, package, subscriptions
from vaultra_local.catalogue import Function
from vaultra_local.emulator import Emulator
from vaultra_local.gateway import Gateway
from vaultra_local.ports import free_port
from vaultra_local.postgres import EmbeddedPostgres, erase
from vaultra_local.scheduler import Scheduler, entries
from vaultra_local.site import Site
from vaultra_local.stripe_sim import cdnow, running_simulator, signed
from vaultra_local.stripe_sim.cdnow import FILE
from vaultra_local.stripe_sim.server import listening_socket
from vaultra_local.threaded import serving

PROJECT = "vaultra-packages"
START_SECONDS = 240.0
SCORE_SECONDS = 600.0
WEBHOOKS = 150
SECRETS = {
    "JWT_SECRET": "kQ7xV2mZ9rT4wL8pN3sD6fG1hJ5bC0yE-of-no-account",
    "SMTP_URL": "smtp://127.0.0.1:9",
    "STRIPE_SECRET_KEY": SECRET_KEY,
    "STRIPE_CONNECT_CLIENT_ID": CLIENT_ID,
    "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "TOKEN_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}


class Forward:
    """What the load balancer does: hands a request to the function's own address, as it came."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=120, trust_env=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = scope["path"] + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        body = await request.body()
        got = await self._client.request(request.method, path, headers=request.headers.raw, content=body)
        hop = {"content-length", "transfer-encoding", "connection", "content-encoding"}
        response = Response(got.content, got.status_code)
        response.raw_headers += [(name, value) for name, value in got.headers.raw if name.lower().decode() not in hop]
        await response(scope, receive, send)


class Deployed:
    """The functions as processes, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports: dict[str, int] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environments: dict[str, Path] = {}

    def install(self, function: Function) -> None:
        """Unpack the zip into an empty folder, and its requirements into an environment of nothing else."""
        home = self.folder / function.name
        zipfile.ZipFile(BytesIO(package.of_function(function).content)).extractall(home)
        text = (home / "requirements.txt").read_text()
        if text not in self._environments:
            place = self.folder / f"environment-{len(self._environments)}"
            self._environments[text] = install(home / "requirements.txt", place)

    def start(self, function: Function, variables: Mapping[str, str]) -> None:
        home, port = self.folder / function.name, free_port()
        venv = self._environments[(home / "requirements.txt").read_text()]
        command = [str(venv / "bin" / "functions-framework"), "--target", function.name]
        secrets = {name: SECRETS[name] for name in function.secrets if name in SECRETS}
        environment = {
            "PATH": f"{venv / 'bin'}:/usr/bin:/bin",
            "HOME": "/nonexistent",
            **SETTINGS,
            **variables,
            **secrets,
            "K_SERVICE": function.hyphenated,
            "POOL_SIZE": str(min(2, function.concurrency)),
            "TRUSTED_PROXIES": "0",
        }
        self.ports[function.name] = port
        with home.with_suffix(".log").open("wb") as log:
            self.processes[function.name] = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)],
                cwd=home,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def answers(self, function: Function) -> bool:
        if self.processes[function.name].poll() is not None:
            raise Broken(f"{function.name}: {self.log(function.name)[-2000:]}")
        try:
            found = loopback.get(f"http://127.0.0.1:{self.ports[function.name]}/health/ready", timeout=5)
        except httpx.HTTPError:
            return False
        return found.status_code == 200 and found.json()["function"] == function.name

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def calls(self, name: str) -> int:
        """How many requests and deliveries it handled, without those about its health."""
        return sum('"request.handled"' in line and "/health" not in line for line in self.log(name).splitlines())

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            end(process)


def pushing_to(functions: Iterable[Function], ports: Mapping[str, int]) -> list[subscriptions.Subscription]:
    """The catalogue's subscriptions, each to its function's own address."""
    wanted = subscriptions.from_catalogue(tuple(functions), "")
    return [replace(one, endpoint=f"http://127.0.0.1:{ports[one.endpoint.strip('/')]}/") for one in wanted]


def deliver(url: str, events: list[Json]) -> None:
    """Post some of the account's events, signed, each twice, in any order."""
    chance = random.Random(7)
    chosen = chance.sample(events, min(WEBHOOKS, len(events))) * 2
    chance.shuffle(chosen)
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        for event in chosen:
            body, headers = signed(event, WEBHOOK_SECRET, int(utc_now().timestamp()))
            client.post("/api/v1/webhooks/stripe", content=body, headers=headers).raise_for_status()


def run(every: int, folder: Path) -> list[str]:
    """The whole way once; gives what was wrong, a line each. `every` takes every so-manieth customer of the shop."""
    jar = emulator.find_jar()
    if jar is None:
        return ["Java or gcloud's Pub/Sub emulator is missing"]
    functions, today = catalogue.load(), utc_now().date()
    shop = cdnow(today, every=every)
    lines = decompress(files("vaultra_local").joinpath(FILE).read_bytes()).decode().splitlines()[1::every]
    objects = cdnow_objects(lines, today)
    deployed, edge = Deployed(folder), listening_socket()
    url = f"http://127.0.0.1:{edge.getsockname()[1]}"
    with ExitStack() as stack:
        stack.callback(erase, folder / "postgres")
        server = stack.enter_context(EmbeddedPostgres(folder / "postgres", durable=False))
        migrate.upgrade(server.url())
        broker = stack.enter_context(Emulator(jar))
        stripe = stack.enter_context(running_simulator([shop], secret_key=SECRET_KEY, client_id=CLIENT_ID))
        began = time.monotonic()
        for function in functions:
            deployed.install(function)
        print(f"{len(functions)} zips installed in {time.monotonic() - began:.0f} s", flush=True)
        variables = {
            "DATABASE_URL": server.url(),
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "LLM_PROVIDER": "embedded",
            "PUBLIC_API_URL": f"{url}/api/v1",
            "PUBSUB_EMULATOR_HOST": broker.host,
            "SITE_URL": url,
            "STRIPE_API_BASE": stripe.url,
            "STRIPE_CONNECT_BASE": stripe.url,
            "STRIPE_REQUESTS_PER_SECOND": "0",
            "VAULTRA_ENVIRONMENT": "test",
        }
        stack.callback(deployed.stop)
        for function in functions:
            deployed.start(function, variables)
        for function in functions:
            wait_until(partial(deployed.answers, function), START_SECONDS, function.name)
        print(f"{len(functions)} processes answer", flush=True)
        emulator.create(broker.host, PROJECT, pushing_to(functions, deployed.ports))
        apps = {path: Forward(f"http://127.0.0.1:{deployed.ports[f.name]}") for f in functions for path in f.paths}
        app = uvicorn.Config(Gateway(apps, Site(folder / "no-site")), log_level="warning", lifespan="off")
        stack.enter_context(serving(uvicorn.Server(app), edge, "edge"))
        stack.enter_context(emulated(broker.host))
        clock = Scheduler(entries(functions), PubsubPublisher(PROJECT), utc_now, folder / "scheduler.json")
        product = Product(url, deployed.processes["auth_api"], folder / "auth_api.log", folder)
        owner = Owner.sign_up(product)
        began = time.monotonic()
        owner.connect(shop.id)
        deliver(url, list(shop.events()))
        wrong: list[str] = ["no score yet"]
        # Until the schedule's tick went through, too: at the next full minute.
        while (wrong or not deployed.calls("dispatch")) and time.monotonic() - began < SCORE_SECONDS:
            clock.fire_due()
            time.sleep(1)
            if owner.history_is_read():
                wrong = differences(owner, objects)
        seconds = time.monotonic() - began
        if not wrong:
            readiness = owner.readiness()
            print(f"the score is {readiness['score']}, as read from the file directly; {seconds:.0f} s", flush=True)
            if every == 1 and readiness["score"] != 80:
                wrong.append(f"the score is {readiness['score']}, not 80")
        given_up = letters(server.url())
        calls = Counter({name: deployed.calls(name) for name in deployed.processes})
        print("calls: " + ", ".join(f"{name} {count}" for name, count in calls.most_common() if count), flush=True)
    return wrong + [f"{count} messages to {name} were given up" for name, count in given_up.items()]


def differences(owner: Owner, objects: Json) -> list[str]:
    """Where the product's answers and those of a direct reading differ."""
    metrics, readiness = owner.metrics(), owner.readiness()
    return compare(answer(objects, computed_at(metrics), usd_reference={"usd": Fraction(1)}), metrics, readiness)


def letters(url: str) -> dict[str, int]:
    """Dead letters by topic."""
    engine = database.create(url, pool_size=1)
    with engine.connect() as conn:
        found = conn.execute(text("select topic, count(*) from dead_letters group by topic")).all()
    engine.dispose()
    return dict(found)


@contextmanager
def emulated(host: str) -> Iterator[None]:
    """This process's own publisher speaks to the emulator, too: it is the schedule."""
    before = os.environ.get("PUBSUB_EMULATOR_HOST")
    os.environ["PUBSUB_EMULATOR_HOST"] = host
    yield
    if before is None:
        del os.environ["PUBSUB_EMULATOR_HOST"]
    else:
        os.environ["PUBSUB_EMULATOR_HOST"] = before


def main(argv: list[str]) -> int:
    """The command; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="every so-manieth customer of the shop; else all")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="vaultra-pipeline-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, the database runs as another user, who must get in
        wrong = run(options.every, folder)
    print("\n".join(wrong[:20]) if wrong else "every function from its zip, pushed to by the emulator: all well")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
