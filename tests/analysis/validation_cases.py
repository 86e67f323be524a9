"""A document for each of AWS's policy checks, made from what AWS's reference says of the check, with what it points at.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

IDENTITY, RESOURCE = "IDENTITY_POLICY", "RESOURCE_POLICY"
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
TRUST, BUCKET = "AWS::IAM::AssumeRolePolicyDocument", "AWS::S3::Bucket"
SAML, OIDC = "arn:aws:iam::123456789012:saml-provider/Okta", "arn:aws:iam::123456789012:oidc-provider/idp.example.com"
GITHUB = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Case:
    """A document, what it is said to be, and what must be found: the code, what is pointed at, the sentence."""

    code: str
    text: str
    points_at: tuple[str, ...]
    type: str = IDENTITY
    resource_type: str | None = None
    says: str = ""


def policy(*statements: Any, version: Any = "2012-10-17", **more: Any) -> str:
    return json.dumps({"Version": version, "Statement": list(statements), **more})


def one(
    code: str, points_at: Any, says: str = "", *, of: str = IDENTITY, to: str | None = None, **elements: Any
) -> Case:
    """A case of one statement: `Effect: Allow` unless said otherwise; an element that is None is left out."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject"}
    if of in {IDENTITY, SCP, RCP} or to == BUCKET:
        statement["Resource"] = "arn:aws:s3:::b/*"
    if of in {RESOURCE, RCP}:
        statement["Principal"] = "*" if of == RCP else {"AWS": "123456789012"}
    statement |= elements
    kept = {name: value for name, value in statement.items() if value is not None}
    places = points_at if isinstance(points_at, tuple) else (points_at,)
    spelled = tuple(place if isinstance(place, str) else json.dumps(place) for place in places)
    return Case(code, policy(kept), tuple(f'"{place}"' if isinstance(given, str) and not _is_json(place) else place
                for given, place in zip(places, spelled, strict=True)), of, to, says)  # fmt: skip


def _is_json(text: str) -> bool:
    return text.startswith(("{", "[", '"', "${"))


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {operator: {key: value}}


def trusting(code: str, points_at: Any, says: str = "", **elements: Any) -> Case:
    return one(code, points_at, says, of=RESOURCE, to=TRUST, **{"Action": "sts:AssumeRole", **elements})


def bucket(code: str, points_at: Any, says: str = "", **elements: Any) -> Case:
    return one(code, points_at, says, of=RESOURCE, to=BUCKET, **elements)


WHOLE_1 = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
PASS = {"Action": "iam:PassRole"}
SLR = {"Action": "iam:CreateServiceLinkedRole"}
WEB = {"Action": "sts:AssumeRoleWithWebIdentity"}
ROLE_ARN = "arn:aws:iam::123456789012:role/R"
LONG = "s3:" + "x" * 6200

