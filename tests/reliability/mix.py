"""What the server does, mixed: works that change objects, uploads, versions, users, keys, roles, sessions, buckets.

Each work has subjects of its own, under the name it is given, and changes each of them in a known order. `observe`
says how a subject's value is found out.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Iterable
from urllib.parse import unquote_plus

from tests.reliability.asking import (
    LOST,
    Answer,
    Asked,
    Key,
    assume,
    complete,
    content,
    delete_many,
    iam,
    mark_of,
    policy,
    s3,
    versioning,
)
from tests.reliability.ledger import GONE, Becomes, Change, Ledger, Subject, Work
from tests.serving import ACCOUNT

PLAIN, VERSIONED = "plain-bucket", "kept-versions"
ACTOR = "actor"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
SMALL, LARGE = 900, 50_000
"""Kept in the store; kept as a blob."""
DEAD_KEY = "InvalidClientTokenId"


def prepare(ask: Callable[[Asked], Answer]) -> Key:
    """Make what the works need, and return the key of the user who assumes roles."""
    for asked in (
        s3("PUT", PLAIN),
        s3("PUT", VERSIONED),
        versioning(VERSIONED),
        iam("CreateUser", UserName=ACTOR),
        iam("PutUserPolicy", UserName=ACTOR, PolicyName="all", PolicyDocument=policy(0, action="*")),
    ):
        answer = ask(asked)
        assert answer.is_success, answer
    return ask(iam("CreateAccessKey", UserName=ACTOR)).credentials


def objects(me: str, size: int) -> Work:
    """Objects are put, put again, copied, and deleted, alone and several at once."""
    for count in itertools.count(1):
        key = f"{me}/{count % 5}"
        yield put(key, count, size)
        if count % 3 == 0:
            copied = f"{me}/copy-{count % 2}"
            source = {"x-amz-copy-source": f"/{PLAIN}/{key}"}
            yield Change(s3("PUT", PLAIN, copied, **source), {("copy", PLAIN, copied): str(count)})
        if count % 4 == 0:
            yield Change(s3("DELETE", PLAIN, key), {("object", PLAIN, key): GONE})
        if count % 10 == 0:
            several = [f"{me}/{number}" for number in (1, 2)]
            yield Change(delete_many(PLAIN, several), {("object", PLAIN, key): GONE for key in several})


def put(key: str, mark: int, size: int, bucket: str = PLAIN) -> Change:
    return Change(s3("PUT", bucket, key, body=content(key, mark, size)), {("object", bucket, key): str(mark)})


def uploads(me: str, first_part: int = 0, *, tidy: bool = False) -> Work:
    """Multipart uploads are begun, given parts, and completed or aborted; `tidy`, nothing is left of them."""
    for count in itertools.count(1):
        key = f"{me}/{count}"
        body = content(key, count, first_part + (SMALL if count % 2 else LARGE))
        begun = yield Change(
            s3("POST", PLAIN, key, {"uploads": ""}),
            then=lambda answer, key=key: {("upload", PLAIN, key, answer.text("UploadId")): "open, parts "},
        )
        upload = begun.text("UploadId")
        subject = ("upload", PLAIN, key, upload)
        pieces = [body[:first_part], body[first_part:]] if first_part else [body]
        etags = []
        for number, piece in enumerate(pieces, 1):
            asked = s3("PUT", PLAIN, key, {"partNumber": str(number), "uploadId": upload}, piece)
            given = yield Change(asked, {subject: "open, parts " + " ".join(map(str, range(1, number + 1)))})
            etags.append(given.headers["etag"])
        if count % 4 == 0:
            yield Change(s3("DELETE", PLAIN, key, {"uploadId": upload}), {subject: "aborted"})
        elif count % 5 or tidy:
            yield Change(complete(PLAIN, key, upload, etags), {subject: str(count)})
            if tidy:
                yield Change(s3("DELETE", PLAIN, key), {subject: "aborted"})


def versions(me: str, *, at_most: int = 0) -> Work:
    """Versions and delete markers are added to a few keys; with `at_most`, so many at a time, and all removed again."""
    kept: dict[str, list[str]] = {f"{me}/0": [], f"{me}/1": []}
    for count in itertools.count(1):
        key = f"{me}/{count % 2}"
        ids = kept[key]
        subject = ("versions", VERSIONED, key)
        newest = str(count) if count % 3 else GONE
        body = content(key, count, SMALL if count % 4 else LARGE)
        asked = s3("PUT", VERSIONED, key, body=body) if count % 3 else s3("DELETE", VERSIONED, key)
        answer = yield Change(asked, {subject: f"{len(ids) + 1} versions, newest {newest}"})
        ids.append(answer.headers.get("x-amz-version-id", ""))
        if at_most and len(ids) >= at_most:
            while ids:
                oldest = ids.pop(0)
                left = f"{len(ids)} versions, newest {newest}" if ids else GONE
                yield Change(s3("DELETE", VERSIONED, key, {"versionId": oldest}), {subject: left})


def users(me: str, keys: dict[str, Key], *, tidy: bool = False) -> Work:
    """Users come, get policies and keys, and go: every other one, or, `tidy`, all."""
    for count in itertools.count(1):
        name = f"{me}-{count}"
        user, inline, attached = ("user", name), ("inline", name), ("attached", name)
        yield Change(iam("CreateUser", UserName=name), {user: "there"})
        for mark in (1, 2):
            document = policy(mark)
            asked = iam("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=document)
            yield Change(asked, {inline: str(mark)})
        yield Change(iam("AttachUserPolicy", UserName=name, PolicyArn=READ_ONLY), {attached: "yes"})
        given = yield Change(iam("CreateAccessKey", UserName=name), then=lambda answer: _keep("key", answer, keys))
        key = given.credentials.access_key_id
        if count % 2 and not tidy:
            continue
        yield Change(iam("DeleteAccessKey", UserName=name, AccessKeyId=key), {("key", key): DEAD_KEY})
        yield Change(iam("DetachUserPolicy", UserName=name, PolicyArn=READ_ONLY), {attached: GONE})
        yield Change(iam("DeleteUserPolicy", UserName=name, PolicyName="p"), {inline: GONE})
        yield Change(iam("DeleteUser", UserName=name), {user: GONE})


def roles(me: str, actor: Key, keys: dict[str, Key], *, tidy: bool = False) -> Work:
    """Roles come, change whom they trust, are assumed, and go with their sessions: every fourth, or, `tidy`, all."""
    for count in itertools.count(1):
        name = f"{me}-{count}"
        trust = ("trust", name)
        sessions: list[str] = []
        for mark in (1, 2):
            document = policy(mark, principal=ROOT, action="sts:AssumeRole", resource="")
            if mark == 1:
                yield Change(iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=document), {trust: "1"})
            else:
                asked = iam("UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=document)
                yield Change(asked, {trust: str(mark)})
            given = yield Change(assume(name, actor), then=lambda answer: _keep("key", answer, keys))
            sessions.append(given.credentials.access_key_id)
        if count % 4 == 0 or tidy:
            dead = {("key", session): DEAD_KEY for session in sessions}
            yield Change(iam("DeleteRole", RoleName=name), {trust: GONE, **dead})


def buckets(me: str, *, tidy: bool = False) -> Work:
    """Buckets come, get policies, and go: three of four, or, `tidy`, all."""
    for count in itertools.count(1):
        name = f"{me}-{count}"
        bucket, of_bucket = ("bucket", name), ("bucket policy", name)
        yield Change(s3("PUT", name), {bucket: "there"})
        document = policy(count, principal=ROOT, action="s3:GetObject", resource=f"arn:aws:s3:::{name}/*").encode()
        yield Change(s3("PUT", name, query={"policy": ""}, body=document), {of_bucket: str(count)})
        if count % 4 or tidy:
            yield Change(s3("DELETE", name, query={"policy": ""}), {of_bucket: GONE})
            yield Change(s3("DELETE", name), {bucket: GONE})


def _keep(kind: str, answer: Answer, keys: dict[str, Key]) -> Becomes:
    keys[answer.credentials.access_key_id] = answer.credentials
    return {(kind, answer.credentials.access_key_id): "works"}


Observation = Generator[Asked, Answer, str]


def observe(subject: Subject, keys: dict[str, Key]) -> Observation:
    """Ask what is needed to tell a subject's value, and return it."""
    kind, *named = subject
    return _OBSERVERS[kind](named, keys)


