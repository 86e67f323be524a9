"""IAM's refusals in AWS's words."""

from __future__ import annotations

from rolecall.directory.credentials import Status
from rolecall.message import ServiceError


def no_such_entity(message: str) -> ServiceError:
    """Return the refusal of what is not there."""
    return ServiceError("NoSuchEntity", message, 404)


def exists_already(message: str) -> ServiceError:
    """Return the refusal of a name that is taken."""
    return ServiceError("EntityAlreadyExists", message, 409)


def delete_conflict(message: str) -> ServiceError:
    """Return the refusal to delete what something still hangs on."""
    return ServiceError("DeleteConflict", message, 409)


def cannot_delete(what_first: str) -> ServiceError:
    """Return the refusal to delete an entity before `what_first` is done."""
    return delete_conflict(f"Cannot delete entity, must {what_first} first.")


def limit_exceeded(message: str) -> ServiceError:
    """Return the refusal of what goes beyond a quota."""
    return ServiceError("LimitExceeded", message, 409)


def quota_exceeded(name: str, value: int) -> ServiceError:
    """Return the refusal of what goes beyond the quota of this name."""
    return limit_exceeded(f"Cannot exceed quota for {name}: {value}")


def invalid_input(message: str) -> ServiceError:
    """Return the refusal of input that the model allows and IAM does not."""
    return ServiceError("InvalidInput", message)


def malformed(message: str, code: str = "MalformedPolicyDocument") -> ServiceError:
    """Return the refusal of a policy document."""
    return ServiceError(code, message)


def unmodifiable(role_name: str) -> ServiceError:
    """Return the refusal to change a service-linked role."""
    return ServiceError(
        "UnmodifiableEntity",
        f"Cannot perform the operation on the protected role '{role_name}' - this role is only modifiable by AWS",
    )


def status_of(wanted: str) -> Status:
    """Return the status that a request asks for. Raises ValidationError for one that cannot be asked for."""
    if wanted == "Active":
        return "Active"
    if wanted == "Inactive":
        return "Inactive"
    raise ServiceError("ValidationError", f"A credential cannot be made {wanted}.")
