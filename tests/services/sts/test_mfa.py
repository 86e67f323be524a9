"""MFA where sessions begin: whose device, which code, how often, and what policies then see. pyotp makes the codes."""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from botocore.exceptions import ClientError
from tests import serving
from tests.access.world import ACCOUNT, OTHER, START, Credentials, World, allow, deny, document, trusting
from tests.services.sts.assuming import ALICE, R, assume, may, not_authorized, refused, session_of

from rolecall.access.check import Check
from rolecall.directory import devices
from rolecall.directory.devices import ROOT, STEP, Device, device
from rolecall.directory.principals import delete_role, role_by_arn
from rolecall.message import ServiceError
from rolecall.services.operation import Manner
from rolecall.services.sts import mfa, operations
from rolecall.store.interface import Transaction

_TEXT = "MultiFactorAuthentication failed"
WRONG = ("AccessDenied", f"{_TEXT} with invalid MFA one time pass code. ", 403)
NOT_YOURS = (
    "AccessDenied",
    (
        f"{_TEXT}, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this"
        " user."
    ),
    403,
)
HALF = ("AccessDenied", f"{_TEXT}, must provide both MFA serial number and one time pass code.", 403)
WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
_names = (f"phone-{number}" for number in itertools.count())


class Phone:
    """A virtual device of a holder (a user's id, or ROOT), and the authenticator that knows its seed."""

    def __init__(self, world: World, holder: str, account: str = ACCOUNT) -> None:
        new = Device(account=account, name=f"team/{next(_names)}", created=START)
        seed = world.change(lambda transaction: devices.create_device(transaction, new))
        self._world = world
        self._totp = pyotp.TOTP(base64.b32encode(seed).decode())
        self.serial = new.arn
        earlier = (self.code(-1), self.code())
        assert world.change(lambda transaction: devices.enable(transaction, new, holder, earlier, world.clock.now()))
        world.wait(seconds=STEP)

    def code(self, ahead: int = 0) -> str:
        """Return the code of a step: 0 is the present one, which was never shown."""
        return self._totp.at(self._world.clock.now() + timedelta(seconds=STEP * ahead))

    def claim(self, ahead: int = 0) -> dict[str, str]:
        return {"serial_number": self.serial, "token_code": self.code(ahead)}


@pytest.fixture
def alice(world: World) -> Credentials:
    return world.user("alice", allow("s3:*"))


@pytest.fixture
def phone(world: World, alice: Credentials) -> Phone:
    return Phone(world, world.user_id("alice"))


def trusted(world: World, *statements: dict[str, object], **more: object) -> None:
    """Make the role R, which trusts alice under these conditions."""
    world.role("R", trusting({"AWS": world.user_id("alice")}, **more), *statements)


def session_token(world: World, who: Credentials, **more: Any) -> dict[str, Any]:
    return world.call(operations, who, "GetSessionToken", **more)


def refused_token(world: World, who: Credentials, **more: Any) -> tuple[str, str, int]:
    with pytest.raises(ServiceError) as error:
        session_token(world, who, **more)
    return error.value.code, error.value.message, error.value.status


# AssumeRole


def test_a_role_that_wants_mfa_is_refused_without_and_given_with_a_code(
    world: World, alice: Credentials, phone: Phone
) -> None:
    trusted(world, Condition=WITH_MFA)
    assert refused(world, alice) == not_authorized(ALICE)
    session = session_of(world, assume(world, alice, **phone.claim()))
    assert session.mfa_at == world.clock.now()


def test_an_absent_key_is_not_false_but_a_proved_one_is_true(world: World, alice: Credentials, phone: Phone) -> None:
    """For long-term keys the key is absent: BoolIfExists lets them through, Bool false does not match them."""
    trusted(world, Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})
    assert assume(world, alice)
    assert refused(world, alice, **phone.claim()) == not_authorized(ALICE)


def test_the_code_counts_as_mfa_of_this_moment_also_in_the_callers_own_policies(
    world: World, alice: Credentials, phone: Phone
) -> None:
    role = world.role("R", trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    fresh = {"NumericLessThan": {"aws:MultiFactorAuthAge": "1"}}
    world.inline(world.user_id("alice"), document(allow("sts:AssumeRole", role.arn, Condition=fresh)), name="assume")
    assert refused(world, alice) == not_authorized(ALICE)
    assert assume(world, alice, **phone.claim())


def test_a_new_code_is_younger_than_the_calling_sessions_mfa(world: World, alice: Credentials, phone: Phone) -> None:
    trusted(world, Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "60"}})
    session = Credentials.of(session_token(world, alice, **phone.claim()))
    assert assume(world, session)
    world.wait(minutes=10)
    assert refused(world, session) == not_authorized(ALICE)
    assert assume(world, session, **phone.claim())


