"""What STS's operations take."""

from __future__ import annotations

import msgspec

from rolecall.services.operation import Parameters


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """A session tag."""

    key: str
    value: str


class PolicyDescriptor(msgspec.Struct, frozen=True, kw_only=True):
    """A managed policy that limits a session."""

    arn: str | None = None


class ProvidedContext(msgspec.Struct, frozen=True, kw_only=True):
    """An assertion of a context provider."""

    provider_arn: str | None = None
    context_assertion: str | None = None


class WithCode(Parameters, frozen=True, kw_only=True):
    """Of operations that may carry the code of an MFA device."""

    serial_number: str | None = None
    token_code: str | None = None


class AssumeRole(WithCode, frozen=True, kw_only=True):
    """Of AssumeRole."""

    role_arn: str
    role_session_name: str
    policy_arns: tuple[PolicyDescriptor, ...] = ()
    policy: str | None = None
    duration_seconds: int | None = None
    tags: tuple[Tag, ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()
    external_id: str | None = None
    source_identity: str | None = None
    provided_contexts: tuple[ProvidedContext, ...] = ()
    minimum_session_token_size: int = 0


class GetSessionToken(WithCode, frozen=True, kw_only=True):
    """Of GetSessionToken."""

    duration_seconds: int | None = None
    minimum_session_token_size: int = 0


class GetFederationToken(Parameters, frozen=True, kw_only=True):
    """Of GetFederationToken."""

    name: str
    policy: str | None = None
    policy_arns: tuple[PolicyDescriptor, ...] = ()
    duration_seconds: int | None = None
    tags: tuple[Tag, ...] = ()
    minimum_session_token_size: int = 0


class GetAccessKeyInfo(Parameters, frozen=True, kw_only=True):
    """Of GetAccessKeyInfo."""

    access_key_id: str


class DecodeAuthorizationMessage(Parameters, frozen=True, kw_only=True):
    """Of DecodeAuthorizationMessage."""

    encoded_message: str


class AssumeRoot(Parameters, frozen=True, kw_only=True):
    """Of AssumeRoot."""

    target_principal: str
    task_policy_arn: PolicyDescriptor
