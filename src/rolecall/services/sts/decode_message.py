"""DecodeAuthorizationMessage: what a refused caller was handed sealed, opened for those who may read it.

https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
"""

from __future__ import annotations

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Check
from rolecall.directory.messages import MessageInvalid, open_message
from rolecall.message import ServiceError
from rolecall.services.operation import Result
from rolecall.services.sts.memory import remembered
from rolecall.services.sts.parameters import DecodeAuthorizationMessage
from rolecall.services.sts.table import operations
from rolecall.store.interface import Snapshot

_ACCESS: Access[DecodeAuthorizationMessage] = Access(lambda _: [Check("sts:DecodeAuthorizationMessage")])


@operations.read("DecodeAuthorizationMessage", DecodeAuthorizationMessage, _ACCESS)
def decode_authorization_message(allowed: Allowed, parameters: DecodeAuthorizationMessage, view: Snapshot) -> Result:
    """Return the JSON document that a message of the caller's account holds."""
    keys = remembered(view).keys(view)
    try:
        content = open_message(keys, allowed.caller.account, parameters.encoded_message)
    except MessageInvalid:
        raise ServiceError("InvalidAuthorizationMessageException", "Message is not valid") from None
    return {"decoded_message": content.decode()}