def test_a_calling_sessions_mfa_opens_the_role_but_is_not_inherited_by_its_session(
    world: World, alice: Credentials, phone: Phone
) -> None:
    trusted(world, allow("s3:*", Condition=WITH_MFA), Condition=WITH_MFA)
    calling = Credentials.of(session_token(world, alice, **phone.claim()))
    without = assume(world, calling)
    assert session_of(world, without).mfa_at is None
    assert not may(world, Credentials.of(without), "s3:ListAllMyBuckets")
    world.wait(seconds=STEP)
    assert may(world, Credentials.of(assume(world, alice, **phone.claim())), "s3:ListAllMyBuckets")


def test_a_role_sessions_mfa_ages(world: World, alice: Credentials, phone: Phone) -> None:
    fresh = {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}
    trusted(world, allow("s3:*", Condition=fresh))
    session = Credentials.of(assume(world, alice, **phone.claim()))
    world.wait(seconds=299)
    assert may(world, session, "s3:ListAllMyBuckets")
    world.wait(seconds=1)
    assert not may(world, session, "s3:ListAllMyBuckets")


def test_a_code_proves_nothing_of_the_calls_after_it(world: World, alice: Credentials, phone: Phone) -> None:
    trusted(world, Condition=WITH_MFA)
    assume(world, alice, **phone.claim())
    assert refused(world, alice) == not_authorized(ALICE)


def test_a_code_does_not_open_a_role_that_does_not_trust(world: World, alice: Credentials, phone: Phone) -> None:
    world.role("R", trusting({"AWS": f"arn:aws:iam::{OTHER}:root"}, Condition=WITH_MFA))
    assert refused(world, alice, **phone.claim()) == not_authorized(ALICE)
    assert refused(world, alice, f"arn:aws:iam::{ACCOUNT}:role/Nobody", **phone.claim()) == not_authorized(
        ALICE, role=f"arn:aws:iam::{ACCOUNT}:role/Nobody"
    )


# Which codes


@pytest.mark.parametrize("ahead", [-1, 0, 1])
def test_a_code_may_be_a_step_early_or_late(world: World, alice: Credentials, phone: Phone, ahead: int) -> None:
    trusted(world)
    world.wait(seconds=STEP)
    assert assume(world, alice, **phone.claim(ahead))


@pytest.mark.parametrize("ahead", [-3, -2, 2, 3, 60])
def test_codes_of_other_moments_are_refused(world: World, alice: Credentials, phone: Phone, ahead: int) -> None:
    trusted(world)
    world.wait(seconds=5 * STEP)
    assert refused(world, alice, **phone.claim(ahead)) == WRONG
    assert assume(world, alice, **phone.claim())


@pytest.mark.parametrize("first", ["AssumeRole", "GetSessionToken"])
def test_a_code_is_good_once_in_either_call(world: World, alice: Credentials, phone: Phone, first: str) -> None:
    """RFC 6238, 5.2: a second attempt with a password that was accepted must not be."""
    trusted(world)
    claim = phone.claim()
    assert assume(world, alice, **claim) if first == "AssumeRole" else session_token(world, alice, **claim)
    assert refused(world, alice, **claim) == WRONG
    assert refused_token(world, alice, **claim) == WRONG
    assert refused(world, alice, **phone.claim(-1)) == WRONG  # nor an earlier one
    world.wait(seconds=STEP)
    assert refused(world, alice, **claim) == WRONG
    assert assume(world, alice, **phone.claim())


def test_of_two_calls_that_proved_the_same_code_one_takes_it(world: World, alice: Credentials, phone: Phone) -> None:
    """The second call was authorized before the first one took the code."""
    wanted = {"role_arn": R, "role_session_name": "work", **phone.claim()}
    trusted(world)
    operation = next(one for one in operations if one.name == "AssumeRole")
    calls = [operation.call(wanted) for _ in range(2)]
    with world.store.view() as view:
        checks = [
            call.checks(
                world.caller(alice), world.ask(alice, Check("s3:ListAllMyBuckets")).request, view, world.clock.now()
            )
            for call in calls
        ]
    first, second = (world.ask(alice, *some) for some in checks)
    assert world.change(lambda transaction: calls[0].write(first, transaction))["credentials"]
    with pytest.raises(ServiceError) as error:
        world.change(lambda transaction: calls[1].write(second, transaction))
    assert (error.value.code, error.value.message, error.value.status) == WRONG


