"""Things of the server that have one value at a time, and the histories of those who change them and look at them.

What is looked at is what the server does with the value, and not the value alone: a key is used, a policy is hit, a
trust policy lets somebody in.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.reliability import mix
from tests.reliability.asking import NO_ANSWER, Answer, Asked, Key, assume, content, iam, mark_of, policy, s3, sts
from tests.reliability.checker import NEVER, Operation, Step, impossible, read, was_not, wrote
from tests.reliability.ledger import GONE
from tests.serving import ACCOUNT

Ask = Callable[[Asked], Answer]

YES, NO = "yes", "no"
OPEN_POLICY = "arn:aws:iam::aws:policy/AmazonS3FullAccess"


@dataclass(frozen=True)
class Register:
    """Something with one value at a time, how it is changed, and how one sees which it has."""

    name: str
    initial: str
    values: Sequence[str]
    change: Callable[[str], Asked]
    look: Asked
    tell: Callable[[Answer], str]
    listed: str = ""
    """Where it is an object, its key."""


@dataclass
class History:
    """What was asked and answered, by register."""

    operations: dict[str, list[Operation]] = field(default_factory=lambda: defaultdict(list))
    initial: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, register: Register, invoked: float, what: str, step: Step, *, returned: float | None = None) -> None:
        operation = Operation(invoked, time.monotonic() if returned is None else returned, what, step)
        with self._lock:
            self.initial[register.name] = register.initial
            self.operations[register.name].append(operation)

    def wrong(self) -> list[str]:
        """Return what no order explains, by register."""
        found = ((name, impossible(done, self.initial[name])) for name, done in self.operations.items())
        return [f"{name}:\n{told}" for name, told in found if told is not None]

    @property
    def size(self) -> int:
        return sum(map(len, self.operations.values()))


def change(register: Register, value: str, ask: Ask, history: History) -> Answer:
    """Change a register, and note what came of it."""
    invoked = time.monotonic()
    answer = ask(register.change(value))
    what = f"{value} written: {answer.code or answer.status}"
    if answer.is_success:
        history.note(register, invoked, what, wrote(value))
    elif answer.status in {NO_ANSWER, 503}:
        history.note(register, invoked, what, wrote(value), returned=NEVER)
    elif answer.code == "NoSuchEntity":  # somebody else took it away before
        history.note(register, invoked, what, read(NO))
    else:
        raise AssertionError(f"{register.name}: {answer}")
    return answer


def look(register: Register, ask: Ask, history: History) -> str | None:
    """Look at a register, and note what was seen."""
    invoked = time.monotonic()
    answer = ask(register.look)
    if answer.status in {NO_ANSWER, 503}:
        return None
    value = register.tell(answer)
    history.note(register, invoked, f"{value} seen", read(value))
    return value


def list_all(bucket: str, prefix: str, registers: Sequence[Register], ask: Ask, history: History) -> None:
    """List the objects and note for each register whether it is among them."""
    invoked = time.monotonic()
    answer = ask(s3("GET", bucket, query={"list-type": "2", "prefix": prefix}))
    if answer.status in {NO_ANSWER, 503}:
        return
    assert answer.is_success, answer
    keys = set(answer.texts("Key"))
    for register in registers:
        if register.listed:
            there = register.listed in keys
            history.note(register, invoked, f"listed: {there}", was_not(GONE) if there else read(GONE))


def play(
    registers: Sequence[Register], asks: Sequence[Ask], until: Callable[[], bool], *, prefix: str, seed: int = 0
) -> History:
    """Let one thread for each of `asks` change registers and look at them, and return what they saw."""
    history = History()
    troubles: list[BaseException] = []
    numbers = itertools.count(1)

    def run(ask: Ask, chance: random.Random) -> None:
        try:
            while not until():
                register = chance.choice(registers)
                turn = chance.random()
                if turn < 0.25:
                    values = register.values or [str(next(numbers)), str(next(numbers)), GONE]
                    change(register, chance.choice(values), ask, history)
                elif turn < 0.32:
                    list_all(mix.PLAIN, prefix, registers, ask, history)
                else:
                    look(register, ask, history)
        except BaseException as trouble:
            troubles.append(trouble)

    threads = [
        threading.Thread(target=run, args=(ask, random.Random(seed * 1000 + number)), daemon=True)
        for number, ask in enumerate(asks)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for trouble in troubles:
        raise trouble
    return history


# The registers


def an_object(me: str, size: int) -> Register:
    key = f"{me}/{size}"

    def changing(value: str) -> Asked:
        if value == GONE:
            return s3("DELETE", mix.PLAIN, key)
        return s3("PUT", mix.PLAIN, key, body=content(key, value, size))

    def tell(answer: Answer) -> str:
        return mark_of(key, answer.body) if answer.is_success else _one_of(answer, {"NoSuchKey": GONE})

    return Register(f"object of {size} bytes", GONE, [], changing, s3("GET", mix.PLAIN, key), tell, listed=key)


def all_registers(me: str, ask: Ask) -> list[Register]:
    """Make what the registers need, under names of `me`, and return one of each kind."""
    user, role, bucket = f"user-{me}", f"role-{me}", f"bucket-{me}"
    key = _user(user, ask)
    own_key = _user(f"keyed-{me}", ask)
    trust = policy(1, principal=mix.ROOT, action="sts:AssumeRole", resource="")
    visitor = _user(f"visitor-{me}", ask)
    _all(
        ask,
        s3("PUT", bucket),
        s3("PUT", bucket, "looked-at", body=b"x"),
        iam("CreateGroup", GroupName=f"group-{me}"),
        iam("PutGroupPolicy", GroupName=f"group-{me}", PolicyName="p", PolicyDocument=policy(1)),
        iam("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust),
        iam("PutUserPolicy", UserName=f"visitor-{me}", PolicyName="p", PolicyDocument=policy(1, action="sts:*")),
        iam("PutRolePolicy", RoleName=role, PolicyName="allow", PolicyDocument=policy(1)),
    )
    session = ask(assume(role, visitor)).credentials
    grouped, bounded = _user(f"grouped-{me}", ask), _user(f"bounded-{me}", ask)
    _all(ask, iam("PutUserPolicy", UserName=f"bounded-{me}", PolicyName="p", PolicyDocument=policy(1)))
    return [
        an_object(me, 700),
        an_object(me, 60_000),
        _key_status(f"keyed-{me}", own_key),
        _by_policy("inline policy", _inline(user), s3("GET", bucket, "looked-at", who=key)),
        _by_policy(
            "attached policy",
            _attachment(f"attached-{me}"),
            s3("GET", bucket, "looked-at", who=_user(f"attached-{me}", ask)),
        ),
        _by_policy(
            "membership", _membership(f"group-{me}", f"grouped-{me}"), s3("GET", bucket, "looked-at", who=grouped)
        ),
        _by_policy("session's role", _revocation(role), s3("GET", bucket, "looked-at", who=session), initial=YES),
        _by_policy("boundary", _boundary(f"bounded-{me}"), s3("GET", bucket, "looked-at", who=bounded), initial=YES),
        _by_policy("trust policy", _trust(role), assume(role, visitor), initial=YES),
        _by_policy(
            "bucket policy",
            _of_bucket(bucket, f"barred-{me}"),
            s3("GET", bucket, "looked-at", who=_allowed_user(f"barred-{me}", ask)),
            initial=YES,
        ),
        _versioning(bucket, ask),
    ]


Ending = Callable[[str, Key], list[Asked]]
"""What to ask for so that a key or session is dead after the last."""


def _delete_key(name: str, key: Key) -> list[Asked]:
    return [iam("DeleteAccessKey", UserName=name, AccessKeyId=key.access_key_id)]


def _deactivate_key(name: str, key: Key) -> list[Asked]:
    return [iam("UpdateAccessKey", UserName=name, AccessKeyId=key.access_key_id, Status="Inactive")]


def _delete_role(name: str, _: Key) -> list[Asked]:
    return [iam("DeleteRole", RoleName=name)]


def _replace_role(name: str, _: Key) -> list[Asked]:
    """A role of the same name is another role: the sessions of the one before do not come back."""
    trust = policy(1, principal=mix.ROOT, action="sts:AssumeRole", resource="")
    return [iam("DeleteRole", RoleName=name), iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust)]


END_OF_KEY: Sequence[Ending] = (_delete_key, _deactivate_key)
END_OF_SESSION: Sequence[Ending] = (_delete_role, _replace_role)


def short_lived_user(name: str, ask: Ask) -> Key:
    """Make a user, and return its key, which may do everything."""
    return _allowed_user(name, ask, "*")


def short_lived_role(name: str, ask: Ask) -> Key:
    """Make a role, and return a session of it that the user of this name took."""
    trust = policy(1, principal=mix.ROOT, action="sts:AssumeRole", resource="")
    _all(ask, iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust))
    return ask(assume(name, _allowed_user(f"taker-{name}", ask, "*"))).credentials


def lives(key: Key, ask: Ask) -> bool:
    """Tell whether a key or session is taken for what it was."""
    answer = ask(sts("GetCallerIdentity", key))
    assert answer.code in {"", mix.DEAD_KEY}, answer
    return answer.is_success


def _by_policy(name: str, changing: Callable[[str], Asked], looking: Asked, initial: str = NO) -> Register:
    """A policy's being there or not, seen in what it lets somebody do. `NO` is what removes a grant."""

    def tell(answer: Answer) -> str:
        return YES if answer.is_success else _one_of(answer, {"AccessDenied": NO})

    return Register(name, initial, [YES, NO], changing, looking, tell)


