"""What a document is said to be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ROLE_TRUST = "AWS::IAM::AssumeRolePolicyDocument"
BUCKET = "AWS::S3::Bucket"


class PolicyType(Enum):
    """The types of policy that ValidatePolicy knows."""

    IDENTITY = "IDENTITY_POLICY"
    RESOURCE = "RESOURCE_POLICY"
    SERVICE_CONTROL = "SERVICE_CONTROL_POLICY"
    RESOURCE_CONTROL = "RESOURCE_CONTROL_POLICY"


@dataclass(frozen=True, slots=True)
class Subject:
    """A policy type and, of a resource policy, the type of the resource it is attached to where that is said."""

    type: PolicyType
    resource_type: str | None = None

    @property
    def is_trust(self) -> bool:
        """Whether it is said to be a role's trust policy."""
        return self.resource_type == ROLE_TRUST

    @property
    def names_principals(self) -> bool:
        """Whether its statements must say whom they are about."""
        return self.type in {PolicyType.RESOURCE, PolicyType.RESOURCE_CONTROL}
