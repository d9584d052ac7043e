"""Servers that speak OpenAI's, Ollama's and Pinecone's protocols on this machine, for the real SDKs to talk to."""

import base64
import json
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from vaultra.adapters.arrays import NDArray, np

Floats = NDArray[np.float64]
Json = dict[str, Any]


@dataclass(frozen=True)
class Streamed:
    """A body that comes in frames; the connection is closed behind the last."""

    content_type: str
    frames: Iterable[bytes]


Answer = tuple[int, Json | Streamed]


@dataclass
class ModelServer:
    """A running server. `requests` are the bodies it got, by path; `failures` are answered first, one each."""

    url: str = ""
    requests: list[tuple[str, Json]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    failures: list[Answer] = field(default_factory=list)
    failure_headers: dict[str, str] = field(default_factory=dict)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set once somebody left in the middle of a streamed body."""


@contextmanager
def serve(answer: Callable[[str, Json], Answer]) -> Iterator[ModelServer]:
    """Run a server whose answers to a path and a body this function gives."""
    state = ModelServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            body = json.loads(self.rfile.read(length) or b"{}")
            state.requests.append((self.path, body))
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            extra: Mapping[str, str] = state.failure_headers if state.failures else {}
            status, content = state.failures.pop(0) if state.failures else answer(self.path, body)
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            if isinstance(content, Streamed):
                self._stream(content)
                return
            raw = json.dumps(content).encode()
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def _stream(self, content: Streamed) -> None:
            self.send_header("content-type", content.content_type)
            self.end_headers()
            try:
                for frame in content.frames:
                    self.wfile.write(frame)
                    self.wfile.flush()
            except OSError:
                state.hung_up.set()

        do_GET = do_POST

        def log_message(self, *_args: Any) -> None:
            """Nothing: pytest shows what matters."""

    class Server(ThreadingHTTPServer):
        # What still waits for a stalled client is not waited for.
        daemon_threads = True
        block_on_close = False
        request_queue_size = 128

        def handle_error(self, *_args: Any) -> None:
            """Nothing: who asked has hung up."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# --- OpenAI's embeddings --------------------------------------------------------------------


@contextmanager
def openai_embeddings(embed: Callable[[list[str]], list[list[float]]], dimensions: int = 1536) -> Iterator[ModelServer]:
    """The embeddings endpoint; what `embed` gives is filled up with zeros, which leaves every angle as it is."""

    def answer(path: str, body: Json) -> Answer:
        if path != "/v1/embeddings":
            return 404, {"error": {"message": f"no {path} here", "type": "invalid_request_error"}}
        vectors = [[*vector, *[0.0] * (dimensions - len(vector))] for vector in embed(body["input"])]
        coded = body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": number, "embedding": _base64(vector) if coded else vector}
            for number, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return 200, {"object": "list", "model": body["model"], "data": data[::-1], "usage": usage}

    with serve(answer) as server:
        yield server


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


# --- Pinecone's data plane ------------------------------------------------------------------


@contextmanager
def pinecone_index(dimension: int, *, unseen: int = 0) -> Iterator[ModelServer]:
    """An index of dense vectors with the metric cosine; the first `unseen` looks at its statistics show nothing."""
    spaces: dict[str, dict[str, Floats]] = defaultdict(dict)
    looks = iter(range(unseen))

    def answer(path: str, body: Json) -> Answer:
        space = spaces[body.get("namespace", "")] if body.get("namespace") else {}
        if path == "/vectors/upsert":
            if any(len(vector["values"]) != dimension for vector in body["vectors"]):
                return 400, {"code": 3, "message": f"Vector dimension does not match the index's, {dimension}"}
            space.update({vector["id"]: _unit(vector["values"]) for vector in body["vectors"]})
            return 200, {"upsertedCount": len(body["vectors"])}
        if path == "/query":
            names, matches = list(space), []
            if names:
                cosines = np.array([space[name] for name in names]) @ _unit(body["vector"])
                nearest = np.argsort(-cosines, kind="stable")[: body["topK"]]
                matches = [{"id": names[number], "score": float(cosines[number])} for number in nearest]
            return 200, {"matches": matches, "namespace": ""}
        if path == "/describe_index_stats":
            shown = {} if next(looks, None) is not None else spaces
            counts = {name: {"vectorCount": len(held)} for name, held in shown.items() if held}
            return 200, {"namespaces": counts, "dimension": dimension, "totalVectorCount": 0, "indexFullness": 0}
        if path == "/vectors/delete":
            if not space:
                return 404, {"code": 5, "message": "Namespace not found"}
            space.clear()
            return 200, {}
        return 404, {"code": 5, "message": f"no {path} here"}

    with serve(answer) as server:
        yield server


def _unit(vector: list[float]) -> Floats:
    values = np.array(vector)
    return values / (np.linalg.norm(values) or 1.0)


# --- language models ------------------------------------------------------------------------


@dataclass(frozen=True)
class Asks:
    """A model asks for a tool; `arguments` is what it wrote."""

    name: str
    arguments: str = "{}"


@dataclass(frozen=True)
class Waits:
    """A model says nothing until the event is set, or for so many seconds."""

    seconds: float
    until: threading.Event | None = None


@dataclass(frozen=True)
class Drips:
    """A server sends something that means nothing, now and then, for ever."""

    every_seconds: float


@dataclass(frozen=True)
class Breaks:
    """The connection ends in the middle."""


@dataclass(frozen=True)
class Garbage:
    """Bytes that no protocol knows."""

    content: bytes


@dataclass(frozen=True)
class TooLong:
    """A model has to stop, because the answer became too long."""


Piece = str | Asks | Waits | Drips | Breaks | Garbage | TooLong
Model = Callable[[Json], Sequence[Piece]]
"""What a model answers to a request's body, piece by piece."""
USAGE = {"input_tokens": 120, "output_tokens": 30}


@contextmanager
def openai_model(model: Model) -> Iterator[ModelServer]:
    """The Responses API and chat completions, both streamed."""

    def answer(path: str, body: Json) -> Answer:
        protocols = {"/v1/responses": _responses, "/v1/chat/completions": _completions}
        if path not in protocols or not body.get("stream"):
            return 404, {"error": {"message": f"no {path} here", "type": "invalid_request_error"}}
        return 200, Streamed("text/event-stream", protocols[path](model(body)))

    with serve(answer) as server:
        yield server


@contextmanager
def ollama_server(model: Model, capabilities: Sequence[str] = ("completion", "tools")) -> Iterator[ModelServer]:
    """Ollama's own protocol."""

    def answer(path: str, body: Json) -> Answer:
        if path == "/api/show":
            return 200, {"capabilities": list(capabilities), "modelfile": "", "details": {}, "model_info": {}}
        if path != "/api/chat":
            return 404, {"error": f"no {path} here"}
        return 200, Streamed("application/x-ndjson", _ndjson(body["model"], model(body)))

    with serve(answer) as server:
        yield server


def _event(kind: str, **fields: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


def _responses(pieces: Sequence[Piece]) -> Iterator[bytes]:
    yield _event("response.created", response={"id": "resp_1", "output": [], "status": "in_progress"})
    output: list[Json] = [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}]
    text, kind = "", "response.completed"
    for number, piece in enumerate(pieces):
        match piece:
            case str():
                text += piece
                yield _event("response.output_text.delta", delta=piece, item_id="msg_1", output_index=1)
            case Asks(name, arguments):
                call = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}"}
                item = {**call, "name": name, "arguments": arguments, "status": "completed"}
                output.append(item)
                yield _event("response.output_item.done", item=item, output_index=number + 1)
            case TooLong():
                kind = "response.incomplete"
            case Breaks():
                return
            case _:
                yield from _nothing_said(piece)
    if text:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        output.append({"type": "message", "id": "msg_1", "role": "assistant", "content": content})
    yield _event(kind, response={"id": "resp_1", "output": output, "usage": USAGE})


