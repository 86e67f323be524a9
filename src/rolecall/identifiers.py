"""ARNs, unique ids, names and paths: every pattern of AWS's identifiers, once.

Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
"""

from __future__ import annotations

import binascii
import ipaddress
import os
import random
import re
import secrets
import string
from dataclasses import dataclass
from functools import lru_cache

ACCOUNT_ID = re.compile(r"[0-9]{12}")
ACCESS_KEY_ID = re.compile(r"(?:AKIA|ASIA)[A-Z2-7]{16}")
UNIQUE_ID = re.compile(r"(?:AIDA|AROA|AGPA|ANPA|ANVA|AIPA|ASCA|APKA)[A-Z2-7]{17}")
ROLE_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
BUCKET_NAME = re.compile(r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9](?:[a-z0-9-]|(?<!-)\.(?![.-]))*[a-z0-9]")

_BASE32 = string.ascii_uppercase + "234567"
_BASE32_PAIRS = [low + high for high in _BASE32 for low in _BASE32]
"""Ten bits as two letters, the lower five first."""
_ACCOUNT_BIT = 0x8000000000


@dataclass(frozen=True, slots=True)
class Arn:
    """An Amazon Resource Name, cut into its six parts at the first five colons."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        """Return the ARN's text."""
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def resource_type(self) -> str:
        """The part of the resource before its first slash (`user` of `user/team/alice`), or all of it."""
        return self.resource.partition("/")[0]

    @property
    def resource_path(self) -> str:
        """The path of an IAM resource, with both slashes (`/team/` of `user/team/alice`)."""
        middle = self.resource.partition("/")[2].rpartition("/")[0]
        return f"/{middle}/" if middle else "/"

    @property
    def resource_name(self) -> str:
        """The part of the resource after its last slash (`alice` of `user/team/alice`)."""
        return self.resource.rpartition("/")[2]


_LONGEST_KEPT = 2048
"""Of an ARN that is remembered: AWS takes no longer one as a parameter, but keys of S3 may be in longer ones."""


def parse_arn(text: str) -> Arn | None:
    """Return the ARN that `text` spells, or None where it has not the six parts of one."""
    return _parsed_arn(text) if len(text) <= _LONGEST_KEPT else _parsed_arn.__wrapped__(text)


@lru_cache(maxsize=4096)
def _parsed_arn(text: str) -> Arn | None:
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
        return None
    return Arn(*parts[1:])


def iam_arn(account: str, kind: str, path: str, name: str) -> str:
    """Return the ARN of an IAM entity: `kind` is `user`, `role`, `group`, `policy`, ...; `path` has both slashes."""
    return f"arn:aws:iam::{account}:{kind}{path}{name}"


def root_arn(account: str) -> str:
    """Return the ARN of an account's root user, which also stands for the account as a principal."""
    return f"arn:aws:iam::{account}:root"


def assumed_role_arn(account: str, role_name: str, session_name: str) -> str:
    """Return the ARN of a role session. The role's path is not part of it, as on AWS."""
    return f"arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}"


def federated_user_arn(account: str, name: str) -> str:
    """Return the ARN of a GetFederationToken session."""
    return f"arn:aws:sts::{account}:federated-user/{name}"


def address_block(address: str) -> str:
    """Return what stands for one sender: an IPv4 address, the /64 of an IPv6 one, of which one host has every address.

    What is no address stands for itself. https://www.rfc-editor.org/rfc/rfc6177
    """
    return _block_of(address) if ":" in address else address


@lru_cache(maxsize=4096)
def _block_of(address: str) -> str:
    try:
        number = int(ipaddress.IPv6Address(address))
    except ValueError:
        return address
    return f"{ipaddress.IPv6Address(number >> 64 << 64)}/64"


def new_unique_id(prefix: str, account: str) -> str:
    """Draw a unique id of 21 characters: `prefix` is AIDA, AROA, AGPA, ANPA, AIPA ..."""
    return _with_account(prefix, account, 17)


def new_access_key_id(prefix: str, account: str) -> str:
    """Draw an access key id of 20 characters that holds its account: `prefix` is AKIA or ASIA."""
    return _with_account(prefix, account, 16)


