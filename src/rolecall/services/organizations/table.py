"""Organizations' operations: the question whether there is an organization; all others are not built yet.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
"""

from __future__ import annotations

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Check, Denial
from rolecall.message import ServiceError
from rolecall.services.operation import NoParameters, Operations, Result
from rolecall.store.interface import Snapshot

operations = Operations("organizations")


def _on_anything(name: str) -> Access[NoParameters]:
    return Access(lambda _: [Check(f"organizations:{name}")], denial=Denial.JSON)


@operations.read("DescribeOrganization", NoParameters, _on_anything("DescribeOrganization"))
def describe_organization(allowed: Allowed, parameters: NoParameters, view: Snapshot) -> Result:
    """Raise AWSOrganizationsNotInUseException: no account of this server is a member of an organization."""
    del allowed, parameters, view
    raise ServiceError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")


for _name in operations.missing():
    operations.unbuilt(_name, NoParameters, _on_anything(_name))
