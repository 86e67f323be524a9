"""How much one sender may ask for: token buckets that all workers of a server share, in memory of a fixed size.

Who has proved who they are is limited as a principal (a role, however many sessions of it), who has not by the address
(of IPv6 by its /64, which one host has whole). What comes by links and forms that a principal signed for others is
counted apart from what it sends itself: who holds a link must not shut its signer out.
AWS's answers are `Throttling` (IAM, STS), `ThrottlingException` (JSON protocols) and S3's `SlowDown`.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import msgspec

from rolecall.access.caller import Caller
from rolecall.clock import monotonic
from rolecall.identifiers import address_block
from rolecall.message import Request, ServiceError
from rolecall.sigv4.signature import Scheme

BUCKETS = 16_384
"""How many senders are told apart at once; the one that has been quiet longest gives way."""
WAYS = 4
"""How many places a sender may have its bucket in."""
FIELDS = 3
NUMBERS = BUCKETS * FIELDS
BURST_SECONDS = 2.0
"""How many seconds' worth may be spent at once after a rest."""

THROTTLES = frozenset({"SlowDown", "Throttling", "ThrottlingException"})
THROTTLED_SECONDS = 0.1
"""How long such an answer is held back: who asks again at once, on however few connections, would keep the server as
busy with refusals as with answers."""

_REMEMBERED = 50_000
_BY_LINK = " by link"


class Rates(msgspec.Struct, frozen=True):
    """Requests a second that one sender may go on sending; None sets no limit."""

    principal: float | None = None
    anonymous: float | None = None
    """Unsigned requests from one address."""
    unproved: float | None = None
    """Requests from one address whose sender could not be made out: wrong signatures, unknown keys, nonsense."""


class Buckets:
    """Token buckets in `NUMBERS` numbers: for each the sender's mark, its tokens, and when they were counted.

    Workers write without a lock: two that take at the same moment may take one token together.
    """

    def __init__(self, numbers: memoryview[float] | None = None, now: Callable[[], float] = monotonic) -> None:
        """Use memory that is shared, or memory of this object's own."""
        self._numbers = memoryview(bytearray(NUMBERS * 8)).cast("d") if numbers is None else numbers
        self._now = now
        self._marks: dict[str, float] = {}

    def take(self, sender: str, rate: float) -> bool:
        """Take a token of a sender that gets `rate` a second, and tell whether there was one."""
        numbers, now = self._numbers, self._now()
        place = self._place(sender)
        most = max(1.0, rate * BURST_SECONDS)
        tokens = min(most, numbers[place + 1] + (now - numbers[place + 2]) * rate)
        numbers[place + 2] = now
        if tokens < 1.0:
            numbers[place + 1] = tokens
            return False
        numbers[place + 1] = tokens - 1.0
        return True

    def _place(self, sender: str) -> int:
        """Return where the sender's bucket is; a new one is full."""
        mark = self._marks.get(sender)
        if mark is None:
            mark = self._mark(sender)
        numbers = self._numbers
        first = int(mark) % (BUCKETS // WAYS) * WAYS * FIELDS
        places = range(first, first + WAYS * FIELDS, FIELDS)
        for place in places:
            if numbers[place] == mark:
                return place
        place = min(places, key=lambda place: numbers[place + 2])
        numbers[place], numbers[place + 1], numbers[place + 2] = mark, 0.0, -1e9
        return place

    def _mark(self, sender: str) -> float:
        """Return a number, the same in every worker, that stands for a sender; a double holds its 53 bits."""
        mark = float(int.from_bytes(blake2b(sender.encode(), digest_size=8).digest(), "big") >> 11 or 1)
        if len(self._marks) >= _REMEMBERED:
            self._marks.clear()
        self._marks[sender] = mark
        return mark


class Limits:
    """Who may go on, and who is told to slow down. One a process."""

    def __init__(self, rates: Rates | None = None, buckets: Buckets | None = None) -> None:
        """Without `rates` nobody is limited."""
        self._rates = rates or Rates()
        self._buckets = buckets or Buckets()
        self._proved: dict[tuple[str, str], str] = {}

    def admit(self, service: str, caller: Caller, request: Request, scheme: Scheme | None = Scheme.HEADER) -> None:
        """Let a request pass whose sender is known. Raises ServiceError where it is one too many.

        `scheme` tells where its signature is.
        """
        if caller.is_anonymous:
            rate, sender = self._rates.anonymous, f"anonymous {address_block(request.client)}"
        else:
            proof = (caller.access_key_id, request.client)
            rate, sender = self._rates.principal, self._proved.get(proof) or self._remember(proof, caller)
            if scheme is not Scheme.HEADER:
                sender += _BY_LINK
        if rate is not None and not self._buckets.take(sender, rate):
            raise slow_down(service)

    def unproved(self, service: str, request: Request, error: ServiceError) -> ServiceError:
        """Return what to answer a request whose sender could not be made out: `error`, or to slow down."""
        rate = self._rates.unproved
        if rate is None or self._buckets.take(f"unproved {address_block(request.client)}", rate):
            return error
        return slow_down(service)

    def sender_of(self, request: Request) -> str:
        """Return whose turn a request takes, before it is authenticated.

        It is the principal of the key it names where that key was proved from the same address before, else the
        address: names that nobody proved give nobody more turns, and take none from those who own them.
        """
        signed = request.by_name.get("authorization")
        if signed is not None:
            _, _, rest = signed.partition("Credential=")
            sender = self._proved.get((rest.partition("/")[0], request.client))
            return sender or address_block(request.client)
        _, found, rest_of_query = request.raw_query.partition(b"X-Amz-Credential=")
        if found:
            sender = self._proved.get((rest_of_query[:20].decode("latin-1"), request.client))
            return address_block(request.client) if sender is None else sender + _BY_LINK
        return address_block(request.client)

    def _remember(self, proof: tuple[str, str], caller: Caller) -> str:
        if len(self._proved) >= _REMEMBERED:
            self._proved.clear()
        principal = caller.principal
        sender = self._proved[proof] = f"principal {principal.owner_id or principal.unique_id}"
        return sender


def slow_down(service: str) -> ServiceError:
    """Return AWS's refusal of a request too many, in the words of `service`."""
    if service == "s3":
        return ServiceError("SlowDown", "Please reduce your request rate.", 503)
    if service in {"iam", "sts"}:
        return ServiceError("Throttling", "Rate exceeded", 400)
    return ServiceError("ThrottlingException", "Rate exceeded", 400)
