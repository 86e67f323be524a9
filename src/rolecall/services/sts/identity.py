"""GetCallerIdentity and GetAccessKeyInfo: who credentials belong to."""

from __future__ import annotations

from rolecall.access.allowed import Allowed
from rolecall.directory.credentials import access_key
from rolecall.identifiers import account_of_key
from rolecall.message import ServiceError
from rolecall.services.operation import NoParameters, Result
from rolecall.services.sts.access import ACCESS_KEY_INFO, CALLER_IDENTITY
from rolecall.services.sts.parameters import GetAccessKeyInfo
from rolecall.services.sts.table import operations
from rolecall.store.interface import Snapshot


@operations.read("GetCallerIdentity", NoParameters, CALLER_IDENTITY)
def get_caller_identity(allowed: Allowed, parameters: NoParameters, view: Snapshot) -> Result:
    """Return who calls."""
    del parameters, view
    caller = allowed.caller
    return {
        "user_id": caller.principal.unique_id or caller.account,
        "account": caller.account,
        "arn": caller.principal.arn,
    }


@operations.read("GetAccessKeyInfo", GetAccessKeyInfo, ACCESS_KEY_INFO)
def get_access_key_info(allowed: Allowed, parameters: GetAccessKeyInfo, view: Snapshot) -> Result:
    """Return the account of an access key, whether the key still exists or not."""
    del allowed
    known = access_key(view, parameters.access_key_id)
    account = known.account if known is not None else account_of_key(parameters.access_key_id)
    if account is None:
        raise ServiceError("InvalidAccessKeyId", "The access key ID that you provided holds no account.", 403)
    return {"account": account}
