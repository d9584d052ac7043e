"""Whether a release works, asked from outside: `python -m vaultra_local.smoke functions|site OUTPUTS`.

OUTPUTS is what `terraform output -json` wrote. Every question is asked again until its answer is right or time is up:
a first instance takes seconds to start, a new route at the load balancer minutes to arrive.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from vaultra_local import catalogue
from vaultra_local.catalogue import Function
from vaultra_local.site import SECURITY

PATIENCE_SECONDS = 300.0
PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Question:
    """A request, and what is wrong with its answer (None: nothing)."""

    about: str
    url: str
    judge: Callable[[httpx.Response], str | None]


def of_functions(functions: Iterable[Function], site_url: str, api_url: str) -> list[Question]:
    """Every HTTP function reaches the database, on both hosts; an unknown address is refused in JSON."""
    questions = [
        Question(f"{function.name} on {host}", f"{host}{function.paths[0]}/health/ready", _is_ready(function.name))
        for function in functions
        if function.is_http
        for host in (site_url, api_url)
    ]
    return [*questions, Question("no such address", f"{api_url}/no/such/thing", _is_refused)]


def of_site(site_url: str) -> list[Question]:
    """The pages come with their headers, the API's description as JSON, and plain HTTP leads to HTTPS."""
    questions = [
        Question("the first page", f"{site_url}/", _is_page),
        Question("the API's description", f"{site_url}/api/v1/openapi.json", _is_openapi),
        Question("no such page", f"{site_url}/no/such/page/", _is_missing_page),
    ]
    if site_url.startswith("https://"):
        plain = site_url.replace("https://", "http://", 1)
        questions.append(Question("plain HTTP", f"{plain}/", _leads_to(f"{site_url}/")))
    return questions


def ask(
    client: httpx.Client, questions: Sequence[Question], patience_seconds: float, pause_seconds: float = PAUSE_SECONDS
) -> list[str]:
    """Ask until everything is right or time is up; gives what is still wrong, a line each."""
    deadline = time.monotonic() + patience_seconds
    while True:
        wrong = [(question, trouble) for question in questions if (trouble := _ask(client, question)) is not None]
        questions = [question for question, _ in wrong]
        if not wrong or time.monotonic() >= deadline:
            return [f"{question.about}: {trouble} ({question.url})" for question, trouble in wrong]
        time.sleep(pause_seconds)


def _ask(client: httpx.Client, question: Question) -> str | None:
    try:
        return question.judge(client.get(question.url))
    except httpx.HTTPError as error:
        return type(error).__name__


def _is_ready(name: str) -> Callable[[httpx.Response], str | None]:
    def judge(answer: httpx.Response) -> str | None:
        if answer.status_code != 200:
            return f"answers {answer.status_code}"
        found = _json(answer).get("function")
        return None if found == name else f"{found} answers"

    return judge


def _is_refused(answer: httpx.Response) -> str | None:
    error = _json(answer).get("error")
    right = answer.status_code == 404 and isinstance(error, dict) and error.get("code") == "NOT_FOUND"
    return None if right else f"answers {answer.status_code}"


def _is_page(answer: httpx.Response) -> str | None:
    if answer.status_code != 200 or "text/html" not in answer.headers.get("content-type", ""):
        return f"answers {answer.status_code} {answer.headers.get('content-type', '')}"
    lacking = [name for name, value in SECURITY.items() if answer.headers.get(name) != value]
    return f"lacks {', '.join(lacking)}" if lacking else None


def _is_missing_page(answer: httpx.Response) -> str | None:
    right = answer.status_code == 404 and "text/html" in answer.headers.get("content-type", "")
    return None if right else f"answers {answer.status_code}"


def _is_openapi(answer: httpx.Response) -> str | None:
    return None if answer.status_code == 200 and "openapi" in _json(answer) else f"answers {answer.status_code}"


def _leads_to(url: str) -> Callable[[httpx.Response], str | None]:
    def judge(answer: httpx.Response) -> str | None:
        right = answer.status_code == 301 and answer.headers.get("location") == url
        return None if right else f"answers {answer.status_code} to {answer.headers.get('location')}"

    return judge


def _json(answer: httpx.Response) -> dict[str, object]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def main(argv: Sequence[str] | None = None) -> int:
    """The command; gives the exit status."""
    parser = argparse.ArgumentParser(description="Ask a release whether it works.")
    parser.add_argument("what", choices=["functions", "site"])
    parser.add_argument("outputs", type=Path, help="what `terraform output -json` wrote")
    parser.add_argument("--patience", type=float, default=PATIENCE_SECONDS, metavar="SECONDS")
    options = parser.parse_args(argv)
    outputs = {name: output["value"] for name, output in json.loads(options.outputs.read_text()).items()}
    if options.what == "functions":
        questions = of_functions(catalogue.load(), outputs["site_url"], outputs["api_url"])
    else:
        questions = of_site(outputs["site_url"])
    with httpx.Client(timeout=20, trust_env=False) as client:
        wrong = ask(client, questions, options.patience)
    print("\n".join(wrong) if wrong else f"{len(questions)} questions, every answer right")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
