from __future__ import annotations

from typing import Any

import pytest
from tests.services.iam.account import ACCOUNT, ServedAccount, allow, deny
from tests.services.iam.refused import refused

ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/example.com/a"


def test_a_provider_is_made_shown_listed_and_forgotten(iam: Any) -> None:
    made = iam.create_open_id_connect_provider(
        Url="https://example.com/a", ClientIDList=["x"], ThumbprintList=["b" * 40]
    )
    assert made["OpenIDConnectProviderArn"] == ARN
    got = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=ARN)
    assert (got["Url"], got["ClientIDList"], got["ThumbprintList"]) == ("example.com/a", ["x"], ["b" * 40])
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": ARN}]
    for _ in range(2):
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=ARN)
    said = refused(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=ARN)
    assert said == ("NoSuchEntity", 404, f"OpenIDConnect Provider not found for arn {ARN}")


def test_audiences_and_thumbprints_are_changed(iam: Any) -> None:
    iam.create_open_id_connect_provider(Url="https://example.com/a", ClientIDList=["x"])
    for client in ("y", "y"):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=ARN, ClientID=client)
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=ARN, ThumbprintList=["c" * 40])
    got = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=ARN)
    assert (got["ClientIDList"], got["ThumbprintList"]) == (["x", "y"], ["c" * 40])
    for client in ("x", "x"):
        iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=ARN, ClientID=client)
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=ARN)["ClientIDList"] == ["y"]


@pytest.mark.parametrize("url", ["example.org", "http://example.org", "https://", "https://a@example.org",
                                 "https://example.org:8443", "https://example.org/?a=b", "https://[::1",
                                 "https://*", "https://example.org/*", "https://exa mple.org", "https://example.org/\0",
                                 "https://ex\u00e4mple.org", "https://[::1]", "https://example..org"])  # fmt: skip
def test_an_issuer_is_an_https_url_and_nothing_besides(iam: Any, url: str) -> None:
    said = refused(iam.create_open_id_connect_provider, Url=url)
    assert said == ("ValidationError", 400, "Invalid Open ID Connect Provider URL")


def test_there_are_limits(iam: Any) -> None:
    ids = [str(number) for number in range(101)]
    said = refused(iam.create_open_id_connect_provider, Url="https://a.example", ClientIDList=ids)
    assert said == ("LimitExceeded", 409, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")
    prints = [letter * 40 for letter in "abcdef"]
    said = refused(iam.create_open_id_connect_provider, Url="https://a.example", ThumbprintList=prints)
    assert said == ("InvalidInput", 400, "Thumbprint list must contain fewer than 5 entries.")


def test_an_issuer_is_known_once(iam: Any) -> None:
    iam.create_open_id_connect_provider(Url="https://example.com")
    said = refused(iam.create_open_id_connect_provider, Url="https://example.com/")
    assert said == ("EntityAlreadyExists", 409, "Provider with url https://example.com/ already exists.")


def test_rights_are_asked_on_the_provider(account: ServedAccount, iam: Any) -> None:
    iam.create_open_id_connect_provider(Url="https://example.com/a", Tags=[{"Key": "team", "Value": "red"}])
    tagged = allow("iam:GetOpenIDConnectProvider", ARN, Condition={"StringEquals": {"aws:ResourceTag/team": "red"}})
    assert account.client(who=account.user("a", tagged)).get_open_id_connect_provider(OpenIDConnectProviderArn=ARN)
    other = account.client(who=account.user("b", allow("iam:*", f"arn:aws:iam::{ACCOUNT}:oidc-provider/example.com")))
    assert refused(other.get_open_id_connect_provider, OpenIDConnectProviderArn=ARN)[0] == "AccessDenied"


@pytest.mark.parametrize("partition_and_region", ["aws:iam:us-east-1", "aws-cn:iam:", "aws:sts:"])
def test_another_spelling_of_its_arn_does_not_take_a_provider_out_of_a_deny(
    account: ServedAccount, iam: Any, partition_and_region: str
) -> None:
    """Authorized under one name and found under another: the shape of CVE-2026-55873 and of versitygw cd0b4e6d."""
    iam.create_open_id_connect_provider(Url="https://example.com/a")
    mallory = account.client(who=account.user("mallory", allow("iam:*"), deny("iam:*", ARN)))
    assert refused(mallory.get_open_id_connect_provider, OpenIDConnectProviderArn=ARN)[0] == "AccessDenied"
    other = ARN.replace("aws:iam:", partition_and_region, 1)
    assert refused(mallory.get_open_id_connect_provider, OpenIDConnectProviderArn=other)[0] == "NoSuchEntity"
    add = mallory.add_client_id_to_open_id_connect_provider
    assert refused(add, OpenIDConnectProviderArn=other, ClientID="evil")[0] == "NoSuchEntity"
