"""Who gets where through which roles: chains of AssumeRole, found from either end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rolecall.client.facts import ALWAYS, NEVER, needs_no_permission, no_role_can
from rolecall.client.policies import Simulated, simulate
from rolecall.client.questions import Someone, Wanted
from rolecall.client.settings import Connection

Context = Mapping[str, Sequence[str]]

LONGEST = 4
"""The most roles in a chain that is looked for."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A way: someone, the roles assumed one from the other, and what the last of them may."""

    steps: tuple[Someone, ...]
    result: Simulated

    @property
    def spelled(self) -> str:
        """The way as it is written: `user/alice → role/Deploy`."""
        return " → ".join(step.name for step in self.steps)


def decide(at: Connection, who: Someone, wanted: Wanted) -> Simulated:
    """Return what becomes of the wanted action by someone. Raises Refused, Unreachable.

    A simulation tells what the policies say, as on AWS; where they have no say, the fact takes its place.
    """
    (result,) = simulate(at, who.arn, wanted.action, [wanted.resource], wanted.context, wanted.resource_policy)
    if who.is_role and no_role_can(wanted.action):
        return replace(result, decision="implicitDeny", by=(), missing=(), limits=(), fact=NEVER)
    if needs_no_permission(wanted.action):
        return replace(result, decision="allowed", by=(), missing=(), limits=(), fact=ALWAYS)
    return result


def enterable(at: Connection, who: Someone, roles: Sequence[Someone], context: Context) -> list[Someone]:
    """Return those of the roles that someone may assume. Raises Refused, Unreachable."""
    if not roles:
        return []
    keys = {**context, "sts:RoleSessionName": ["simulated"]}
    results = simulate(at, who.arn, "sts:AssumeRole", [role.arn for role in roles], keys)
    allowed = {result.resource for result in results if result.allowed}
    return [role for role in roles if role.arn in allowed and role != who]


def from_someone(at: Connection, who: Someone, roles: Sequence[Someone], wanted: Wanted) -> Iterator[Chain]:
    """Yield the shortest ways by which someone gets to do what is wanted, one for each role that may, nearest first."""
    seen: set[Someone] = {who}
    reached: list[tuple[Someone, ...]] = [(who,)]
    for _ in range(LONGEST):
        further: list[tuple[Someone, ...]] = []
        for way in reached:
            unseen = [role for role in roles if role not in seen]
            for role in enterable(at, way[-1], unseen, wanted.context):
                seen.add(role)
                further.append((*way, role))
        for way in further:
            result = decide(at, way[-1], wanted)
            if result.allowed:
                yield Chain(way, result)
        reached = further


def to_wanted(at: Connection, people: Iterable[Someone], wanted: Wanted) -> list[Chain]:
    """Return everyone who may do what is wanted, each by the shortest way, the nearest first."""
    everybody = list(people)
    direct = {who: result for who in everybody if (result := decide(at, who, wanted)).allowed}
    chains = {who: Chain((who,), result) for who, result in direct.items()}
    edge = [who for who in direct if who.is_role]
    for _ in range(LONGEST):
        found: dict[Someone, Chain] = {}
        for who in everybody:
            if who in chains or not edge:
                continue
            nearest = next(iter(enterable(at, who, edge, wanted.context)), None)
            if nearest is not None:
                found[who] = Chain((who, *chains[nearest].steps), chains[nearest].result)
        chains.update(found)
        edge = [who for who in found if who.is_role]
    return list(chains.values())