def test_a_call_that_issues_nothing_takes_no_code(world: World, alice: Credentials, phone: Phone) -> None:
    trusted(world)
    code = refused(world, alice, duration_seconds=43200, **phone.claim())[0]
    assert code == "ValidationError"
    assert assume(world, alice, **phone.claim())


def test_who_guesses_is_not_heard_before_the_next_spell(world: World, alice: Credentials, phone: Phone) -> None:
    """RFC 4226, 7.3: six digits must not be guessed without limit."""
    trusted(world)
    wrong = {"serial_number": phone.serial, "token_code": phone.code(7)}
    for _ in range(mfa.MOST_WRONG):
        assert refused(world, alice, **wrong) == WRONG
    assert refused(world, alice, **phone.claim()) == WRONG
    assert refused_token(world, alice, **phone.claim()) == WRONG
    assert assume(world, alice)
    other = Phone(world, world.user_id("alice"))
    assert assume(world, alice, **other.claim())
    world.wait(seconds=mfa.SPELL)
    assert assume(world, alice, **phone.claim())


# Whose device


@pytest.mark.parametrize("half", ["serial_number", "token_code"])
def test_half_a_claim_is_refused_also_where_the_role_asks_for_no_mfa(
    world: World, alice: Credentials, phone: Phone, half: str
) -> None:
    trusted(world)
    claim = phone.claim()
    assert refused(world, alice, **{half: claim[half]}) == HALF
    assert refused_token(world, alice, **{half: claim[half]}) == HALF


def _of_another_user(world: World) -> Phone:
    world.user("bob")
    return Phone(world, world.user_id("bob"))


def _of_root(world: World) -> Phone:
    return Phone(world, ROOT)


def _of_a_namesake_in_another_account(world: World) -> Phone:
    world.user("alice", account=OTHER)
    return Phone(world, world.user_id("alice", OTHER), OTHER)


def _in_another_account_for_the_same_id(world: World) -> Phone:
    return Phone(world, world.user_id("alice"), OTHER)


@pytest.mark.parametrize(
    "make",
    [_of_another_user, _of_root, _of_a_namesake_in_another_account, _in_another_account_for_the_same_id],
)
def test_the_device_of_somebody_else_proves_nothing(
    world: World, alice: Credentials, make: Callable[[World], Phone]
) -> None:
    trusted(world)
    theirs = make(world)
    assert refused(world, alice, **theirs.claim()) == NOT_YOURS
    assert refused_token(world, alice, **theirs.claim()) == NOT_YOURS


def test_a_device_that_is_not_enabled_any_more_proves_nothing(world: World, alice: Credentials, phone: Phone) -> None:
    trusted(world)
    with world.store.view() as view:
        held = device(view, phone.serial)
    assert held is not None
    world.change(lambda transaction: devices.disable(transaction, held))
    assert refused(world, alice, **phone.claim()) == NOT_YOURS


@pytest.mark.parametrize(
    "serial",
    [
        "GAHT12345678",
        f"arn:aws:iam::{ACCOUNT}:mfa/",
        f"arn:aws:iam::{ACCOUNT}:mfa/nobody",
        f"arn:aws:iam::{ACCOUNT}:user/alice",
        "arn:aws:iam:::mfa/team",
    ],
)
def test_a_serial_number_of_no_device_is_refused(world: World, alice: Credentials, phone: Phone, serial: str) -> None:
    trusted(world)
    assert refused(world, alice, serial_number=serial, token_code=phone.code()) == NOT_YOURS


@pytest.mark.parametrize(("old", "new"), [("arn:aws:", "arn:aws-cn:"), ("iam::", "iam:us-east-1:"), ("mfa/t", "mfa/T")])
def test_a_serial_number_is_exact(world: World, alice: Credentials, phone: Phone, old: str, new: str) -> None:
    trusted(world)
    claim = phone.claim() | {"serial_number": phone.serial.replace(old, new)}
    assert refused(world, alice, **claim) == NOT_YOURS


