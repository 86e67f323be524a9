"""Temporary credentials: sealed into their token, not stored, so that issuing one writes nothing.

A token is base64 of: a format byte, the number of the key that sealed it, a nonce, and a `Session` under AES-256-GCM.
The secret access key is derived from the sealing key and the session's random id. Only a revocation is a record.
"""

from __future__ import annotations

import binascii
import hmac
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rolecall.directory.records import DirectoryError
from rolecall.identifiers import access_key_id_from, random_piece
from rolecall.sigv4.mac import Mac
from rolecall.store.interface import Snapshot, StoreUnavailable, Transaction
from rolecall.store.keys import pack, unpack

KEY_LIFE = timedelta(days=1)
"""How long a key seals before `rotate` makes a new one."""
KEPT_AFTER = timedelta(hours=36, minutes=30)
"""How long a key still opens after it ceased to seal: the longest session lasts 36 hours, the rest is for skew."""

MAX_TOKEN = 4096
"""The longest token in characters."""
PACKED_ALLOWANCE = 2048
"""Bytes that policies, policy ARNs and tags may take when packed: 100 % of PackedPolicySize."""

_FORMAT = b"\x01"
_NUMBER_SIZE = 4
_NONCE_SIZE = 12
_TAG_SIZE = 16
_HEAD_SIZE = len(_FORMAT) + _NUMBER_SIZE
_MAX_PAYLOAD = MAX_TOKEN // 4 * 3 - _HEAD_SIZE - _NONCE_SIZE - _TAG_SIZE
_MAX_PLAIN = 256 * 1024
_PLAIN = b"\x00"
_DEFLATED = b"\x01"
_WORTH_DEFLATING = 400


class TokenInvalid(DirectoryError):
    """A session token that was not sealed here, by a key that is still kept, or not in a format known here."""


class TokenTooLarge(DirectoryError):
    """A session that does not fit into a token; `packed_percent` of it is above 100."""


class SessionKind(Enum):
    """How a session came about."""

    ROLE = "r"
    """AssumeRole and its federated kin: the owner is a role."""
    SESSION_TOKEN = "s"  # noqa: S105
    """GetSessionToken: the owner is a user, or root."""
    FEDERATION = "f"
    """GetFederationToken: the owner is the user whose rights bound it, or root."""


