"""Service-linked roles: what AWS's services create for themselves, and only they may change."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Ask, Check
from rolecall.directory import principals
from rolecall.directory.deletions import Deletion, deletion, note_deletion
from rolecall.directory.policies import attach, attached_policies, detach
from rolecall.directory.principals import Role, role_named
from rolecall.identifiers import iam_arn, new_unique_id
from rolecall.services.iam.access import on_role
from rolecall.services.iam.finding import the_role
from rolecall.services.iam.parameters import NewServiceLinkedRole, OfDeletion, OfRole
from rolecall.services.iam.refusals import invalid_input, no_such_entity
from rolecall.services.iam.roles import add_role
from rolecall.services.iam.shown import whole_role
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction


@dataclass(frozen=True, slots=True)
class Link:
    """How the role that is linked to a service is called and what it may."""

    role: str
    """What follows `AWSServiceRoleFor` in the role's name."""
    policy: str
    """The AWS managed policy attached to it, below `/aws-service-role/`."""
    takes_suffix: bool = False


LINKS: Mapping[str, Link] = {
    "access-analyzer.amazonaws.com": Link("AccessAnalyzer", "AccessAnalyzerServiceRolePolicy"),
    "appmesh.amazonaws.com": Link("AppMesh", "AWSAppMeshServiceRolePolicy"),
    "autoscaling.amazonaws.com": Link("AutoScaling", "AutoScalingServiceRolePolicy", takes_suffix=True),
    "backup.amazonaws.com": Link("Backup", "AWSBackupServiceLinkedRolePolicyForBackup"),
    "batch.amazonaws.com": Link("Batch", "BatchServiceRolePolicy"),
    "cloudtrail.amazonaws.com": Link("CloudTrail", "CloudTrailServiceRolePolicy"),
    "config.amazonaws.com": Link("Config", "AWSConfigServiceRolePolicy"),
    "custom-resource.application-autoscaling.amazonaws.com": Link(
        "ApplicationAutoScaling_CustomResource", "AWSApplicationAutoScalingCustomResourcePolicy"
    ),
    "dax.amazonaws.com": Link("DAX", "DAXServiceRolePolicy"),
    "dynamodb.application-autoscaling.amazonaws.com": Link(
        "ApplicationAutoScaling_DynamoDBTable", "AWSApplicationAutoscalingDynamoDBTablePolicy"
    ),
    "ecs.amazonaws.com": Link("ECS", "AmazonECSServiceRolePolicy"),
    "ecs.application-autoscaling.amazonaws.com": Link(
        "ApplicationAutoScaling_ECSService", "AWSApplicationAutoscalingECSServicePolicy"
    ),
    "eks.amazonaws.com": Link("AmazonEKS", "AmazonEKSServiceRolePolicy"),
    "eks-fargate.amazonaws.com": Link("AmazonEKSForFargate", "AmazonEKSForFargateServiceRolePolicy"),
    "eks-nodegroup.amazonaws.com": Link("AmazonEKSNodegroup", "AWSServiceRoleForAmazonEKSNodegroup"),
    "elasticache.amazonaws.com": Link("ElastiCache", "ElastiCacheServiceRolePolicy"),
    "elasticbeanstalk.amazonaws.com": Link("ElasticBeanstalk", "AWSElasticBeanstalkServiceRolePolicy"),
    "elasticfilesystem.amazonaws.com": Link("AmazonElasticFileSystem", "AmazonElasticFileSystemServiceRolePolicy"),
    "elasticloadbalancing.amazonaws.com": Link("ElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"),
    "elasticmapreduce.amazonaws.com": Link("EMRCleanup", "AmazonEMRCleanupPolicy"),
    "es.amazonaws.com": Link("AmazonElasticsearchService", "AmazonElasticsearchServiceRolePolicy"),
    "fsx.amazonaws.com": Link("AmazonFSx", "AmazonFSxServiceRolePolicy"),
    "guardduty.amazonaws.com": Link("AmazonGuardDuty", "AmazonGuardDutyServiceRolePolicy"),
    "kafka.amazonaws.com": Link("Kafka", "KafkaServiceRolePolicy"),
    "lakeformation.amazonaws.com": Link("LakeFormationDataAccess", "LakeFormationDataAccessServiceRolePolicy"),
    "macie.amazonaws.com": Link("AmazonMacie", "AmazonMacieServiceRolePolicy"),
    "opensearchservice.amazonaws.com": Link("AmazonOpenSearchService", "AmazonOpenSearchServiceRolePolicy"),
    "organizations.amazonaws.com": Link("Organizations", "AWSOrganizationsServiceTrustPolicy"),
    "ram.amazonaws.com": Link("ResourceAccessManager", "AWSResourceAccessManagerServiceRolePolicy"),
    "rds.amazonaws.com": Link("RDS", "AmazonRDSServiceRolePolicy"),
    "redshift.amazonaws.com": Link("Redshift", "AmazonRedshiftServiceLinkedRolePolicy"),
    "replication.dynamodb.amazonaws.com": Link("DynamoDBReplication", "DynamoDBReplicationServiceRolePolicy"),
    "securityhub.amazonaws.com": Link("SecurityHub", "AWSSecurityHubServiceRolePolicy"),
    "spot.amazonaws.com": Link("EC2Spot", "AWSEC2SpotServiceRolePolicy"),
    "spotfleet.amazonaws.com": Link("EC2SpotFleet", "AWSEC2SpotFleetServiceRolePolicy"),
    "ssm.amazonaws.com": Link("AmazonSSM", "AmazonSSMServiceRolePolicy"),
    "sso.amazonaws.com": Link("SSO", "AWSSSOServiceRolePolicy"),
    "support.amazonaws.com": Link("Support", "AWSSupportServiceRolePolicy"),
    "transitgateway.amazonaws.com": Link("VPCTransitGateway", "AWSVPCTransitGatewayServiceRolePolicy"),
    "trustedadvisor.amazonaws.com": Link("TrustedAdvisor", "AWSTrustedAdvisorServiceRolePolicy"),
}