def test_a_role_session_holds_no_device_not_even_that_of_who_began_it(
    world: World, alice: Credentials, phone: Phone
) -> None:
    role = world.role("R", trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), allow("sts:*"))
    world.inline(world.user_id("alice"), document(allow("sts:AssumeRole", role.arn)), name="assume")
    session = Credentials.of(assume(world, alice))
    assert refused(world, session, **phone.claim()) == NOT_YOURS


# GetSessionToken


def test_a_session_with_mfa_may_call_iam_and_its_policies_see_mfa_age(
    world: World, alice: Credentials, phone: Phone
) -> None:
    fresh = {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}
    world.inline(world.user_id("alice"), document(allow("iam:ListUsers", Condition=fresh)), name="iam")
    plain = Credentials.of(session_token(world, alice))
    with pytest.raises(ServiceError) as error:
        world.ask(plain, Check("iam:ListUsers"), operation="iam:ListUsers")
    assert error.value.code == "InvalidClientTokenId"
    session = Credentials.of(session_token(world, alice, **phone.claim()))
    world.ask(session, Check("iam:ListUsers"), operation="iam:ListUsers")
    assert not may(world, alice, "iam:ListUsers")
    world.wait(seconds=3599)
    assert may(world, session, "iam:ListUsers")
    world.wait(seconds=1)
    assert not may(world, session, "iam:ListUsers")


def test_a_deny_without_mfa_lets_only_the_session_with_mfa_through(
    world: World, alice: Credentials, phone: Phone
) -> None:
    without = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    world.inline(world.user_id("alice"), document(deny("*", Condition=without)), name="mfa")
    assert not may(world, alice, "s3:ListAllMyBuckets")
    plain = Credentials.of(session_token(world, alice))
    session = Credentials.of(session_token(world, alice, **phone.claim()))
    assert not may(world, plain, "s3:ListAllMyBuckets")
    assert may(world, session, "s3:ListAllMyBuckets")


def test_roots_session_is_proved_by_roots_device(world: World, alice: Credentials, phone: Phone) -> None:
    roots = Phone(world, ROOT)
    assert refused_token(world, world.root, **phone.claim()) == NOT_YOURS
    session = Credentials.of(session_token(world, world.root, **roots.claim()))
    world.ask(session, Check("iam:ListUsers"), operation="iam:ListUsers")
    assert refused_token(world, world.root, **roots.claim()) == WRONG


# How it runs


@pytest.mark.parametrize("name", ["AssumeRole", "GetSessionToken"])
def test_only_calls_with_a_code_write(name: str) -> None:
    operation = next(one for one in operations if one.name == name)
    wanted = {"role_arn": R, "role_session_name": "work"} if name == "AssumeRole" else {}
    assert operation.call(wanted).manner is Manner.READ
    assert operation.call({**wanted, "token_code": "123456"}).manner is Manner.WRITE
    assert operation.call({**wanted, "serial_number": "GAHT12345678"}).manner is Manner.WRITE


def test_what_a_failed_transaction_saw_is_not_remembered(world: World, alice: Credentials, phone: Phone) -> None:
    """The mark that it saw is given out again, for another state."""
    trusted(world)
    wanted = {"role_arn": R, "role_session_name": "work", **phone.claim()}
    call = next(one for one in operations if one.name == "AssumeRole").call(wanted)
    allowed = world.ask(alice, Check("s3:ListAllMyBuckets"))

    def fails(transaction: Transaction) -> None:
        gone = role_by_arn(transaction, R)
        assert gone is not None
        delete_role(transaction, gone)
        call.write(allowed, transaction)

    with pytest.raises(ServiceError) as error:
        world.change(fails)
    assert (error.value.code, error.value.message, error.value.status) == not_authorized(ALICE)
    world.change(lambda transaction: transaction.advance_watermark())
    assert assume(world, alice)


# On a real server, whose two workers share no memory


class ServedPhone:
    """A device of a user of the server. Enabled just now, it shows one code that was never taken."""

    def __init__(self, iam: Any, user: str, name: str) -> None:
        made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
        totp = pyotp.TOTP(made["Base32StringSeed"].decode())
        now = int(time.time())
        codes = {"AuthenticationCode1": totp.at(now - STEP), "AuthenticationCode2": totp.at(now)}
        iam.enable_mfa_device(UserName=user, SerialNumber=made["SerialNumber"], **codes)
        self.used = {"SerialNumber": made["SerialNumber"], "TokenCode": totp.at(now)}
        self.claim = {"SerialNumber": made["SerialNumber"], "TokenCode": totp.at(now + STEP)}