def _key_status(user: str, key: Key) -> Register:
    def changing(value: str) -> Asked:
        status = "Active" if value == YES else "Inactive"
        return iam("UpdateAccessKey", UserName=user, AccessKeyId=key.access_key_id, Status=status)

    def tell(answer: Answer) -> str:
        return YES if answer.is_success else _one_of(answer, {mix.DEAD_KEY: NO})

    return Register("access key", YES, [YES, NO], changing, sts("GetCallerIdentity", key), tell)


def _inline(user: str) -> Callable[[str], Asked]:
    return lambda value: iam(
        "PutUserPolicy",
        UserName=user,
        PolicyName="p",
        PolicyDocument=policy(1, effect="Allow" if value == YES else "Deny"),
    )


def _attachment(user: str) -> Callable[[str], Asked]:
    return lambda value: iam(
        "AttachUserPolicy" if value == YES else "DetachUserPolicy", UserName=user, PolicyArn=OPEN_POLICY
    )


def _membership(group: str, user: str) -> Callable[[str], Asked]:
    return lambda value: iam(
        "AddUserToGroup" if value == YES else "RemoveUserFromGroup", GroupName=group, UserName=user
    )


def _revocation(role: str) -> Callable[[str], Asked]:
    return lambda value: iam(
        "PutRolePolicy",
        RoleName=role,
        PolicyName="revoke",
        PolicyDocument=policy(1, effect="Deny" if value == NO else "Allow"),
    )


