"""Every operation there is, from every service."""

from __future__ import annotations

from rolecall.services import accessanalyzer, cloudtrail, iam, organizations, s3, sts
from rolecall.services.operation import Registry
from rolecall.trail import Trail


def registry(trail: Trail) -> Registry:
    """Return the operations of all services. Raises TypeError where one leaves an operation of its model out."""
    return Registry(
        iam.operations,
        sts.operations,
        s3.operations,
        cloudtrail.operations(trail),
        accessanalyzer.operations,
        organizations.operations,
    )