def _object(named: list[str], keys: dict[str, Key]) -> Observation:
    answer = yield s3("GET", *named)
    return mark_of(named[1], answer.body) if answer.is_success else _gone(answer, "NoSuchKey")


def _copy(named: list[str], keys: dict[str, Key]) -> Observation:
    """A copy's bytes name the key they were copied from."""
    bucket, key = named
    answer = yield s3("GET", bucket, key)
    if not answer.is_success:
        return _gone(answer, "NoSuchKey")
    return mark_of(answer.body.split(b"|")[0].decode(), answer.body)


def _upload(named: list[str], keys: dict[str, Key]) -> Observation:
    """An upload is under way, or its object is there: never both, never half."""
    bucket, key, upload = named
    parts = yield s3("GET", bucket, key, {"uploadId": upload})
    found = yield s3("GET", bucket, key)
    if parts.code == "NoSuchUpload":
        return mark_of(key, found.body) if found.is_success else "aborted"
    if not parts.is_success or found.code != "NoSuchKey":
        return f"half done: {parts.code or 'parts'}, {found.code or 'object'}"
    return "open, parts " + " ".join(parts.texts("PartNumber"))


def _versions(named: list[str], keys: dict[str, Key]) -> Observation:
    bucket, key = named
    listed = yield s3("GET", bucket, query={"versions": "", "prefix": key})
    if not listed.is_success:
        return listed.code
    newest = yield s3("GET", bucket, key)
    count = len(listed.texts("VersionId"))
    if count == 0:
        return GONE
    told = mark_of(key, newest.body) if newest.is_success else _gone(newest, "NoSuchKey")
    return f"{count} versions, newest {told}"