def access_key_id_from(prefix: str, account: str, entropy: bytes) -> str:
    """Make the access key id that belongs to `entropy` (at least 8 bytes); the same bytes give the same id."""
    number = int.from_bytes(entropy[:8], "big")
    return _spell(prefix, account, 16, number)


def _with_account(prefix: str, account: str, length: int) -> str:
    return _spell(prefix, account, length, secrets.randbits(64))


def _spell(prefix: str, account: str, length: int, number: int) -> str:
    """Spell `prefix`, 8 characters of half the account number, then free ones whose first keeps the lowest bit."""
    head, odd_bit = _account_letters(account)
    first = _BASE32[(number & 15) | odd_bit]
    pairs = _BASE32_PAIRS
    free = pairs[number >> 5 & 1023] + pairs[number >> 15 & 1023] + pairs[number >> 25 & 1023]
    return f"{prefix}{head}{first}{free}{pairs[number >> 35 & 1023]}"[: len(prefix) + length]


@lru_cache(maxsize=1024)
def _account_letters(account: str) -> tuple[str, int]:
    """Return the 8 characters of an account number's half, and the bit of the next one that says whether it is odd."""
    half, odd = divmod(int(account), 2)
    head = half | _ACCOUNT_BIT
    return "".join([_BASE32[(head >> shift) & 31] for shift in range(35, -1, -5)]), 16 if odd else 0


def account_of_key(access_key_id: str) -> str | None:
    """Return the account number that an access key id holds, or None for old or malformed ids."""
    if not ACCESS_KEY_ID.fullmatch(access_key_id):
        return None
    number = 0
    for letter in access_key_id[4:12]:
        number = number << 5 | _BASE32.index(letter)
    if not number & _ACCOUNT_BIT:
        return None
    half = number & ~_ACCOUNT_BIT
    account = 2 * half + (1 if _BASE32.index(access_key_id[12]) >= 16 else 0)
    return f"{account:012d}" if account < 10**12 else None


def new_account_id() -> str:
    """Draw an account id of 12 digits that does not begin with 0."""
    return str(10**11 + secrets.randbelow(9 * 10**11))


def new_secret_key() -> str:
    """Draw a secret access key of 40 characters."""
    alphabet = string.ascii_letters + string.digits + "/+"
    return "".join(secrets.choice(alphabet) for _ in range(40))


def random_piece() -> bytes:
    """Draw 16 bytes that nobody can guess. They are drawn some hundred times at once: each time costs a system call."""
    while True:
        try:
            return _pieces.pop()
        except IndexError:
            drawn = os.urandom(16 * _DRAWN_AT_ONCE)
            _pieces.extend([drawn[place : place + 16] for place in range(0, len(drawn), 16)])


_DRAWN_AT_ONCE = 128
_pieces: list[bytes] = []
os.register_at_fork(after_in_child=_pieces.clear)
"""Forget the bytes drawn ahead in a forked child, which would otherwise draw the same as its parent."""


def new_request_id() -> str:
    """Draw a request id in the form of IAM and STS, a UUID."""
    return uuid_of(_draw(128))


def uuid_of(number: int) -> str:
    """Return the UUID of version 4 that a number of 128 bits makes: six of them say the version."""
    digits = f"{number & _UUID_MASK | _UUID_4:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_short_request_id() -> str:
    """Draw a request id in the form of S3, 16 upper-case hexadecimal digits."""
    return f"{_draw(64):016X}"


def new_host_id() -> str:
    """Draw the second id that S3 answers carry (`x-amz-id-2`)."""
    return binascii.b2a_base64(_draw(384).to_bytes(48, "big"), newline=False).decode()


_draw = random.getrandbits
"""Names of requests need to differ, not to be hard to guess; a child process draws others than its parent."""
_UUID_MASK = ~(0xF000C << 60)
_UUID_4 = 0x40008 << 60


def is_bucket_name(name: str) -> bool:
    """Tell whether `name` follows the rules of general purpose buckets.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    if not 3 <= len(name) <= 63 or not BUCKET_NAME.fullmatch(name):
        return False
    if re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+", name):
        return False
    return not name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))