def _role_name(parameters: NewServiceLinkedRole) -> str:
    link = LINKS.get(parameters.aws_service_name)
    name = link.role if link is not None else parameters.aws_service_name.partition(".")[0]
    suffix = f"_{parameters.custom_suffix}" if parameters.custom_suffix else ""
    return f"AWSServiceRoleFor{name}{suffix}"


def _create_check(ask: Ask[NewServiceLinkedRole]) -> list[Check]:
    service = ask.parameters.aws_service_name
    arn = iam_arn(ask.caller.account, "role", f"/aws-service-role/{service}/", _role_name(ask.parameters))
    return [Check("iam:CreateServiceLinkedRole", arn, context={"iam:awsservicename": service})]


CREATE: Access[NewServiceLinkedRole] = Access(_create_check)


@operations.write("CreateServiceLinkedRole", NewServiceLinkedRole, CREATE)
def create_service_linked_role(allowed: Allowed, parameters: NewServiceLinkedRole, transaction: Transaction) -> Result:
    """Create the role that is linked to a service, with the trust policy and the policy that AWS gives it."""
    account, service, name = allowed.caller.account, parameters.aws_service_name, _role_name(parameters)
    link = LINKS.get(service)
    if link is None:
        raise invalid_input(f"Service role name for {service} is not known.")
    if parameters.custom_suffix and not link.takes_suffix:
        raise invalid_input(f"Custom suffix is not allowed for {service}")
    if role_named(transaction, account, name) is not None:
        raise invalid_input(f"Service role name {name} has been taken in this account, please try a different suffix.")
    statement = {"Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {"Service": [service]}}
    new = Role(
        account=account,
        name=name,
        path=f"/aws-service-role/{service}/",
        created=allowed.now.replace(microsecond=0),
        role_id=new_unique_id("AROA", account),
        trust=json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":")),
        description=parameters.description,
    )
    add_role(transaction, new)
    attach(transaction, account, new.role_id, f"arn:aws:iam::aws:policy/aws-service-role/{link.policy}")
    return {"role": whole_role(transaction, new)}


@operations.write("DeleteServiceLinkedRole", OfRole, on_role("DeleteServiceLinkedRole"))
def delete_service_linked_role(allowed: Allowed, parameters: OfRole, transaction: Transaction) -> Result:
    """Delete a service-linked role; the task that AWS speaks of is done when the answer comes."""
    gone = the_role(transaction, allowed.caller.account, parameters.role_name)
    if not gone.is_service_linked:
        raise invalid_input(f"The role with name {gone.name} is not a service-linked role.")
    for arn in attached_policies(transaction, gone.account, gone.role_id):
        detach(transaction, gone.account, gone.role_id, arn)
    principals.delete_role(transaction, gone)
    task_id = f"task{gone.path}{gone.name}/{uuid.uuid4()}"
    note_deletion(transaction, Deletion(account=gone.account, task_id=task_id, role_arn=gone.arn))
    return {"deletion_task_id": task_id}


def _status_check(ask: Ask[OfDeletion]) -> list[Check]:
    role = ask.parameters.deletion_task_id.removeprefix("task/").rpartition("/")[0]
    arn = f"arn:aws:iam::{ask.caller.account}:role/{role}"
    return [Check("iam:GetServiceLinkedRoleDeletionStatus", arn)]


STATUS: Access[OfDeletion] = Access(_status_check)


@operations.read("GetServiceLinkedRoleDeletionStatus", OfDeletion, STATUS)
def get_service_linked_role_deletion_status(allowed: Allowed, parameters: OfDeletion, view: Snapshot) -> Result:
    """Tell how far the deletion of a service-linked role is."""
    if deletion(view, allowed.caller.account, parameters.deletion_task_id) is None:
        raise no_such_entity(f"The deletion task {parameters.deletion_task_id} cannot be found.")
    return {"status": "SUCCEEDED"}