class Session(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A session as its token holds it. Fields are sealed by position: new ones go to the end, with a default."""

    kind: SessionKind
    account: str
    owner_id: str
    """The unique id of the role or user; empty for root."""
    session_id: bytes
    """16 random bytes. The access key id is too short to hang anything on."""
    access_key_id: str
    issued: datetime
    expires: datetime
    name: str = ""
    """The role session name or the federated user's name."""
    policies: tuple[str, ...] = ()
    """Texts of inline session policies."""
    policy_arns: tuple[str, ...] = ()
    """Managed policies as session policies."""
    session_tags: dict[str, str] = {}
    transitive: tuple[str, ...] = ()
    """Keys of those session tags that later sessions inherit."""
    source_identity: str = ""
    mfa_at: datetime | None = None
    chained: bool = False
    """Whether it was made with temporary credentials."""
    provider: str = ""
    """The identity provider behind it: an ARN or a built-in name."""
    provider_context: dict[str, str | tuple[str, ...]] = {}
    """Condition keys of the provider (lower case) that later requests carry."""
    padding: bytes = b""
    """Random bytes that mean nothing, where a client asked for a longer token."""


class Issued(msgspec.Struct, frozen=True):
    """Temporary credentials, ready to hand out."""

    access_key_id: str
    secret: str
    token: str


class SessionKey:
    """One key of the ring: it seals tokens and derives secrets, each by a key of its own."""

    __slots__ = ("_cipher", "_deriving", "made", "number")

    def __init__(self, number: bytes, made: datetime, key: bytes) -> None:
        """Take `key`, 32 random bytes, known by its `number`."""
        self.number = number
        self.made = made
        self._cipher = AESGCM(hmac.digest(key, b"rolecall session token", "sha256"))
        self._deriving = Mac(hmac.digest(key, b"rolecall session secret", "sha256"), "sha512")

    def seal(self, payload: bytes) -> bytes:
        """Return the sealed `payload`, its nonce before it."""
        nonce = random_piece()[:_NONCE_SIZE]
        return nonce + self._cipher.encrypt(nonce, payload, _FORMAT + self.number)

    def open(self, sealed: bytes) -> bytes:
        """Return what was sealed. Raises InvalidTag."""
        return self._cipher.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], _FORMAT + self.number)

    def secret(self, session_id: bytes) -> str:
        """Return the secret access key of 40 characters that belongs to a session id."""
        return binascii.b2a_base64(self._deriving.digest(session_id)[:30], newline=False).decode()


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The ring: `newest` seals, all of them open."""

    newest: SessionKey
    by_number: Mapping[bytes, SessionKey]


class _Listed(msgspec.Struct, frozen=True):
    """What is said openly of a key of the ring."""

    number: bytes
    made: datetime
    retired: datetime | None = None


_RING = pack("session-keys")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Session).decode
_decode_ring = msgspec.msgpack.Decoder(list[_Listed]).decode


def session_keys(view: Snapshot) -> SessionKeys:
    """Return the ring, opened; it may be kept while the watermark stands. Raises StoreUnavailable."""
    keys: dict[bytes, SessionKey] = {}
    newest: SessionKey | None = None
    for listed in _ring(view):
        key = view.get_secret(pack("session-key", listed.number))
        if key is None:
            raise StoreUnavailable("a session key is missing from the store")
        keys[listed.number] = newest = SessionKey(listed.number, listed.made, key)
    if newest is None:
        raise StoreUnavailable("the store holds no session keys yet")
    return SessionKeys(newest, keys)


def ensure_session_keys(transaction: Transaction, now: datetime) -> None:
    """Make the first key of the ring where there is none, and rotate where the newest has sealed for long enough.

    One that was made in time to come, by a clock that ran ahead, is replaced too: it would seal for too long.
    """
    ring = _ring(transaction)
    if not ring or abs(now - ring[-1].made) >= KEY_LIFE:
        rotate(transaction, now)


def rotate(transaction: Transaction, now: datetime) -> None:
    """Make a new key that seals from now on; keys that no live session can hang on any more are forgotten."""
    ring = [
        listed if listed.retired is not None else msgspec.structs.replace(listed, retired=now)
        for listed in _ring(transaction)
    ]
    kept = [listed for listed in ring if listed.retired is None or listed.retired + KEPT_AFTER > now]
    for listed in ring:
        if listed not in kept:
            transaction.delete(pack("session-key", listed.number))
    _add_key(transaction, kept, now)


def replace_session_keys(transaction: Transaction, now: datetime) -> None:
    """Forget the whole ring and begin a new one: every session issued before dies at once."""
    for listed in _ring(transaction):
        transaction.delete(pack("session-key", listed.number))
    _add_key(transaction, [], now)


def _add_key(transaction: Transaction, kept: list[_Listed], now: datetime) -> None:
    number = os.urandom(_NUMBER_SIZE)
    while any(listed.number == number for listed in kept):
        number = os.urandom(_NUMBER_SIZE)
    transaction.put_secret(pack("session-key", number), os.urandom(32))
    transaction.put(_RING, _encode([*kept, _Listed(number, now)]))
    transaction.advance_watermark()


def _ring(view: Snapshot) -> list[_Listed]:
    value = view.get(_RING)
    return [] if value is None else _decode_ring(value)


def draw_session_id(account: str) -> tuple[bytes, str]:
    """Draw the id of a new session, and the ASIA access key id that belongs to it."""
    session_id = random_piece()
    return session_id, access_key_id_from("ASIA", account, session_id)


def issue(keys: SessionKeys, session: Session, *, pad_to: int = 0) -> Issued:
    """Seal a session into temporary credentials, with a token of at least `pad_to` characters (at most `MAX_TOKEN`).

    Raises TokenTooLarge, which `packed_percent` tells beforehand.
    """
    payload = _packed(_encode(session))
    if pad_to:
        least = -(-min(pad_to, MAX_TOKEN) // 4) * 3 - (MAX_TOKEN // 4 * 3 - _MAX_PAYLOAD)
        if len(payload) < least:
            payload = _padded(session, least)
    if len(payload) > _MAX_PAYLOAD:
        raise TokenTooLarge(f"{len(payload)} bytes, at most {_MAX_PAYLOAD}")
    key = keys.newest
    token = binascii.b2a_base64(_FORMAT + key.number + key.seal(payload), newline=False).decode()
    return Issued(session.access_key_id, key.secret(session.session_id), token)


def _padded(session: Session, size: int) -> bytes:
    """Return a payload of `size` bytes or a few more, never beyond the largest. What packing saves is padded again."""
    noise = os.urandom(_MAX_PAYLOAD)
    count = 0
    payload = _packed(_encode(session))
    for _ in range(8):
        count = max(0, count + size - len(payload))
        payload = _packed(_encode(msgspec.structs.replace(session, padding=noise[:count])))
        if size <= len(payload) <= _MAX_PAYLOAD:
            break
    return payload


def open_token(keys: SessionKeys, token: str) -> tuple[Session, str]:
    """Return the session that a token holds, whether it has expired or not, and its secret access key.

    Raises TokenInvalid.
    """
    if len(token) > MAX_TOKEN:
        raise TokenInvalid("too long")
    try:
        sealed = binascii.a2b_base64(token.encode("ascii"), strict_mode=True)
    except ValueError:
        raise TokenInvalid("not base64") from None
    if sealed[:1] != _FORMAT:
        raise TokenInvalid("unknown format")
    key = keys.by_number.get(sealed[1:_HEAD_SIZE])
    if key is None:
        raise TokenInvalid("sealed by no key that is kept")
    try:
        session = _decode(_unpacked(key.open(sealed[_HEAD_SIZE:])))
    except (InvalidTag, ValueError, zlib.error, msgspec.MsgspecError):
        raise TokenInvalid("does not open") from None
    return session, key.secret(session.session_id)


def packed_percent(session: Session) -> int:
    """Return how many percent of the allowance the session's policies, policy ARNs and tags take, packed.

    This is AWS's PackedPolicySize; above 100 the call is refused (PackedPolicyTooLarge). A session whose other parts
    are so large that it would not fit into a token counts as above 100 too.
    """
    if not (session.policies or session.policy_arns or session.session_tags):
        return 0
    parts = (session.policies, session.policy_arns, session.session_tags, session.transitive)
    percent = -(-100 * len(_packed(_encode(parts))) // PACKED_ALLOWANCE)
    whole = len(_packed(_encode(session)))
    return max(percent, 1 if whole <= _MAX_PAYLOAD else max(101, 100 * whole // _MAX_PAYLOAD))


def _packed(plain: bytes) -> bytes:
    if len(plain) >= _WORTH_DEFLATING:
        deflated = zlib.compress(plain, 6)
        if len(deflated) < len(plain):
            return _DEFLATED + deflated
    return _PLAIN + plain


def _unpacked(payload: bytes) -> bytes:
    if payload[:1] == _PLAIN:
        return payload[1:]
    inflater = zlib.decompressobj()
    plain = inflater.decompress(payload[1:], _MAX_PLAIN)
    if not inflater.eof:
        raise ValueError("inflates to too much")
    return plain


LONGEST = timedelta(hours=36)
"""The longest that any session lives: GetSessionToken and GetFederationToken for a user."""


REMEMBERED = timedelta(days=7)
"""How long a revocation outlives its session, so that a clock that ran ahead for a while revives none."""


class Revocation(msgspec.Struct, frozen=True):
    """A session that was revoked, by its id (in hexadecimal) or by its access key id."""

    name: str
    until: datetime


def revoke(transaction: Transaction, session_id: bytes, until: datetime) -> None:
    """Make a session dead from now on; the record is kept until the session has expired anyway.

    In place of the session's id its access key id will do, in ASCII, which is what people see of a session. An id's
    random part is 39 bits long, so in a million live sessions another one dies with it once in half a million times.
    """
    transaction.put(pack("revoked-session", session_id), _encode(until))
    transaction.put(pack("revoked-until", int(until.timestamp()), session_id), b"")
    transaction.advance_watermark()


def is_revoked(view: Snapshot, session_id: bytes) -> bool:
    """Tell whether a session has been revoked by this id, or by this access key id."""
    return view.get(pack("revoked-session", session_id)) is not None


def revocations(view: Snapshot) -> list[Revocation]:
    """Return what is revoked, by the time that it is remembered until."""
    found: list[Revocation] = []
    for entry in view.scan(pack("revoked-until")):
        _, moment, name = unpack(entry.key)
        shown = name.decode("ascii") if name.startswith(b"ASIA") else name.hex()
        found.append(Revocation(shown, datetime.fromtimestamp(int.from_bytes(moment, "big"), UTC)))
    return found


def forget_expired_revocations(transaction: Transaction, now: datetime, limit: int = 1000) -> int:
    """Drop up to `limit` revocations of sessions that expired `REMEMBERED` ago; return how many."""
    gone = 0
    for entry in transaction.scan(pack("revoked-until"), limit=limit):
        _, moment, session_id = unpack(entry.key)
        if int.from_bytes(moment, "big") >= (now - REMEMBERED).timestamp():
            break
        transaction.delete(pack("revoked-session", session_id))
        transaction.delete(entry.key)
        gone += 1
    return gone
