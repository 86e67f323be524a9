"""What `can` and `who-can` are asked: who, what, on what, in which circumstances."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rolecall.client.moment import moment
from rolecall.client.policies import arn_of, bucket_policy, details
from rolecall.client.record import text
from rolecall.client.sending import Refused
from rolecall.client.settings import Connection, NotConfigured
from rolecall.identifiers import parse_arn

SIMULATING = "This needs iam:SimulatePrincipalPolicy, and iam:GetRole of the roles on the way"
LISTING = "This needs iam:GetAccountAuthorizationDetails, iam:SimulatePrincipalPolicy, and iam:GetRole of the roles"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An action on a resource, and the condition keys of the request that is thought of."""

    action: str
    resource: str
    context: Mapping[str, Sequence[str]]
    resource_policy: str | None = None


@dataclass(frozen=True, slots=True)
class Someone:
    """A user or role: its ARN, and how people call it."""

    arn: str

    @property
    def name(self) -> str:
        """The name with its kind: `user/alice`."""
        parsed = parse_arn(self.arn)
        return self.arn if parsed is None else f"{parsed.resource_type}/{parsed.resource_name}"

    @property
    def is_role(self) -> bool:
        """Whether it is a role, which others may enter."""
        return ":role/" in self.arn


def add_question(parser: argparse.ArgumentParser) -> None:
    """Declare action, resource and context."""
    parser.add_argument("action", metavar="ACTION", help="s3:PutObject, sts:AssumeRole ...")
    parser.add_argument("resource", metavar="RESOURCE", help="an ARN, s3://bucket/key, or `*` for actions without one")
    parser.add_argument(
        "--context",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a condition key of the request, again for more (aws:MultiFactorAuthPresent=true)",
    )


def wanted(arguments: argparse.Namespace, at: Connection) -> Wanted:
    """Return what is asked, with the bucket's policy where the asker may read it. Raises NotConfigured."""
    if ":" not in arguments.action:
        raise NotConfigured(f"`{arguments.action}` is no action: write it as service:Name (s3:PutObject).")
    resource = _resource(arguments.resource)
    arn = parse_arn(resource)
    policy = bucket_policy(at, arn.resource_type) if arn is not None and arn.service == "s3" else None
    return Wanted(arguments.action, resource, _context(arguments.context), policy)


def _resource(spelled: str) -> str:
    resource = f"arn:aws:s3:::{spelled.removeprefix('s3://').rstrip('/')}" if spelled.startswith("s3://") else spelled
    if resource != "*" and parse_arn(resource) is None:
        raise NotConfigured(f"`{spelled}` is no ARN: write arn:aws:s3:::bucket/key, s3://bucket/key, or `*`.")
    return resource


def _context(pairs: Sequence[str]) -> dict[str, list[str]]:
    """Return the condition keys: those that are given, and the present moment."""
    now = moment()
    found = {
        "aws:currenttime": [f"{now.isoformat()[:19]}Z"],
        "aws:epochtime": [str(int(now.timestamp()))],
        "aws:viaawsservice": ["false"],
    }
    given: dict[str, list[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise NotConfigured(f"`{pair}` is no condition key: write it as KEY=VALUE.")
        given.setdefault(key, []).append(value)
    lowered = {key.lower() for key in given}
    return {**{key: values for key, values in found.items() if key not in lowered}, **given}


def everyone(at: Connection) -> list[Someone]:
    """Return all users and roles of the account but those that services made. Raises Refused, Unreachable."""
    arns = (text(one, "Arn") for one in details(at, "User", "Role"))
    return [Someone(arn) for arn in arns if ":role/aws-service-role/" not in arn]


def roles(at: Connection) -> list[Someone] | None:
    """Return the roles of the account, None where the asker may not list them."""
    try:
        return [one for one in everyone(at) if one.is_role]
    except Refused:
        return None


def find(at: Connection, spelled: str) -> Someone:
    """Return the user or role that is meant: an ARN, `user/alice`, `role/R`, or a bare name. Raises NotConfigured."""
    if parse_arn(spelled) is not None:
        return Someone(_lasting(spelled))
    kind, slash, name = spelled.partition("/")
    if slash and kind in {"user", "role"}:
        return Someone(arn_of(at, kind, name))
    named = [one for one in everyone(at) if spelled in {one.name, one.name.partition("/")[2]}]
    if len(named) != 1:
        how = "There is no user or role" if not named else "There are a user and a role"
        raise NotConfigured(f"{how} called `{spelled}`: write user/NAME, role/NAME or an ARN.")
    return named[0]


def _lasting(arn: str) -> str:
    """Return the ARN of the role that a session is of; any other ARN as it is."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "sts" or parsed.resource_type != "assumed-role":
        return arn
    return f"arn:aws:iam::{parsed.account}:role/{parsed.resource.split('/')[1]}"