GRAMMAR = [
    Case("JSON_SYNTAX_ERROR", '{"Version": "2012-10-17",\n "Statement": [}', ("}",),
         says="Fix the JSON syntax error at index 41 line 2 column 15."),
    Case("JSON_SYNTAX_ERROR", '{"Version": "2012-10-17"', ("",), says="Fix the JSON syntax error."),
    Case("JSON_SYNTAX_ERROR", '{"Version": "2012-10-17", "Version": "2012-10-17"}', ('"',)),
    Case("DATA_TYPE_MISMATCH", "[]", ("[]",), says="The text does not match the expected JSON data type Object."),
    Case("DATA_TYPE_MISMATCH", policy(WHOLE_1, version=20121017), ("20121017",),
         says="The text does not match the expected JSON data type String."),
    Case("INVALID_VERSION", policy(WHOLE_1, version="2012-10-18"), ('"2012-10-18"',)),
    Case("MISSING_VERSION", '{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}',
         ('{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}',),
         says="We recommend that you specify the Version element to help you with debugging permission issues."),
    Case("MISSING_STATEMENT", '{"Version": "2012-10-17"}', ('{"Version": "2012-10-17"}',),
         says="Add a statement to the policy"),
    Case("INVALID_POLICY_ELEMENT", policy(WHOLE_1, Sid="x"), ('"Sid"',), says="The policy element Sid is not valid."),
    one("INVALID_POLICY_ELEMENT", "Effekt", Effekt="Allow"),
    one("MISSING_EFFECT", {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}, Effect=None,
        says="Add an Effect element to the policy statement with a value of Allow or Deny."),
    one("INVALID_EFFECT", "allow", "The effect allow is not valid. Use Allow or Deny.", Effect="allow"),
    one("MISSING_ACTION", {"Effect": "Allow", "Resource": "arn:aws:s3:::b/*"}, Action=None),
    one("MISSING_RESOURCE", {"Effect": "Allow", "Action": "s3:GetObject"}, Resource=None),
    one("MISSING_PRINCIPAL", {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"},
        of=RESOURCE, to=BUCKET, Principal=None),
    one("UNSUPPORTED_PRINCIPAL", "*", Principal="*",
        says="The policy type IDENTITY_POLICY does not support the Principal element. Remove the Principal element."),
    one("UNSUPPORTED_ELEMENT_COMBINATION", ("s3:GetObject", "s3:PutObject"), NotAction="s3:PutObject",
        says="The policy elements Action and NotAction can not be used in the same statement."
        " Remove one of these elements."),
    one("EMPTY_SID_VALUE", "", "Add a value to the empty string in the Sid element.", Sid=""),
    one("UNSUPPORTED_SID", "a b", Sid="a b"),
    Case("UNIQUE_SIDS_REQUIRED", policy({**WHOLE_1, "Sid": "A"}, {**WHOLE_1, "Action": "s3:PutObject", "Sid": "A"}),
         ('"A"', '"A"')),
    Case("UNIQUE_SIDS_RECOMMENDED",
         policy({**WHOLE_1, "Sid": "A"}, {**WHOLE_1, "Action": "s3:PutObject", "Sid": "A"}), ('"A"', '"A"'), SCP),
    one("EMPTY_ARRAY_ACTION", "[]", Action=[]),
    one("EMPTY_ARRAY_RESOURCE", "[]", Resource=[]),
    bucket("EMPTY_ARRAY_PRINCIPAL", "[]", Principal={"AWS": []}),
    bucket("EMPTY_OBJECT_PRINCIPAL", "{}", Principal={}),
    one("EMPTY_OBJECT_CONDITION", "{}", Condition={}),
    Case("REDUNDANT_STATEMENT", policy({**WHOLE_1, "Sid": "A"}, {**WHOLE_1, "Sid": "B"}),
         (json.dumps({**WHOLE_1, "Sid": "A"}), json.dumps({**WHOLE_1, "Sid": "B"}))),
    bucket("ALLOW_WITH_NOT_PRINCIPAL", {"AWS": "123456789012"}, Principal=None, NotPrincipal={"AWS": "123456789012"}),
]  # fmt: skip

ACTIONS = [
    one("INVALID_ACTION", "s3:GetObjekt", Action="s3:GetObjekt",
        says="The action s3:GetObjekt does not exist. Did you mean s3:GetObject?"),
    one("INVALID_ACTION", "sqs:DeleteMessageBatch", "The action sqs:DeleteMessageBatch does not exist.",
        Action=["sqs:DeleteMessageBatch"]),
    one("INVALID_ACTION", "GetObject", Action="GetObject"),
    one("INVALID_SERVICE_IN_ACTION", "lamda:InvokeFunction", Action="lamda:InvokeFunction",
        says="The service lamda specified in the action does not exist. Did you mean lambda?"),
    one("WILDCARD_IN_SERVICE_NAME", "ec*:DescribeInstances", Action="ec*:DescribeInstances"),
    one("REDUNDANT_ACTION", "iam:GetCredentialReport", Resource="*",
        Action=["iam:Get*", "iam:List*", "iam:GetCredentialReport"],
        says="The 1 action(s) are redundant because they provide similar permissions. Update the policy to remove the"
        " redundant action such as: iam:GetCredentialReport."),
    bucket("UNSUPPORTED_ACTION_IN_POLICY", "kms:Decrypt", Action="kms:Decrypt",
           says="The action kms:Decrypt is not supported for the resource-based policy attached to the resource type"
           " AWS::S3::Bucket."),
    one("SCP_SYNTAX_ERROR_ACTION_WILDCARD", "iam:*role", of=SCP, Action="iam:*role",
        says="SCP actions can include wildcards (*) only at the end of a string. Update iam:*role."),
    one("SCP_SYNTAX_ERROR_PRINCIPAL", "*", of=SCP, Principal="*"),
    one("RCP_SYNTAX_ERROR_PRINCIPAL", {"AWS": "123456789012"}, of=RCP, Effect="Deny",
        Principal={"AWS": "123456789012"}),
    one("RCP_SYNTAX_ERROR_ALLOW",
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Principal": "*"}, of=RCP),
    one("RCP_SYNTAX_ERROR_NOTACTION", "s3:GetObject", of=RCP, Effect="Deny", Action=None, NotAction="s3:GetObject"),
    one("RCP_SYNTAX_ERROR_ACTION", "ec2:RunInstances", of=RCP, Effect="Deny", Action="ec2:RunInstances",
        says="RCPs only support specifying select service prefixes in the Action element. Learn more here."),
]  # fmt: skip

RESOURCES = [
    one("INVALID_ARN_PREFIX", "s3:::b", "Add the required prefix (arn) to the resource ARN.", Resource="s3:::b"),
    one("MISSING_ARN_FIELD", "arn:aws:s3::b", Resource="arn:aws:s3::b",
        says="Resource ARNs must include at least 6 fields in the following structure:"
        " arn:partition:service:region:account:resource"),
    one("INVALID_PARTITION", "arn:azure:s3:::b", Resource="arn:azure:s3:::b"),
    one("INVALID_ARN_SERVICE_CASE", "arn:aws:S3:::b", Resource="arn:aws:S3:::b",
        says="Update the service name S3 in the resource ARN to use all lowercase letters."),
    one("INVALID_SERVICE", "arn:aws:s4:::b", "The service s4 does not exist. Use a valid service name.",
        Resource="arn:aws:s4:::b"),
    one("INVALID_ARN_ACCOUNT", "arn:aws:iam::12345678901:role/R", Action="iam:GetRole",
        Resource="arn:aws:iam::12345678901:role/R",
        says="The resource ARN account ID 12345678901 is not valid. Provide a 12-digit account ID."),
    one("INVALID_ARN_REGION", "arn:aws:sqs:us-east-9:123456789012:q", Action="sqs:SendMessage",
        Resource="arn:aws:sqs:us-east-9:123456789012:q",
        says="The Region us-east-9 is not valid for this resource. Update the resource ARN to include a supported"
        " Region."),
    one("INVALID_ARN_RESOURCE", "arn:aws:iam::123456789012:rolle/R", Action="iam:GetRole",
        Resource="arn:aws:iam::123456789012:rolle/R"),
    one("ARN_ACCOUNT_NOT_ALLOWED", "arn:aws:s3::123456789012:b", Resource="arn:aws:s3::123456789012:b",
        says="The service s3 does not support specifying an account ID in the resource ARN."),
    one("ARN_REGION_NOT_ALLOWED", "arn:aws:iam:us-east-1:123456789012:role/R", Action="iam:GetRole",
        Resource="arn:aws:iam:us-east-1:123456789012:role/R",
        says="The service iam does not support specifying a Region in the resource ARN."),
    one("MISSING_ARN_REGION", "arn:aws:sqs::123456789012:q", Action="sqs:SendMessage",
        Resource="arn:aws:sqs::123456789012:q", says="Add a Region to the sqs resource ARN."),
    one("MISSING_ARN_ACCOUNT", "arn:aws:sqs:us-east-1::q", Action="sqs:SendMessage",
        Resource="arn:aws:sqs:us-east-1::q",
        says="The resource queue in the arn is missing an account id. Please provide a 12 digit account id."),
    one("REDUNDANT_RESOURCE", "arn:aws:s3:::b/x/*", Resource=["arn:aws:s3:::b/*", "arn:aws:s3:::b/x/*"],
        says="The 1 resource ARN(s) are redundant because they reference the same resource. Review the use of"
        " wildcards (*)"),
    bucket("UNSUPPORTED_RESOURCE_ARN_IN_POLICY", "arn:aws:kms:us-east-1:123456789012:key/k",
           Resource="arn:aws:kms:us-east-1:123456789012:key/k"),
]  # fmt: skip

PRINCIPALS = [
    bucket("INVALID_PRINCIPAL_FORMAT", "123456789012", Principal="123456789012"),
    bucket("INVALID_PRINCIPAL_KEY", "aws", "The principal key aws is not valid.", Principal={"aws": "123456789012"}),
    bucket("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", "arn:aws:iam::123456789012:user/*",
           Principal={"AWS": "arn:aws:iam::123456789012:user/*"},
           says="Wildcards (*, ?) are not supported with the principal key AWS. Replace the wildcard with a valid"
           " principal value."),
    bucket("INVALID_USER_REFERENCE", "AIDACKCEVSQ6C2EXAMPLE", Principal={"AWS": "AIDACKCEVSQ6C2EXAMPLE"}),
    bucket("INVALID_ROLE_REFERENCE", "AROADBQP57FF2AEXAMPLE", Principal={"AWS": "AROADBQP57FF2AEXAMPLE"},
           says="The Principal element includes the IAM role ID AROADBQP57FF2AEXAMPLE. We recommend that you use a"
           " role ARN instead."),
    bucket("INVALID_SERVICE_PRINCIPAL_FORMAT", "cloudtrail", Principal={"Service": "cloudtrail"},
           says="The service principal does not match the expected format. Use the format service-name.amazonaws.com."),
    bucket("FEDERATED_PRINCIPAL_NOT_SUPPORTED", SAML, Principal={"Federated": SAML}),
    bucket("RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL", "cloudtrail.amazonaws.com",
           Principal={"Service": "cloudtrail.amazonaws.com"}),
    bucket("RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", "aws:Referer",
           Principal={"Service": "ses.amazonaws.com"}, Condition=when("StringEquals", "aws:Referer", "123456789012"),
           says="To restrict access to the service principal ses operating on your behalf, we recommend aws:SourceArn,"
           " aws:SourceAccount, aws:SourceOrgID, or aws:SourceOrgPaths instead of aws:Referer."),
    bucket("UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", ("cloudfront.amazonaws.com", "aws:PrincipalOrgID"),
           Principal={"Service": "cloudfront.amazonaws.com"},
           Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1", "aws:SourceAccount": "123456789012"}}),
    trusting("ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", {"AWS": "123456789012"}, Effect="Deny", Principal=None,
             NotPrincipal={"AWS": "123456789012"}),
    trusting("ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", "*", Principal="*"),
    trusting("ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", ROLE_ARN, Resource=ROLE_ARN),
    trusting("INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY", "not a domain", **WEB,
             Principal={"Federated": "not a domain"}),
    trusting("MISMATCHED_ACTION_FOR_PRINCIPAL", ("sts:AssumeRoleWithWebIdentity", SAML), **WEB,
             Principal={"Federated": SAML}),
    trusting("MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY", "rolesanywhere.amazonaws.com",
             Principal={"Service": "rolesanywhere.amazonaws.com"}),
    trusting("MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", OIDC, **WEB, Principal={"Federated": OIDC}),
    trusting("MISSING_GITHUB_REPO_CONDITION_KEY", GITHUB, **WEB, Principal={"Federated": GITHUB}),
    trusting("SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED", "repo:org/*", **WEB, Principal={"Federated": GITHUB},
             Condition=when("StringLike", "token.actions.githubusercontent.com:sub", "repo:org/*")),
    trusting("REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY", "arn:aws:sts::123456789012:assumed-role/R/s",
             Principal={"AWS": [ROLE_ARN, "arn:aws:sts::123456789012:assumed-role/R/s"]},
             says="The assumed-role principal arn:aws:sts::123456789012:assumed-role/R/s is redundant with its parent"
             f" role {ROLE_ARN}. Remove the assumed-role principal."),
]  # fmt: skip

CONDITIONS = [
    one("INVALID_CONDITION_OPERATOR", "StringEqual", Condition=when("StringEqual", "aws:username", "a"),
        says="The condition operator StringEqual is not valid. Use a valid condition operator."),
    one("NULL_WITH_IF_EXISTS", "NullIfExists", Condition=when("NullIfExists", "aws:username", "true")),
    one("NULL_WITH_QUALIFIER", "ForAllValues:Null", Condition=when("ForAllValues:Null", "aws:TagKeys", "true")),
    one("DUPLICATE_KEYS_WITH_DIFFERENT_CASE", ("AWS:username", "aws:username"),
        Condition={"StringEquals": {"aws:username": "a", "AWS:username": "b"}}),
    one("INVALID_CONDITION_KEY_FORMAT", "username", "The condition key format is not valid. Use the format"
        " service:keyname.", Condition=when("StringEquals", "username", "a")),
    one("INVALID_GLOBAL_CONDITION_KEY", "aws:UserNames", Condition=when("StringEquals", "aws:UserNames", "a"),
        says="The condition key aws:UserNames does not exist. Use a valid condition key."),
    one("UNSUPPORTED_GLOBAL_CONDITION_KEY", "aws:ARN", Condition=when("ArnEquals", "aws:ARN", ROLE_ARN)),
    one("INVALID_SERVICE_CONDITION_KEY", "s3:prefixx", Condition=when("StringEquals", "s3:prefixx", "a"),
        says="The condition key s3:prefixx does not exist in the service s3. Use a valid condition key."),
    one("INVALID_SERVICE", "s4:prefix", Condition=when("StringEquals", "s4:prefix", "a")),
    one("MISSING_TAG_KEY_IN_CONDITION", "aws:ResourceTag", Condition=when("StringEquals", "aws:ResourceTag", "a"),
        says="The condition key aws:ResourceTag/ must include a tag key to control access based on tags. Use the format"
        " aws:ResourceTag/tag-key and specify a key name for tag-key."),
    one("MISSING_QUALIFIER", "aws:TagKeys", Action="iam:TagUser", Resource="arn:aws:iam::123456789012:user/*",
        Condition=when("StringEquals", "aws:TagKeys", "a"),
        says="The request context key aws:TagKeys has multiple values. Use the ForAllValues or ForAnyValue condition"
        " key qualifiers in your policy."),
    one("FORALLVALUES_WITH_SINGLE_VALUED_KEY", ("ForAllValues:StringEquals", "aws:username"),
        Condition=when("ForAllValues:StringEquals", "aws:username", "a"),
        says="Using ForAllValues qualifier with the single-valued condition key aws:username can be overly permissive."
        " We recommend that you remove ForAllValues:."),
    trusting("FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE", ("ForAnyValue:StringEquals", "idp.example.com:aud"), **WEB,
             Principal={"Federated": OIDC}, Condition=when("ForAnyValue:StringEquals", "idp.example.com:aud", "a")),
    trusting("CONFIRM_AUDIENCE_CLAIM_TYPE", ("ForAllValues:StringEquals", "idp.example.com:aud"), **WEB,
             Principal={"Federated": OIDC}, Condition=when("ForAllValues:StringEquals", "idp.example.com:aud", "a"),
             says='The "idp.example.com:aud" (audience) claim key identifies the recipients that the JSON web token is'
             " intended for. Because this claim is single-valued, do not use a qualifier."),
    one("TYPE_MISMATCH", ("StringEquals", "aws:MultiFactorAuthPresent"),
        Condition=when("StringEquals", "aws:MultiFactorAuthPresent", "true"),
        says="Use the operator type Bool instead of operator StringEquals for the condition key"
        " aws:MultiFactorAuthPresent."),
    one("STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS", ("StringLike", "aws:PrincipalArn"),
        Condition=when("StringLike", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/*"),
        says="Use the operator type ArnLike instead of operator StringLike for the condition key aws:PrincipalArn."),
    one("TYPE_MISMATCH_BOOLEAN", "yes", Condition=when("Bool", "aws:SecureTransport", "yes"),
        says="Add a valid Boolean value (true or false) for the condition operator Bool."),
    one("INVALID_CONDITION_MULTIPLE_BOOLEAN", ["true", "false"],
        Condition=when("Bool", "aws:SecureTransport", ["true", "false"])),
    one("TYPE_MISMATCH_NUMBER", "many", Condition=when("NumericLessThan", "aws:MultiFactorAuthAge", "many")),
    one("REDUNDANT_CONDITION_VALUE_NUM", ["2700", "3600"],
        Condition=when("NumericLessThan", "aws:MultiFactorAuthAge", ["2700", "3600"]),
        says="Multiple values in NumericLessThan are redundant. Replace with the greatest single value for"
        " aws:MultiFactorAuthAge."),
    one("TYPE_MISMATCH_DATE", "yesterday", Condition=when("DateLessThan", "aws:CurrentTime", "yesterday")),
    one("INVALID_DATE_VALUE", "1620000000", Condition=when("DateLessThan", "aws:CurrentTime", "1620000000"),
        says="The date 1620000000 might not resolve as expected. We recommend that you use the YYYY-MM-DD format."),
    one("TYPE_MISMATCH_STRING", "!", Condition=when("BinaryEquals", "x.example.com:b", "!")),
    one("TYPE_MISMATCH_IP_RANGE", "203.0.113", Condition=when("IpAddress", "aws:SourceIp", "203.0.113")),
    one("IMPROVE_IP_RANGE", "203.0.113.7/24", Condition=when("IpAddress", "aws:SourceIp", "203.0.113.7/24"),
        says="The non-zero bits in the IP address after the masked bits are ignored. Replace address with"
        " 203.0.113.0/24."),
    one("PRIVATE_IP_ADDRESS", "10.0.0.0/8", Condition=when("IpAddress", "aws:SourceIp", "10.0.0.0/8")),
    one("PRIVATE_NOT_IP_ADDRESS", "10.0.0.0/8", Condition=when("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8"])),
    one("PRIVATE_IP_ADDRESS_SUBSET", "10.0.0.0/8",
        Condition=when("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "203.0.113.0/24"])),
    one("PRIVATE_NOT_IP_ADDRESS_SUBSET", "10.0.0.0/8",
        Condition=when("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "203.0.113.0/24"])),
    one("INVALID_CONDITION_DATA_TYPE", ["a", True], Condition=when("StringEquals", "aws:username", ["a", True])),
    one("EMPTY_ARRAY_CONDITION", "[]", Condition=when("StringEquals", "aws:username", []),
        says="There are no values for the condition key aws:username and it does not affect the policy. Specify"
        " conditions."),
    one("EMPTY_ARRAY_CONDITION_FORALLVALUES", "[]", Condition=when("ForAllValues:StringEquals", "aws:TagKeys", [])),
    one("EMPTY_ARRAY_CONDITION_FORANYVALUE", "[]", Condition=when("ForAnyValue:StringEquals", "aws:TagKeys", [])),
    one("EMPTY_ARRAY_CONDITION_IFEXISTS", "[]", Condition=when("StringEqualsIfExists", "aws:username", [])),
    one("WILDCARD_WITHOUT_LIKE_OPERATOR", "a*", Condition=when("StringEquals", "aws:username", "a*")),
    one("WILDCARD_USAGE_TOO_PERMISSIVE", "12345678*", Condition=when("StringLike", "aws:SourceAccount", "12345678*")),
    one("WILDCARD_USAGE_TOO_PERMISSIVE", "AROA*", Condition=when("StringLike", "aws:userid", "AROA*"),
        says="Overly permissive use of wildcard with aws:userID. Use the wildcard on the right side of colon or as the"
        " only character on the left side of a colon."),
    one("VARIABLE_USAGE_TOO_PERMISSIVE", '"${aws:username}"',
        Condition=when("StringLike", "aws:SourceVpc", "${aws:username}")),
    one("REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION", "aws:username",
        Condition=when("StringLikeIfExists", "aws:username", "*")),
    one("REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION", "aws:TagKeys",
        Condition=when("ForAnyValue:StringNotLike", "aws:TagKeys", "*")),
    one("INVALID_REGION", "us-east-9", Condition=when("StringEquals", "aws:RequestedRegion", "us-east-9"),
        says="The Region us-east-9 is not valid. Update the condition value to a suported Region."),
    one("INVALID_VPC_FORMAT", "vpc-1", Condition=when("StringEquals", "aws:SourceVpc", "vpc-1")),
    one("INVALID_VPCE_FORMAT", "vpc-12345678", Condition=when("StringEquals", "aws:SourceVpce", "vpc-12345678")),
    one("INVALID_SERVICE_PRINCIPAL_FORMAT", "ec2", **PASS, Resource=ROLE_ARN,
        Condition=when("StringEquals", "iam:PassedToService", "ec2")),
    one("INVALID_KMS_KEY_VALUE", "alias/k", Action="s3:PutObject",
        Condition=when("StringEquals", "s3:x-amz-server-side-encryption-aws-kms-key-id", "alias/k")),
    one("MISSING_PAIRED_CONDITION_KEYS", "aws:VpcSourceIp",
        Condition=when("IpAddress", "aws:VpcSourceIp", "10.0.0.0/8"),
        says="Using the condition key aws:VpcSourceIp can be overly permissive without also using the following"
        " condition keys: aws:SourceVpc. Condition keys like this one are more secure when paired with a related key."
        " We recommend that you add the related condition keys to the same condition block."),
    one("UNSUPPORTED_ACTION_FOR_CONDITION_KEY", ("s3:GetObject", "home/"), Action=["s3:ListBucket", "s3:GetObject"],
        Resource="*", Condition=when("StringEquals", "s3:prefix", "home/")),
    trusting("MISSING_ACTION_FOR_CONDITION_KEY", ("sts:AssumeRole", "sts:SourceIdentity"),
             Condition=when("StringEquals", "sts:SourceIdentity", "a"),
             says="The sts:SetSourceIdentity action must be in the action block to allow setting values for the"
             " condition key sts:SourceIdentity. Add sts:SetSourceIdentity to the action block."),
    bucket("IRRELEVANT_CONDITION_KEY_IN_POLICY", "s3:ResourceAccount",
           Condition=when("StringEquals", "s3:ResourceAccount", "123456789012")),
    one("S3_PREFIX_IN_NEGATIVE_CONTEXT", ("StringLike", "s3:prefix"), Effect="Deny", Action="s3:ListBucket",
        Resource="arn:aws:s3:::b", Condition=when("StringLike", "s3:prefix", "private/*")),
    one("DYNAMODB_ATTRIBUTES_WITHOUT_SELECT", "dynamodb:Attributes", Action="dynamodb:GetItem",
        Resource="arn:aws:dynamodb:us-east-1:123456789012:table/t",
        Condition=when("ForAllValues:StringEquals", "dynamodb:Attributes", ["a"])),
    one("ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", ("sts:GetCallerIdentity", "aws:ResourceTag/team"),
        Action=["sts:GetCallerIdentity"], Resource="*", Condition=when("StringEquals", "aws:ResourceTag/team", "a")),
    one("DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", ("sts:GetCallerIdentity", "aws:ResourceTag/team"),
        Effect="Deny", Action=["sts:GetCallerIdentity"], Resource="*",
        Condition=when("StringEquals", "aws:ResourceTag/team", "a"),
        says="Using the effect Deny with the tag condition key aws:ResourceTag/team and actions for services with the"
        " following prefixes can be overly permissive: sts. Actions for the listed services are not denied by this"
        " statement. We recommend that you move these actions to a different statement without this condition key."),
    one("ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", ("s3:GetObject", "aws:ResourceTag/team"),
        Action=None, NotAction="s3:GetObject", Condition=when("StringEquals", "aws:ResourceTag/team", "a")),
    one("DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", ("s3:GetObject", "aws:ResourceTag/team"),
        Effect="Deny", Action=None, NotAction="s3:GetObject",
        Condition=when("StringEquals", "aws:ResourceTag/team", "a")),
]  # fmt: skip

VARIABLES = [
    one("MISSING_BRACE_IN_VARIABLE", "${aws:username", Resource="arn:aws:s3:::b/${aws:username"),
    one("MISSING_QUOTE_IN_VARIABLE", "${aws:username, x}", Resource="arn:aws:s3:::b/${aws:username, x}"),
    one("UNSUPPORTED_SPACE_IN_VARIABLE", "${aws: username}", Resource="arn:aws:s3:::b/${aws: username}"),
    one("EMPTY_VARIABLE", "${}", Resource="arn:aws:s3:::b/${}"),
    one("VARIABLE_UNSUPPORTED_IN_ELEMENT", "${aws:username}", Action="s3:${aws:username}",
        says="Policy variables are supported in the Resource and Condition elements. Remove the policy variable"
        " ${aws:username} from this element."),
    one("INVALID_VARIABLE_FOR_OPERATOR", '"${aws:MultiFactorAuthAge}"',
        Condition=when("NumericLessThan", "aws:MultiFactorAuthAge", "${aws:MultiFactorAuthAge}")),
    Case("VARIABLE_UNSUPPORTED_IN_VERSION",
         policy({**WHOLE_1, "Resource": "arn:aws:s3:::b/${aws:username}"}, version="2008-10-17"), ("${aws:username}",)),
]  # fmt: skip

PERMISSIVE = [
    one("PASS_ROLE_WITH_STAR_IN_RESOURCE", ("iam:PassRole", "*"), **PASS, Resource="*"),
    one("PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", ("iam:*", "*"), Action="iam:*", Resource="*"),
    one("PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", ("s3:*", "*"), Action=None, NotAction="s3:*", Resource="*"),
    one("PASS_ROLE_WITH_NOT_RESOURCE", ("iam:PassRole", ROLE_ARN), **PASS, Resource=None, NotResource=ROLE_ARN),
    one("PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE", ("iam:*", ROLE_ARN), Action="iam:*", Resource=None,
        NotResource=ROLE_ARN),
    one("PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE", ("s3:*", ROLE_ARN), Action=None, NotAction="s3:*", Resource=None,
        NotResource=ROLE_ARN),
    one("CREATE_SLR_WITH_STAR_IN_RESOURCE", ("iam:CreateServiceLinkedRole", "*"), **SLR, Resource="*"),
    one("CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE", ("iam:Create*", "*"), Action="iam:Create*", Resource="*"),
    one("CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", ("s3:*", "*"), Action=None, NotAction="s3:*", Resource="*"),
    one("CREATE_SLR_WITH_NOT_RESOURCE", ("iam:CreateServiceLinkedRole", ROLE_ARN), **SLR, Resource=None,
        NotResource=ROLE_ARN),
    one("CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE", ("iam:*", ROLE_ARN), Action="iam:*", Resource=None,
        NotResource=ROLE_ARN),
    one("CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE", ("s3:*", ROLE_ARN), Action=None, NotAction="s3:*", Resource=None,
        NotResource=ROLE_ARN),
]  # fmt: skip


def _long(size: int, of: str, to: str | None = None) -> str:
    filler = {"aws:username": ["x" * 100] * (size // 100 + 1)}
    statement: dict[str, Any] = {"Effect": "Deny", "Action": "s3:GetObject", "Condition": {"StringEquals": filler}}
    if to != TRUST:
        statement["Resource"] = "*"
    if of in {RESOURCE, RCP}:
        statement["Principal"] = "*"
    return policy(statement)


SIZES = [
    Case(code, _long(size, of, to), (_long(size, of, to),), of, to)
    for code, size, of, to in (
        ("POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", 6144, IDENTITY, None),
        ("POLICY_SIZE_EXCEEDS_SCP_QUOTA", 10240, SCP, None),
        ("POLICY_SIZE_EXCEEDS_RCP_QUOTA", 5120, RCP, None),
        ("POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", 2048, RESOURCE, TRUST),
        ("POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", 20480, RESOURCE, BUCKET),
    )
]

CASES = [*GRAMMAR, *ACTIONS, *RESOURCES, *PRINCIPALS, *CONDITIONS, *VARIABLES, *PERMISSIVE, *SIZES]
