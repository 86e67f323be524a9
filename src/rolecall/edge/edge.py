"""The application: our own unsigned paths, and the gateway for everything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rolecall.config import Settings
from rolecall.edge.own_paths import OwnPaths
from rolecall.message import Request, Response
from rolecall.wire.s3_routes import bucket_of_host

Handler = Callable[[Request], Awaitable[Response]]


class Edge:
    """Answers every request of a worker."""

    def __init__(self, handle: Handler, own_paths: OwnPaths | None, settings: Settings) -> None:
        """`handle` answers every request that is not for one of `own_paths`."""
        self._handle = handle
        self._own_paths = own_paths
        self._domains = settings.base_domains

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        if self._own_paths is not None and request.raw_path.startswith(b"/-/") and self._names_no_bucket(request):
            return await self._own_paths.answer(request)
        return await self._handle(request)

    def _names_no_bucket(self, request: Request) -> bool:
        """Tell whether a path can be one of our own.

        No bucket is called `-`; but where the host names a bucket, the path is a key, and a key may be anything.
        """
        return bucket_of_host(request.header("host"), self._domains) is None