def _boundary(user: str) -> Callable[[str], Asked]:
    arn = "arn:aws:iam::aws:policy/" + "{}"
    return lambda value: iam(
        "PutUserPermissionsBoundary",
        UserName=user,
        PermissionsBoundary=arn.format("AmazonS3FullAccess" if value == YES else "IAMReadOnlyAccess"),
    )


def _trust(role: str) -> Callable[[str], Asked]:
    def changing(value: str) -> Asked:
        effect = "Allow" if value == YES else "Deny"
        document = policy(1, principal=mix.ROOT, action="sts:AssumeRole", resource="", effect=effect)
        return iam("UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=document)

    return changing


def _of_bucket(bucket: str, user: str) -> Callable[[str], Asked]:
    def changing(value: str) -> Asked:
        if value == YES:
            return s3("DELETE", bucket, query={"policy": ""})
        barred = f"arn:aws:iam::{ACCOUNT}:user/{user}"
        document = policy(1, principal=barred, resource=f"arn:aws:s3:::{bucket}/*", effect="Deny")
        return s3("PUT", bucket, query={"policy": ""}, body=document.encode())

    return changing


def _versioning(bucket: str, ask: Ask) -> Register:
    def changing(value: str) -> Asked:
        body = f"<VersioningConfiguration><Status>{value}</Status></VersioningConfiguration>".encode()
        return s3("PUT", bucket, query={"versioning": ""}, body=body)

    _all(ask, changing("Suspended"))
    looking = s3("PUT", bucket, "written", body=b"x")

    def tell(answer: Answer) -> str:
        assert answer.is_success, answer
        return "Suspended" if answer.headers.get("x-amz-version-id", "null") == "null" else "Enabled"

    return Register("versioning", "Suspended", ["Enabled", "Suspended"], changing, looking, tell)


def _user(name: str, ask: Ask) -> Key:
    _all(ask, iam("CreateUser", UserName=name))
    return ask(iam("CreateAccessKey", UserName=name)).credentials


def _allowed_user(name: str, ask: Ask, action: str = "s3:*") -> Key:
    key = _user(name, ask)
    _all(ask, iam("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=policy(1, action=action)))
    return key


def _all(ask: Ask, *asked: Asked) -> None:
    for one in asked:
        answer = ask(one)
        assert answer.is_success, (one, answer)


def _one_of(answer: Answer, meant: dict[str, str]) -> str:
    assert answer.code in meant, answer
    return meant[answer.code]
