"""The agent's tools, the help articles and three prompts over the Model Context Protocol, in all its revisions."""

import functools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import mcp_types as types
import orjson
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from vaultra import __version__
from vaultra.agent.prompts_for_assistants import INSTRUCTIONS, PROMPTS
from vaultra.agent.texts import addresses_a_model
from vaultra.agent.tools import TOOLS, ToolContext, ToolSpec, use_tool
from vaultra.domain.knowledge import Article, plain
from vaultra.errors import NoData, VaultraError
from vaultra.telemetry import log
from vaultra.usecases import knowledge

Context = ServerRequestContext[Any, Any]

CALLER = "vaultra.caller"
"""Where the edge puts the `Caller` into the ASGI scope."""
SCHEME = "vaultra://knowledge/"
MARKDOWN = "text/markdown"
# Lists are the same for everybody, and change with a release or when articles are published.
SHARED = CacheHint(ttl_ms=300_000, scope="public")
SHARED_LISTS: tuple[CacheableMethod, ...] = (
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "server/discover",
)


@dataclass(frozen=True)
class Caller:
    """Whose assistant asks: what tools may use, and the thread they run in."""

    context: ToolContext
    run: Callable[[Callable[[], Any]], Awaitable[Any]]


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one POST. Nothing is kept between two, so that any instance answers any of them."""
    manager = StreamableHTTPSessionManager(_server(), stateless=True)
    async with manager.run():
        await manager.handle_request(scope, receive, send)


@functools.cache
def _server() -> Server[Any]:
    # What the library logs may quote a request; what goes wrong is logged by us.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    server: Server[Any] = Server(
        "vaultra",
        title="Vaultra",
        version=__version__,
        instructions=INSTRUCTIONS,
        cache_hints=dict.fromkeys(SHARED_LISTS, SHARED),
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
        on_list_resources=_list_resources,
        on_list_resource_templates=_list_templates,
        on_read_resource=_read_resource,
        on_list_prompts=_list_prompts,
        on_get_prompt=_get_prompt,
    )
    server.middleware.append(_in_words)
    return server


async def _in_words(ctx: Context, call_next: CallNext) -> HandlerResult:
    """A client gets our words for what went wrong, and the log the rest."""
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):
        raise
    except VaultraError as error:
        if error.status < 500:
            raise MCPError(types.INVALID_PARAMS, error.message) from None
        log.warning("mcp.unavailable", reason=error.message)
        raise MCPError(types.INTERNAL_ERROR, "This can't be read just now. Try again in a moment.") from None
    except Exception as error:
        log.error("mcp.crashed", exc_info=error)
        raise MCPError(types.INTERNAL_ERROR, "Something went wrong on our side.") from None


# --- tools -----------------------------------------------------------------------------------


async def _list_tools(_: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[_tool(spec) for spec in TOOLS.values()])


def _tool(spec: ToolSpec[Any, Any]) -> types.Tool:
    return types.Tool(
        name=spec.name,
        title=spec.title,
        description=spec.description,
        input_schema=spec.parameters,
        output_schema=spec.output_schema,
        annotations=types.ToolAnnotations(
            title=spec.title, read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )


async def _call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
    if params.name not in TOOLS:
        raise MCPError(types.INVALID_PARAMS, f"There is no such tool. There are: {', '.join(TOOLS)}.")
    caller = _caller(context)
    outcome = await caller.run(
        lambda: use_tool(caller.context, params.name, params.arguments or {}, id=str(context.request_id))
    )
    if outcome.result is None:
        return types.CallToolResult(content=[types.TextContent(text=outcome.error)], is_error=True)
    text = orjson.dumps(outcome.result).decode()
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=outcome.result)


# --- articles --------------------------------------------------------------------------------


async def _list_resources(context: Context, _: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
    return types.ListResourcesResult(resources=[_resource(article) for article in await _articles(context)])


async def _list_templates(_: Context, __: types.PaginatedRequestParams | None) -> types.ListResourceTemplatesResult:
    template = types.ResourceTemplate(
        name="knowledge",
        title="Help article",
        uri_template=f"{SCHEME}{{doc_id}}",
        description="A help article of Vaultra's by its id, as search_knowledge names it.",
        mime_type=MARKDOWN,
    )
    return types.ListResourceTemplatesResult(resource_templates=[template])


async def _read_resource(context: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    for article in await _articles(context):
        if params.uri == f"{SCHEME}{article.doc_id}":
            contents = types.TextResourceContents(uri=params.uri, mime_type=MARKDOWN, text=as_markdown(article))
            return types.ReadResourceResult(contents=[contents], ttl_ms=SHARED.ttl_ms, cache_scope=SHARED.scope)
    message = "There is no such article. resources/list names them all."
    raise MCPError(types.INVALID_PARAMS, message, {"uri": params.uri})


def _resource(article: Article) -> types.Resource:
    return types.Resource(
        name=article.doc_id,
        title=article.title,
        uri=f"{SCHEME}{article.doc_id}",
        description=article.summary,
        mime_type=MARKDOWN,
        size=len(as_markdown(article).encode()),
    )


def as_markdown(article: Article) -> str:
    """A whole article, with who wrote it when and what it rests on."""
    sections = [f"## {section.heading}\n\n{section.text}" for section in article.sections if _is_prose(section.text)]
    named = [f"{one.title}, {one.date}" if one.date else one.title for one in article.references]
    references = [
        f"- [{name}]({one.url})" if one.url else f"- {name}"
        for name, one in zip(named, article.references, strict=True)
    ]
    parts = [f"# {article.title}", article.summary, *sections, f"Written by {article.source}, {article.updated}."]
    return "\n\n".join([*parts, "\n".join(["References:", *references])]) + "\n"


def _is_prose(text: str) -> bool:
    """Whether a section may go to a model: whoever managed to change an article must not talk to it, nor show pictures.

    Links are left aside: ours lead to sources.
    """
    return "![" not in text and not addresses_a_model(plain(text))


async def _articles(context: Context) -> tuple[Article, ...]:
    """The published articles; none before the first were."""
    caller = _caller(context)

    def read() -> tuple[Article, ...]:
        with caller.context.open() as conn:
            return knowledge.current_library(conn).articles

    try:
        articles: tuple[Article, ...] = await caller.run(read)
    except NoData:
        return ()
    return articles


# --- prompts ---------------------------------------------------------------------------------


async def _list_prompts(_: Context, __: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
    return types.ListPromptsResult(
        prompts=[
            types.Prompt(
                name=prompt.name,
                title=prompt.title,
                description=prompt.description,
                arguments=[
                    types.PromptArgument(name=name, description=description, required=False)
                    for name, description in prompt.arguments.items()
                ],
            )
            for prompt in PROMPTS.values()
        ]
    )


async def _get_prompt(_: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
    prompt = PROMPTS.get(params.name)
    if prompt is None:
        raise MCPError(types.INVALID_PARAMS, f"There is no such prompt. There are: {', '.join(PROMPTS)}.")
    content = types.TextContent(text=prompt.wording(params.arguments or {}))
    message = types.PromptMessage(role="user", content=content)
    return types.GetPromptResult(description=prompt.description, messages=[message])


def _caller(context: Context) -> Caller:
    assert context.request is not None, "MCP is spoken over HTTP here"
    caller: Caller = context.request.scope[CALLER]
    return caller