def _mark(asked: Callable[[str], Asked], missing: str) -> Callable[[list[str], dict[str, Key]], Observation]:
    def observer(named: list[str], keys: dict[str, Key]) -> Observation:
        answer = yield asked(named[0])
        return answer.mark() if answer.is_success else _gone(answer, missing, "NoSuchBucket")

    return observer


def _user(named: list[str], keys: dict[str, Key]) -> Observation:
    answer = yield iam("GetUser", UserName=named[0])
    return "there" if answer.is_success else _gone(answer, "NoSuchEntity")


def _attached(named: list[str], keys: dict[str, Key]) -> Observation:
    answer = yield iam("ListAttachedUserPolicies", UserName=named[0])
    if not answer.is_success:
        return _gone(answer, "NoSuchEntity")
    return "yes" if READ_ONLY in answer.texts("PolicyArn") else GONE


def _key(named: list[str], keys: dict[str, Key]) -> Observation:
    who = Asked("sts", "POST", headers=iam("x").headers, body=b"Action=GetCallerIdentity&Version=2011-06-15")
    answer = yield Asked(who.service, who.method, headers=who.headers, body=who.body, who=keys[named[0]])
    return "works" if answer.is_success else answer.code


def _bucket(named: list[str], keys: dict[str, Key]) -> Observation:
    answer = yield s3("HEAD", named[0])
    return "there" if answer.is_success else _gone(answer, "404")


def _gone(answer: Answer, *codes: str) -> str:
    return GONE if answer.code in codes else answer.code


_OBSERVERS: dict[str, Callable[[list[str], dict[str, Key]], Observation]] = {
    "object": _object,
    "copy": _copy,
    "upload": _upload,
    "versions": _versions,
    "user": _user,
    "inline": _mark(lambda name: iam("GetUserPolicy", UserName=name, PolicyName="p"), "NoSuchEntity"),
    "trust": _mark(lambda name: iam("GetRole", RoleName=name), "NoSuchEntity"),
    "bucket policy": _mark(lambda name: s3("GET", name, query={"policy": ""}), "NoSuchBucketPolicy"),
    "attached": _attached,
    "key": _key,
    "bucket": _bucket,
}


def ask_value(subject: Subject, keys: dict[str, Key], ask: Callable[[Asked], Answer]) -> str:
    """Return the value of a subject as `ask` finds it."""
    observation = observe(subject, keys)
    try:
        asked = next(observation)
        while True:
            asked = observation.send(ask(asked))
    except StopIteration as told:
        value: str = told.value
        return value


def patient(ask: Callable[[Asked], Answer]) -> Callable[[Asked], Answer]:
    """Ask again where the server says that it was asked too often: thousands of revoked keys are one sender's guesses."""

    def asked(what: Asked) -> Answer:
        while (answer := ask(what)).code in {"Throttling", "SlowDown"}:
            time.sleep(0.2)
        return answer

    return asked


def what_is_wrong(
    ledger: Ledger, subjects: Iterable[Subject], keys: dict[str, Key], ask: Callable[[Asked], Answer]
) -> list[str]:
    """Look each of the subjects up and return what should not be as it is."""
    found = (ledger.found(subject, ask_value(subject, keys, ask)) for subject in subjects)
    return [wrong for wrong in found if wrong is not None]


def wrongly_listed(ledger: Ledger, ask: Callable[[Asked], Answer], bucket: str = PLAIN) -> list[str]:
    """Return the keys that the bucket's listing lacks or should not have."""
    listed = set(all_keys(bucket, ask))
    wrong = []
    for kind, *named in ledger.subjects():
        if kind not in {"object", "copy", "upload"} or named[0] != bucket:
            continue
        values = ledger.may_be((kind, *named))
        absent = {value for value in values if value in {GONE, "aborted"} or value.startswith("open")}
        if (named[1] in listed and values == absent) or (named[1] not in listed and not absent):
            wrong.append(f"{named[1]} {'is' if named[1] in listed else 'is not'} listed, and is {values}")
    return wrong


def all_keys(bucket: str, ask: Callable[[Asked], Answer]) -> Iterable[str]:
    """Yield the keys of a bucket, page by page."""
    token: dict[str, str] = {}
    while True:
        page = ask(s3("GET", bucket, query={"list-type": "2", "max-keys": "300", **token}))
        assert page.is_success, page
        yield from map(unquote_plus, page.texts("Key"))
        if page.text("IsTruncated") != "true":
            return
        token = {"continuation-token": page.text("NextContinuationToken")}


def drive(work: Work, ledger: Ledger, ask: Callable[[Asked], Answer], until: Callable[[], bool]) -> None:
    """Let a work ask until it is told to stop, or its first change that may or may not have been made."""
    answer = LOST
    change = next(work)
    while not until():
        ledger.begin(change)
        answer = ask(change.asked)
        ledger.end(change, answer)
        if not answer.is_success:
            return
        change = work.send(answer)
