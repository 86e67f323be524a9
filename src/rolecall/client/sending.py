"""One signed request and its answer, here or on AWS."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from rolecall.client.moment import moment
from rolecall.client.settings import Connection
from rolecall.client.signing import Question, signed_headers

_TIMEOUT = 30.0


class Refused(Exception):
    """The server refused the question; `code` is AWS's."""

    def __init__(self, code: str, message: str) -> None:
        """See the class."""
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message


class Unreachable(Exception):
    """Nobody answered at the endpoint, or not in a way that is understood."""


def send(
    at: Connection,
    service: str,
    headers: dict[str, str],
    body: bytes = b"",
    *,
    method: str = "POST",
    path: str = "/",
    query: str = "",
) -> bytes:
    """Ask a service and return the body of its answer. Raises Refused, Unreachable."""
    endpoint = at.of(service)
    region = "us-east-1" if service == "iam" else at.region
    question = Question(urlsplit(endpoint).netloc, service, region, headers, body, method, path, query)
    url = endpoint.rstrip("/") + path + (f"?{query}" if query else "")
    request = urllib.request.Request(  # noqa: S310
        url, data=body or None, headers=signed_headers(at.credentials, question, moment()), method=method
    )
    context = ssl.create_default_context(cafile=at.ca_bundle or None)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=context) as response:  # noqa: S310
            answer: bytes = response.read()
            return answer
    except urllib.error.HTTPError as error:
        raise _refusal(error) from None
    except (OSError, ValueError) as error:
        raise Unreachable(f"{endpoint}: {getattr(error, 'reason', error)}") from None


def _refusal(error: urllib.error.HTTPError) -> Refused | Unreachable:
    """Return what an error answer says, in JSON or in XML."""
    try:
        text = error.read()
        code, message = _xml(text) if text.lstrip().startswith(b"<") else _json(text)
    except (OSError, ValueError, AttributeError, ET.ParseError):
        code, message = "", ""
    return Refused(code, message) if code else Unreachable(f"{error.url} answers {error.code}.")


def _json(text: bytes) -> tuple[str, str]:
    told = json.loads(text)
    return str(told.get("__type", "")).rpartition("#")[2], str(told.get("message") or told.get("Message") or "")


def _xml(text: bytes) -> tuple[str, str]:
    found = {element.tag.rpartition("}")[2]: element.text or "" for element in ET.fromstring(text).iter()}  # noqa: S314
    return found.get("Code", ""), found.get("Message", "")
