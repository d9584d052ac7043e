"""The built site, served as a storage bucket behind the load balancer serves it."""

import mimetypes
from pathlib import Path

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

IMMUTABLE = "public,max-age=31536000,immutable"
REVALIDATED = "public,max-age=0,must-revalidate"
CDN_LEVEL = 6
# Astro's own inline scripts and style, which mount the islands. When they change with Astro, the old ones stay for
# one release: the header changes before the pages do.
INLINE_SCRIPTS = (
    "sha256-Ya0pUYrC7nM5Cn/056TyVuEiz6dFGrzmkWzgON0pF0U=",
    "sha256-eIXWvAmxkr251LJZkjniEK5LcPF3NkapbJepohwYRIc=",
)
INLINE_STYLES = ("sha256-vv9IoKo7BSLbWcUHr3tNmfNVmm5L/9Cfn2H6LMk7/ow=",)


def _sources(directive: str, hashes: tuple[str, ...]) -> str:
    return " ".join([directive, "'self'", *(f"'{each}'" for each in hashes)])


# Each page carries the same policy for itself, but a page cannot say who may frame it.
POLICY = "; ".join(
    [
        "default-src 'self'",
        _sources("script-src", INLINE_SCRIPTS),
        _sources("style-src", INLINE_STYLES),
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
SECURITY = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
}
TYPES = mimetypes.MimeTypes()
for _extension, _type in {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}.items():
    TYPES.add_type(_type, _extension)


class Site:
    """ASGI app over a folder of files.

    `/dir/` is its index.html, `/dir` redirects there, what is missing is 404.html with status 404. Hashed
    assets never change; everything else is asked for again. Text is compressed, as the CDN does it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._answer(scope)
        for name, value in SECURITY.items():
            response.headers[name] = value
        await GZipMiddleware(response, compresslevel=CDN_LEVEL)(scope, receive, send)

    def file(self, path: str) -> Path | None:
        """The file a request path names exactly; None when there is none, or it lies outside the folder."""
        parts = path[1:].split("/")
        # A bucket knows names, not folders: `//`, `.` and `..` are no part of any name.
        if not path.startswith("/") or "\0" in path or "\\" in path or any(part in ("", ".", "..") for part in parts):
            return None
        found = self._folder.joinpath(*parts)
        return found if found.is_file() and found.resolve().is_relative_to(self._folder) else None

    def _answer(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("Method not allowed\n", status_code=405, headers={"Allow": "GET, HEAD"})
        path: str = scope["path"]
        found = self.file(path + "index.html" if path.endswith("/") else path)
        if found is not None:
            immutable = path.startswith("/_astro/")
            return self._send(found, 200, IMMUTABLE if immutable else REVALIDATED, Headers(scope=scope))
        if self.file(f"{path}/index.html") is not None:
            query = scope["query_string"].decode("latin-1")
            return RedirectResponse(f"{path}/" + (f"?{query}" if query else ""), status_code=301)
        missing = self.file("/404.html")
        if missing is not None:
            return self._send(missing, 404, REVALIDATED, Headers())
        return PlainTextResponse("The site is not built: run `make site`.\n", status_code=404)

    def _send(self, file: Path, status: int, cache: str, request: Headers) -> Response:
        kind = TYPES.guess_type(file.name)[0] or "application/octet-stream"
        headers = {"Cache-Control": cache}
        response = FileResponse(file, status, headers, media_type=kind, stat_result=file.stat())
        if status == 200 and response.headers["etag"] in request.get("if-none-match", ""):
            return Response(status_code=304, headers={**headers, "ETag": response.headers["etag"]})
        return response