@pytest.fixture(scope="module")
def carol(server: serving.Server) -> serving.Credentials:
    """A user who may everything of IAM with MFA of the last hour, and assume MfaOnly."""
    fresh = {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}
    key = server.user("mfa-carol", document(allow("iam:*", Condition=fresh)))
    trust = trusting({"AWS": f"arn:aws:iam::{serving.ACCOUNT}:user/mfa-carol"}, Condition=WITH_MFA)
    server.client("iam").create_role(RoleName="MfaOnly", AssumeRolePolicyDocument=document(trust))
    return key


def said(call: Callable[..., Any], **more: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as error:
        call(**more)
    answer = error.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


ROLE = {"RoleArn": f"arn:aws:iam::{serving.ACCOUNT}:role/MfaOnly", "RoleSessionName": "work"}


def test_boto3_assumes_a_role_that_wants_mfa(server: serving.Server, carol: serving.Credentials) -> None:
    sts = server.client("sts", carol)
    phone = ServedPhone(server.client("iam"), "mfa-carol", "mfa-carol-assumes")
    assert said(sts.assume_role, **ROLE)[0] == "AccessDenied"
    assert said(sts.assume_role, **ROLE, **phone.used) == WRONG
    assert said(sts.assume_role, **ROLE, SerialNumber=phone.claim["SerialNumber"]) == HALF
    assert said(server.client("sts", server.learner).get_session_token, **phone.claim) == NOT_YOURS
    answer = sts.assume_role(**ROLE, **phone.claim)
    session = serving.Credentials.of(answer["Credentials"])
    assert server.client("sts", session).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert said(sts.assume_role, **ROLE, **phone.claim) == WRONG


def test_boto3_gets_a_session_with_mfa_that_may_call_iam(server: serving.Server, carol: serving.Credentials) -> None:
    sts = server.client("sts", carol)
    phone = ServedPhone(server.client("iam"), "mfa-carol", "mfa-carol-session")
    assert said(server.client("iam", carol).list_users)[0] == "AccessDenied"
    plain = serving.Credentials.of(sts.get_session_token()["Credentials"])
    assert said(server.client("iam", plain).list_users)[0] == "InvalidClientTokenId"
    session = serving.Credentials.of(sts.get_session_token(**phone.claim)["Credentials"])
    assert server.client("iam", session).list_users()["Users"]
    assert server.client("sts", session).assume_role(**ROLE)


def test_on_two_workers_a_code_is_taken_once(server: serving.Server, carol: serving.Credentials) -> None:
    """RFC 6238, 5.2, in a race."""
    phone = ServedPhone(server.client("iam"), "mfa-carol", "mfa-carol-races")
    clients = [server.client("sts", carol) for _ in range(12)]

    def race(number: int) -> str:
        try:
            clients[number].assume_role(**ROLE, **phone.claim)
        except ClientError as error:
            return str(error.response["Error"]["Message"])
        return "taken"

    with ThreadPoolExecutor(len(clients)) as pool:
        heard = sorted(pool.map(race, range(len(clients))))
    assert heard == [WRONG[1]] * (len(clients) - 1) + ["taken"]


def test_the_trail_tells_of_mfa_and_holds_no_code(server: serving.Server, carol: serving.Credentials) -> None:
    phone = ServedPhone(server.client("iam"), "mfa-carol", "mfa-carol-traced")
    session = server.client("sts", carol).get_session_token(**phone.claim)["Credentials"]
    server.recorded(server.client("iam", serving.Credentials.of(session)).get_account_summary())
    cloudtrail = server.client("cloudtrail")

    def events(key_id: str) -> list[dict[str, Any]]:
        named = [{"AttributeKey": "AccessKeyId", "AttributeValue": key_id}]
        return [
            json.loads(one["CloudTrailEvent"]) for one in cloudtrail.lookup_events(LookupAttributes=named)["Events"]
        ]

    (used,) = events(session["AccessKeyId"])
    assert used["userIdentity"]["sessionContext"]["attributes"]["mfaAuthenticated"] == "true"
    issued = json.dumps(events(carol.access_key_id))
    assert phone.claim["SerialNumber"] in issued
    assert f'"{phone.claim["TokenCode"]}"' not in issued
