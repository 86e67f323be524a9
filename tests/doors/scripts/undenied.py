"""access-undenied, whose one misspelt name is put right: AWS, too, answers AWSOrganizationsNotInUseException."""

from __future__ import annotations

from access_undenied_aws import cli, organizations
from aws_error_utils import errors


class _Errors:
    def __getattr__(self, name: str) -> object:
        return getattr(errors, "AWSOrganizationsNotInUseException" if name == "AWSOrganizationsNotInUse" else name)


organizations.errors = _Errors()
cli.access_undenied_aws()
