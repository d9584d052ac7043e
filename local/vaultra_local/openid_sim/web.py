"""The provider over HTTP: discovery, the page, the token endpoint, the control API."""

import base64
import hmac
import html
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vaultra_local.openid_sim.issuer import BadRequest, Json, OpenidSim, Person
from vaultra_local.pages import Choice, choice_form, page, send_back

NOTE = "<b>Sign-in simulator: this is not Google.</b> It runs on this machine; these people are made up."


def application(sim: OpenidSim) -> Starlette:
    """The whole provider as an ASGI application."""

    async def discovery(_request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": sim.url,
                "authorization_endpoint": f"{sim.url}/authorize",
                "token_endpoint": f"{sim.url}/token",
                "jwks_uri": f"{sim.url}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def jwks(_request: Request) -> Response:
        return JSONResponse(sim.jwks())

    async def authorize(request: Request) -> Response:
        form = await _form(request)
        asked: Json = {**request.query_params, **form}
        trouble = _trouble(sim, asked)
        if trouble is not None:
            return _refuse(trouble)
        subject = form.get("person") or request.query_params.get("sim_person")
        decision = form.get("decision") or request.query_params.get("sim_decision")
        back = {"state": asked["state"]} if "state" in asked else {}
        if decision == "deny":
            return send_back(asked["redirect_uri"], {"error": "access_denied", **back})
        if subject is None:
            return _ask(sim, dict(request.query_params))
        try:
            return send_back(asked["redirect_uri"], {"code": sim.new_code(asked, subject), **back})
        except BadRequest as error:
            return _refuse(str(error))

    async def token(request: Request) -> Response:
        form = await _form(request)
        if not _is_client(sim, request, form):
            return JSONResponse({"error": "invalid_client", "error_description": "Unauthorized"}, 401)
        if form.get("grant_type") != "authorization_code":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        given = (form.get("code", ""), form.get("redirect_uri", ""), form.get("code_verifier", ""))
        answer = sim.redeem(*given)
        if answer is None:
            return JSONResponse({"error": "invalid_grant", "error_description": f"Bad code: {given[0]}"}, 400)
        return JSONResponse(answer)

    async def control(request: Request) -> Response:
        try:
            body: Json = json.loads(await request.body())
            match request.path_params["what"]:
                case "people":
                    sim.add(Person(**body))
                case "next-token":
                    sim.next_token(**body)
                case "answering":
                    sim.answering = bool(body["answering"])
                case _:
                    raise BadRequest("There is no such control")
        except (ValueError, TypeError, KeyError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"people": [asdict(person) for person in sim.people.values()]})

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def unless_silent(answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def guarded(request: Request) -> Response:
            answered: Response = await answer(request) if sim.answering else Response(status_code=503)
            return answered

        return guarded

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", unless_silent(discovery)),
            Route("/authorize", unless_silent(authorize), methods=["GET", "POST"]),
            Route("/token", unless_silent(token), methods=["POST"]),
            Route("/jwks", unless_silent(jwks)),
            Route("/_sim/health", health),
            Route("/_sim/{what}", control, methods=["POST"]),
        ]
    )


def _trouble(sim: OpenidSim, asked: Json) -> str | None:
    """Why there is no sense in asking anybody; None when there is."""
    if asked.get("client_id") != sim.client_id:
        return f"No application matches the client id '{asked.get('client_id', '')}'."
    if not asked.get("redirect_uri", "").startswith(("http://", "https://")):
        return "The link misses a redirect_uri that starts with http:// or https://."
    if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
        return "The response_type has to be 'code', and the scope has to contain 'openid'."
    if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
        return "The link misses a code_challenge by the method S256."
    return None


def _is_client(sim: OpenidSim, request: Request, form: dict[str, str]) -> bool:
    given = (form.get("client_id", ""), form.get("client_secret", ""))
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
        given = (name, secret)
    return hmac.compare_digest(repr(given), repr((sim.client_id, sim.client_secret)))


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode()))


def _ask(sim: OpenidSim, asked: dict[str, str]) -> Response:
    form = choice_form(
        "/authorize",
        asked,
        name="person",
        legend="Who are you?",
        choices=[Choice(person.subject, person.name, person.about, person.email) for person in sim.people.values()],
        decisions={"continue": "Continue", "deny": "Cancel"},
    )
    about = "Vaultra will see this person's name and email address."
    return page("Sign in", f"<h1>Sign in to Vaultra</h1><p>{about}</p>{form}", note=NOTE)


def _refuse(trouble: str) -> Response:
    return page("Cannot sign in", f"<h1>Cannot sign in</h1><p>{html.escape(trouble)}</p>", note=NOTE, status=400)
