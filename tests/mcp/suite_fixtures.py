"""What the conformance suite wants of a server that it tries: its own tools, prompts and resources, on our hosting."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

Context = ServerRequestContext[Any, Any]
Content = list[types.ContentBlock]

PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000a49444154789c63000100000500010d0a2db4"
        "0000000049454e44ae426082"
    )
).decode()
SILENCE = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVEfmt ").decode()


def words(text: str) -> types.TextContent:
    return types.TextContent(text=text)


def embedded(uri: str, mime_type: str, text: str) -> types.EmbeddedResource:
    return types.EmbeddedResource(resource=types.TextResourceContents(uri=uri, mime_type=mime_type, text=text))


async def progress(context: Context) -> Content:
    for done in (0, 50, 100):
        await context.session.report_progress(done, 100)
    return [words("Done")]


async def missing_capability(_: Context) -> Content:
    needed: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
    raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "This needs sampling", needed)


def fixed(*content: types.ContentBlock) -> Callable[[Context], Awaitable[Content]]:
    async def told(_: Context) -> Content:
        return list(content)

    return told


TOOLS: dict[str, Callable[[Context], Awaitable[Content]]] = {
    "test_simple_text": fixed(words("This is a simple text response for testing.")),
    "test_image_content": fixed(types.ImageContent(data=PIXEL, mime_type="image/png")),
    "test_audio_content": fixed(types.AudioContent(data=SILENCE, mime_type="audio/wav")),
    "test_embedded_resource": fixed(embedded("test://embedded-resource", "text/plain", "An embedded resource.")),
    "test_multiple_content_types": fixed(
        words("Multiple content types test:"),
        types.ImageContent(data=PIXEL, mime_type="image/png"),
        embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ),
    "test_tool_with_progress": progress,
    "test_missing_capability": missing_capability,
    "test_streaming_elicitation": fixed(words("Nothing is asked.")),
    "test_logging_tool": fixed(words("Nothing is logged to the client.")),
}
FAILING = "test_error_handling"


async def list_tools(_: Context, __: Any) -> types.ListToolsResult:
    names = [*TOOLS, FAILING]
    return types.ListToolsResult(
        tools=[types.Tool(name=name, description=name, input_schema={"type": "object"}) for name in names]
    )


async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
    if params.name == FAILING:
        return types.CallToolResult(content=[words("This tool intentionally returns an error.")], is_error=True)
    if params.name not in TOOLS:
        raise MCPError(types.INVALID_PARAMS, "There is no such tool.")
    return types.CallToolResult(content=await TOOLS[params.name](context))


TEXT, BINARY, TEMPLATE = "test://static-text", "test://static-binary", "test://template/{id}/data"


async def list_resources(_: Context, __: Any) -> types.ListResourcesResult:
    kinds = {TEXT: "text/plain", BINARY: "image/png"}
    return types.ListResourcesResult(
        resources=[types.Resource(name=uri, uri=uri, description=uri, mime_type=kind) for uri, kind in kinds.items()]
    )


async def list_templates(_: Context, __: Any) -> types.ListResourceTemplatesResult:
    template = types.ResourceTemplate(name="template", uri_template=TEMPLATE, mime_type="application/json")
    return types.ListResourceTemplatesResult(resource_templates=[template])


async def read_resource(_: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    uri = params.uri
    found: types.TextResourceContents | types.BlobResourceContents
    if uri == TEXT:
        found = types.TextResourceContents(uri=uri, mime_type="text/plain", text="This is a static text resource.")
    elif uri == BINARY:
        found = types.BlobResourceContents(uri=uri, mime_type="image/png", blob=PIXEL)
    elif uri == TEMPLATE.format(id="123"):
        text = '{"id":"123","templateTest":true,"data":"Data for ID: 123"}'
        found = types.TextResourceContents(uri=uri, mime_type="application/json", text=text)
    else:
        raise MCPError(types.INVALID_PARAMS, "There is no such resource.", {"uri": uri})
    return types.ReadResourceResult(contents=[found])


def prompts(given: dict[str, str]) -> dict[str, Content]:
    return {
        "test_simple_prompt": [words("This is a simple prompt for testing.")],
        "test_prompt_with_arguments": [
            words(f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'")
        ],
        "test_prompt_with_embedded_resource": [
            embedded(given.get("resourceUri", "test://x"), "text/plain", "Embedded resource content for testing."),
            words("Please process the embedded resource above."),
        ],
        "test_prompt_with_image": [
            types.ImageContent(data=PIXEL, mime_type="image/png"),
            words("Please analyze the image above."),
        ],
    }


ARGUMENTS = {"test_prompt_with_arguments": ["arg1", "arg2"], "test_prompt_with_embedded_resource": ["resourceUri"]}


async def list_prompts(_: Context, __: Any) -> types.ListPromptsResult:
    return types.ListPromptsResult(
        prompts=[
            types.Prompt(
                name=name,
                description=name,
                arguments=[
                    types.PromptArgument(name=one, description=one, required=True) for one in ARGUMENTS.get(name, [])
                ],
            )
            for name in prompts({})
        ]
    )


async def get_prompt(_: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
    found = prompts(params.arguments or {}).get(params.name)
    if found is None:
        raise MCPError(types.INVALID_PARAMS, "There is no such prompt.")
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=one) for one in found])


async def complete(_: Context, __: types.CompleteRequestParams) -> types.CompleteResult:
    return types.CompleteResult(completion=types.Completion(values=[], total=0, has_more=False))


def suite_server() -> Server[Any]:
    """The server that the suite expects, but for what is asked back of a client."""
    return Server(
        "suite",
        version="1",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=complete,
    )
