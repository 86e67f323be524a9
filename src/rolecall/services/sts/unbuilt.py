"""STS's operations that are not built: authenticated, authorized on what they name, and then refused with 501."""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.access.check import Access, Ask, Check, Denial
from rolecall.identifiers import root_arn
from rolecall.message import ServiceError
from rolecall.services.operation import NoParameters
from rolecall.services.sts.parameters import AssumeRoot
from rolecall.services.sts.table import operations


def _by_proof(ask: Ask[NoParameters]) -> Sequence[Check]:
    """Refuse: these calls are authorized by the proof that they carry, and no proof can be checked yet."""
    del ask
    raise ServiceError("NotImplemented", "This server does not federate with identity providers yet.", 501)


def _assume_root(ask: Ask[AssumeRoot]) -> Sequence[Check]:
    target = ask.parameters.target_principal
    task = {"sts:taskpolicyarn": ask.parameters.task_policy_arn.arn or ""}
    return [Check("sts:AssumeRoot", root_arn(target) if target.isdigit() else target, context=task)]


def _on_anything(action: str) -> Access[NoParameters]:
    return Access(lambda _: [Check(action)])


for _name in ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"):
    operations.unbuilt(_name, NoParameters, Access(_by_proof, denial=Denial.BARE, unsigned=True))
for _name in ("GetDelegatedAccessToken", "GetScopedCredentials", "GetWebIdentityToken"):
    operations.unbuilt(_name, NoParameters, _on_anything(f"sts:{_name}"))
operations.unbuilt("AssumeRoot", AssumeRoot, Access(_assume_root))
