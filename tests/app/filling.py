"""Something of every kind that a server keeps, with bytes that can be told again."""

from __future__ import annotations

import json

from tests.serving import Server

POLICY = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
BUCKET = "examined"
LARGE = 200_000


def body(name: str, size: int) -> bytes:
    """Return the bytes of an object: the same ones whenever asked, and others for every name and size."""
    line = f"{name} of {size} bytes\n".encode()
    return (line * (size // len(line) + 1))[:size]


def fill(server: Server) -> None:
    """Make something of every kind that the server keeps."""
    s3, iam = server.client("s3"), server.client("iam")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})
    for key, size in (("small", 100), ("small", 101), ("large", LARGE), ("gone", 10)):
        s3.put_object(Bucket=BUCKET, Key=key, Body=body(key, size))
    s3.delete_object(Bucket=BUCKET, Key="gone")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    parts = []
    for number, size in ((1, 5 << 20), (2, 77)):
        sent = s3.upload_part(
            Bucket=BUCKET, Key="parts", UploadId=upload, PartNumber=number, Body=body(f"part {number}", size)
        )
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    s3.complete_multipart_upload(Bucket=BUCKET, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    waiting = s3.create_multipart_upload(Bucket=BUCKET, Key="waiting")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="waiting", UploadId=waiting, PartNumber=1, Body=body("waiting", LARGE))
    arn = iam.create_policy(PolicyName="own", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY)
    iam.create_group(GroupName="Group")
    iam.add_user_to_group(GroupName="Group", UserName="aws_cli_test")
    iam.attach_group_policy(GroupName="Group", PolicyArn=arn)
    iam.create_user(UserName="bounded", PermissionsBoundary=arn)
    iam.put_user_policy(UserName="bounded", PolicyName="inline", PolicyDocument=POLICY)
    iam.create_login_profile(UserName="bounded", Password="Not-so-secret-1")
    iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")
    iam.create_instance_profile(InstanceProfileName="profile")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="S3_Full_Access")
    iam.create_account_alias(AccountAlias="examined-account")
    iam.create_service_specific_credential(UserName="bounded", ServiceName="codecommit.amazonaws.com")
    iam.generate_credential_report()