def _completions(pieces: Sequence[Piece]) -> Iterator[bytes]:
    def chunk(delta: Json, finish: str | None = None, **fields: Any) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return (
            b"data: %s\n\n"
            % json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": choices, **fields}).encode()
        )

    finish, asked = "stop", 0
    for piece in pieces:
        match piece:
            case str():
                yield chunk({"content": piece})
            case Asks(name, arguments):
                finish = "tool_calls"
                head = {"index": asked, "id": f"call_{asked}", "function": {"name": name, "arguments": ""}}
                yield chunk({"tool_calls": [head]})
                for part in (arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]):
                    yield chunk({"tool_calls": [{"index": asked, "function": {"arguments": part}}]})
                asked += 1
            case TooLong():
                finish = "length"
            case Breaks():
                return
            case _:
                yield from _nothing_said(piece)
    yield chunk({}, finish)
    usage = {"prompt_tokens": USAGE["input_tokens"], "completion_tokens": USAGE["output_tokens"], "total_tokens": 150}
    yield b"data: %s\n\ndata: [DONE]\n\n" % json.dumps({"id": "c", "choices": [], "usage": usage}).encode()


def _ndjson(name: str, pieces: Sequence[Piece]) -> Iterator[bytes]:
    def line(message: Json, **fields: Any) -> bytes:
        return json.dumps({"model": name, "message": {"role": "assistant", **message}, **fields}).encode() + b"\n"

    reason = "stop"
    for piece in pieces:
        match piece:
            case str():
                yield line({"content": piece}, done=False)
            case Asks(tool, arguments):
                call = {"function": {"name": tool, "arguments": json.loads(arguments)}}
                yield line({"content": "", "tool_calls": [call]}, done=False)
            case TooLong():
                reason = "length"
            case Breaks():
                return
            case _:
                yield from _nothing_said(piece)
    counts = {"prompt_eval_count": USAGE["input_tokens"], "eval_count": USAGE["output_tokens"]}
    yield line({"content": ""}, done=True, done_reason=reason, **counts)


def _nothing_said(piece: Piece) -> Iterator[bytes]:
    match piece:
        case Waits(seconds, until):
            (until or threading.Event()).wait(seconds)
        case Drips(every_seconds):
            while True:
                yield b": drip\n\n"
                threading.Event().wait(every_seconds)
        case Garbage(content):
            yield content
