"""A statement as the checks look at it: its elements by name, with what could be read of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rolecall.analysis.languages import Pattern, Work, action_pattern
from rolecall.analysis.located import Member, Node
from rolecall.analysis.validation.subject import PolicyType, Subject


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a Condition: the operator's name, the key's, and the values."""

    operator: Member
    key: Member

    @property
    def name(self) -> str:
        """The condition key in lower case."""
        return self.key.name.lower()

    @property
    def base(self) -> str:
        """The operator in lower case, without set operator and IfExists."""
        return self.operator.name.lower().rpartition(":")[2].removesuffix("ifexists")

    @property
    def qualifier(self) -> str:
        """`forallvalues`, `foranyvalue` or nothing."""
        return self.operator.name.lower().rpartition(":")[0]

    @property
    def if_exists(self) -> bool:
        """Whether the operator ends in IfExists."""
        return self.operator.name.lower().endswith("ifexists")

    @property
    def is_negated(self) -> bool:
        """Whether the operator is one of those that hold where nothing matches."""
        return "not" in self.base

    @property
    def values(self) -> tuple[Node, ...]:
        """The values that are compared with."""
        return self.key.value.each()


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement."""

    node: Node
    subject: Subject
    has_variables: bool
    """Whether `${...}` stands for something in the document's version."""
    effort: Work
    """What is paid with for looking at its elements one by one."""

    @property
    def allows(self) -> bool:
        """Whether its Effect is Allow."""
        effect = self.node.get("Effect")
        return effect is not None and effect.text == "Allow"

    @property
    def denies(self) -> bool:
        """Whether its Effect is Deny."""
        effect = self.node.get("Effect")
        return effect is not None and effect.text == "Deny"

    def strings(self, *names: str) -> list[Node]:
        """Return the texts of the first of these elements that is there. Raises Undecided where it is too much."""
        return self._texts(next((value for name in names if (value := self.node.get(name)) is not None), None))

    def _texts(self, element: Node | None) -> list[Node]:
        nodes = element.each() if element is not None else ()
        self.effort.spend(1 + len(nodes) // 8)
        return [node for node in nodes if node.is_string]

    @property
    def actions(self) -> list[Node]:
        """The texts of Action."""
        return self.strings("Action")

    def patterns(self) -> list[Pattern]:
        """Return the patterns of Action or NotAction."""
        return [action_pattern(node.text) for node in self.strings("Action", "NotAction")]

    @property
    def is_trust(self) -> bool:
        """Whether it stands in a trust policy, or could, where nobody said what the policy is attached to."""
        if self.subject.type is not PolicyType.RESOURCE or self.subject.resource_type is not None:
            return self.subject.is_trust
        names = [node.text.lower() for node in self.actions]
        about_a_resource = self.node.get("Resource") is not None or self.node.get("NotResource") is not None
        return bool(names) and not about_a_resource and all(name.startswith("sts:") for name in names)

    def lines(self) -> Iterator[Line]:
        """Yield the lines of the Condition that have the form of one. Raises Undecided where it is too much."""
        condition = self.node.get("Condition")
        for operator in condition.members if condition is not None else ():
            for key in operator.value.members:
                self.effort.spend(1)
                yield Line(operator, key)

    def has_key(self, *names: str) -> bool:
        """Tell whether a line is about one of these condition keys, given in lower case."""
        return any(line.name in names for line in self.lines())

    def principals(self, kind: str) -> list[Node]:
        """Return the texts of a Principal under a key: `AWS`, `Service`, `Federated`."""
        principal = self.node.get("Principal")
        return self._texts(principal.get(kind) if principal is not None else None)
