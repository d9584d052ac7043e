"""Servers that speak OpenAI's and Pinecone's protocols on this machine, for the real SDKs to talk to."""

import base64
import json
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from vaultra.adapters.arrays import NDArray, np

Floats = NDArray[np.float64]
Json = dict[str, Any]
Answer = tuple[int, Json]


@dataclass
class ModelServer:
    """A running server. `requests` are the bodies it got, by path; `failures` are answered first, one each."""

    url: str = ""
    requests: list[tuple[str, Json]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    failures: list[Answer] = field(default_factory=list)


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
            status, content = state.failures.pop(0) if state.failures else answer(self.path, body)
            raw = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST

        def log_message(self, *_args: Any) -> None:
            """Nothing: pytest shows what matters."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_args: Any) -> None:
            """Nothing: who asked has hung up."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
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
