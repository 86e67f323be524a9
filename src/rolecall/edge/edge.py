"""The application: our own unsigned paths, and the gateway for everything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rolecall.config import Settings
from rolecall.message import Request, Response
from rolecall.wire.s3_routes import bucket_of_host

Handler = Callable[[Request], Awaitable[Response]]


class Edge:
    """Answers every request of a worker."""

    def __init__(self, handle: Handler, settings: Settings) -> None:
        """`handle` answers every request that is not for one of our own unsigned paths."""
        self._handle = handle
        self._domains = settings.base_domains
        self.ready = False
        """Whether the worker serves."""

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        if self._is_own(request):
            return self._own_path(request)
        return await self._handle(request)

    def _is_own(self, request: Request) -> bool:
        """Tell whether a request is for a path of our own.

        No bucket is called `-`; but where the host names a bucket, the path is a key, and a key may be anything.
        """
        return request.raw_path.startswith(b"/-/") and bucket_of_host(request.header("host"), self._domains) is None

    def _own_path(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return Response(405, (("allow", "GET, HEAD"),))
        if request.raw_path == b"/-/health":
            return Response(200, (("content-type", "text/plain"),), b"alive\n")
        if request.raw_path == b"/-/ready":
            return Response(*((200, (), b"ready\n") if self.ready else (503, (), b"not ready\n")))
        return Response(404)
