"""The query protocol of IAM and STS: forms in, XML out, or JSON where a client asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from rolecall.message import Request, Response, ServiceError
from rolecall.wire import query_input
from rolecall.wire.json_values import Json, dumps, structure_plainer
from rolecall.wire.model import OperationModel, service
from rolecall.wire.routed import Addressee, Routed
from rolecall.wire.scalars import iso_seconds
from rolecall.wire.xml_output import escaped, structure_writer

FAULT_NAMESPACE = "http://webservices.amazon.com/AWSFault/2005-15-09"
"""The namespace of refusals that belong to no operation."""

_OPERATIONLESS = frozenset({"InvalidAction", "MissingAction", "MalformedQueryString", "UnknownOperationException"})
_XML = ("content-type", "text/xml")
_JSON = ("content-type", "application/json")


def parse(routed: Routed, request: Request, body: bytes | None) -> dict[str, object]:
    """Return the operation's parameters; they are all in the routed form.

    Raises ServiceError ValidationError with every broken constraint, or MalformedInput.
    """
    del request, body
    return query_input.parse(routed.operation, routed.form or {})


def answer(routed: Routed, result: Mapping[str, object], *, request_id: str, host_id: str) -> Response:
    """Return the answer that carries `result`."""
    del host_id
    if routed.accept_json:
        body = dumps(_json_document(routed.operation, result, request_id))
        return Response(routed.operation.status, (("x-amzn-requestid", request_id), _JSON), body)
    out: list[str] = []
    _writer(routed.operation)(result, request_id, out)
    body = "".join(out).encode()
    return Response(routed.operation.status, (("x-amzn-requestid", request_id), _XML), body)


def refuse(error: ServiceError, to: Addressee) -> Response:
    """Return the answer that says `error`."""
    fault = "Receiver" if error.status >= 500 else "Sender"
    headers = (("x-amzn-requestid", to.request_id), _JSON if to.accept_json else _XML, *error.headers)
    if to.head:
        return Response(error.status, headers)
    if to.accept_json:
        said: Json = {"Code": error.code, "Message": error.message, "Type": fault}
        return Response(error.status, headers, dumps({"Error": said, "RequestId": to.request_id}))
    namespace = FAULT_NAMESPACE if error.code in _OPERATIONLESS else service(to.service).xml_namespace
    text = (
        f'<ErrorResponse xmlns="{namespace}">\n  <Error>\n    <Type>{fault}</Type>\n'
        f"    <Code>{escaped(error.code)}</Code>\n"
        f"    <Message>{escaped(error.message)}</Message>\n  </Error>\n"
        f"  <RequestId>{escaped(to.request_id)}</RequestId>\n</ErrorResponse>\n"
    )
    return Response(error.status, headers, text.encode())


@cache
def _writer(operation: OperationModel) -> Callable[[Mapping[str, object], str, list[str]], None]:
    """Return the writer of an operation's whole document."""
    name = operation.name
    wrapper = operation.traits.output.result_wrapper if operation.traits.output else ""
    opening = f'<{name}Response xmlns="{operation.model.xml_namespace}">\n'
    before, after = (f"  <{wrapper}>", f"</{wrapper}>\n") if wrapper else ("", "")
    closing = f"</RequestId>\n  </ResponseMetadata>\n</{name}Response>\n"
    write_members = structure_writer(operation.output, iso_seconds) if operation.output else None

    def write(result: Mapping[str, object], request_id: str, out: list[str]) -> None:
        out.append(opening)
        if write_members is not None:
            out.append(before)
            write_members(result, out)
            out.append(after)
        out.append(f"  <ResponseMetadata>\n    <RequestId>{escaped(request_id)}{closing}")

    return write


def _json_document(operation: OperationModel, result: Mapping[str, object], request_id: str) -> Json:
    inner: dict[str, Json] = {}
    if operation.output is not None:
        plain = structure_plainer(operation.output)(result)
        wrapper = operation.traits.output.result_wrapper if operation.traits.output else ""
        if wrapper:
            inner[wrapper] = plain
        elif isinstance(plain, dict):
            inner.update(plain)
    inner["ResponseMetadata"] = {"RequestId": request_id}
    return {f"{operation.name}Response": inner}
