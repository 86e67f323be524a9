"""What the imported data lacks or has otherwise than AWS's guide: global keys, lists that are not shown as lists, ...

Sources: the IAM user guide's pages on global and federation condition keys, and on actions with several resources.
"""

from __future__ import annotations

from collections.abc import Mapping

GLOBAL_KEYS: Mapping[str, str] = {
    "aws:AssumedRoot": "Bool",
    "aws:CalledVia": "ArrayOfString",
    "aws:CalledViaFirst": "String",
    "aws:CalledViaLast": "String",
    "aws:ChatbotSourceArn": "ARN",
    "aws:CurrentTime": "Date",
    "aws:Ec2InstanceSourcePrivateIPv4": "IPAddress",
    "aws:Ec2InstanceSourceVpc": "String",
    "aws:EpochTime": "Date",
    "aws:FederatedProvider": "String",
    "aws:MultiFactorAuthAge": "Numeric",
    "aws:MultiFactorAuthPresent": "Bool",
    "aws:PrincipalAccount": "String",
    "aws:PrincipalArn": "ARN",
    "aws:PrincipalIsAWSService": "Bool",
    "aws:PrincipalOrgID": "String",
    "aws:PrincipalOrgPaths": "ArrayOfString",
    "aws:PrincipalServiceName": "String",
    "aws:PrincipalServiceNamesList": "ArrayOfString",
    "aws:PrincipalTag/${TagKey}": "String",
    "aws:PrincipalType": "String",
    "aws:Referer": "String",
    "aws:RequestTag/${TagKey}": "String",
    "aws:RequestedRegion": "String",
    "aws:ResourceAccount": "String",
    "aws:ResourceOrgID": "String",
    "aws:ResourceOrgPaths": "ArrayOfString",
    "aws:ResourceTag/${TagKey}": "String",
    "aws:SecureTransport": "Bool",
    "aws:SignInSessionArn": "ARN",
    "aws:SourceAccount": "String",
    "aws:SourceArn": "ARN",
    "aws:SourceIdentity": "String",
    "aws:SourceIp": "IPAddress",
    "aws:SourceOrgID": "String",
    "aws:SourceOrgPaths": "ArrayOfString",
    "aws:SourceVpc": "String",
    "aws:SourceVpcArn": "ARN",
    "aws:SourceVpce": "String",
    "aws:TagKeys": "ArrayOfString",
    "aws:TokenIssueTime": "Date",
    "aws:UserAgent": "String",
    "aws:ViaAWSService": "Bool",
    "aws:VpcSourceIp": "IPAddress",
    "aws:userid": "String",
    "aws:username": "String",
}
"""The keys that every service may see, with their types. The imported data has them only where a service adds them."""

LISTS = frozenset(
    {
        "cognito-identity.amazonaws.com:amr",
        "saml:commonname",
        "saml:givenname",
        "saml:mail",
        "saml:name",
        "saml:organizationstatus",
        "saml:primarygroupsid",
        "saml:surname",
        "saml:uid",
        "saml:x500uniqueidentifier",
    }
)
"""Keys that AWS's guide has as lists and the Service Authorization Reference as single text, in lower case."""

LISTED_UNDER: Mapping[str, str] = {
    "iam:ListGroups": "arn:${Partition}:iam::${Account}:group${PathPrefix}",
    "iam:ListInstanceProfiles": "arn:${Partition}:iam::${Account}:instance-profile${PathPrefix}",
    "iam:ListOpenIDConnectProviders": "arn:${Partition}:iam::${Account}:oidc-provider/*",
    "iam:ListPolicies": "arn:${Partition}:iam::${Account}:policy${PathPrefix}",
    "iam:ListRoles": "arn:${Partition}:iam::${Account}:role${PathPrefix}",
    "iam:ListSAMLProviders": "arn:${Partition}:iam::${Account}:saml-provider/*",
    "iam:ListServerCertificates": "arn:${Partition}:iam::${Account}:server-certificate${PathPrefix}",
    "iam:ListUsers": "arn:${Partition}:iam::${Account}:user${PathPrefix}",
    "iam:ListVirtualMFADevices": "arn:${Partition}:iam::${Account}:mfa/",
    "s3:ListAllMyBuckets": "arn:${Partition}:s3:::*",
}
"""Actions that the reference shows without a resource type and AWS decides on an ARN all the same."""
