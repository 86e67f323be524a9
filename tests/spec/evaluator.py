"""A second evaluator: slow, obvious, written from AWS's rules and not from the engine. It shares no code with it.

It works on documents as JSON has them and tries everything in the plainest way. The sections named in comments are
those of AWS's IAM guide: "Policy evaluation logic", "IAM JSON policy elements", "IAM and AWS STS condition keys".
"""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction

from rolecall.policy.request import Context, PolicyRequest, PrincipalKind

Json = dict[str, object]
ALLOW, EXPLICIT, IMPLICIT = "allow", "explicit_deny", "implicit_deny"


@dataclass
class World:
    """The documents that apply to a request."""

    identity: list[Json] = field(default_factory=list)
    boundary: Json | None = None
    session: list[Json] | None = None
    resource: Json | None = None
    scps: list[list[Json]] = field(default_factory=list)
    rcps: list[list[Json]] = field(default_factory=list)
    endpoint: Json | None = None


def as_list(value: object) -> list:
    return value if isinstance(value, list) else [value]


# Patterns -------------------------------------------------------------------------------------------------------------


def glob(pattern: list, text: str) -> bool:
    """Match a whole text; the pattern is a list of letters, ("any",) and ("one",). By a table, cell for cell."""
    reach = {0}
    for sign in pattern:
        if sign == ("any",):
            reach = {end for start in reach for end in range(start, len(text) + 1)}
        else:
            reach = {at + 1 for at in reach if at < len(text) and (sign == ("one",) or text[at] == sign)}
    return len(text) in reach


def letters(text: str, context: Context, *, wild: bool, variables: bool) -> list | None:
    """Spell a pattern out, variables filled in. None: a variable has no value."""
    out: list = []
    at = 0
    while at < len(text):
        if variables and text.startswith("${", at) and "}" in text[at:]:
            inner = text[at + 2 : text.index("}", at)]
            if "{" not in inner:
                value = variable(inner, context)
                if value is None:
                    return None
                if value is not NOT_A_VARIABLE:
                    out.extend(value)
                    at += len(inner) + 3
                    continue
        if wild and text[at] in "*?":
            out.append(("any",) if text[at] == "*" else ("one",))
        else:
            out.append(text[at])
        at += 1
    return out


NOT_A_VARIABLE = "not a variable"


def variable(inner: str, context: Context) -> str | None:
    if inner in ("*", "?", "$"):
        return inner
    name, comma, default = inner.partition(",")
    name, default = name.strip(" "), default.strip(" ")
    if name == "" or "'" in name:
        return NOT_A_VARIABLE
    if comma and (len(default) < 2 or default[0] != "'" or default[-1] != "'" or "'" in default[1:-1]):
        return NOT_A_VARIABLE
    value = context.get(name.lower())
    if isinstance(value, str):
        return value
    return default[1:-1] if comma else None


def action_matches(pattern: str, action: str) -> bool:
    pattern, action = pattern.lower(), action.lower()
    if pattern == "*":
        return True
    if ":" not in pattern:
        return False
    pattern_service, pattern_name = pattern.split(":", 1)
    service, name = action.split(":", 1)
    nothing: Context = {}
    return glob(letters(pattern_service, nothing, wild=True, variables=False) or [], service) and glob(
        letters(pattern_name, nothing, wild=True, variables=False) or [], name
    )


def resource_matches(pattern: str, resource: str, context: Context, *, variables: bool) -> bool:
    if pattern == "*":
        return True
    parts = pattern.split(":", 5)
    while len(parts) < 6:
        parts.append("*")
    have = resource.split(":", 5)
    if len(have) != 6:
        return False
    for position in range(6):
        spelled = letters(parts[position], context, wild=True, variables=variables and position == 5)
        if spelled is None or not glob(spelled, have[position]):
            return False
    return True


# Conditions -----------------------------------------------------------------------------------------------------------

KNOWN = [
    *["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"],
    *["StringLike", "StringNotLike", "Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "Null"],
    *["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
    *[
        kind + order
        for kind in ("Numeric", "Date")
        for order in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
    ],
]


def condition_holds(operator: str, key: str, wanted: list[str], context: Context, *, variables: bool) -> bool:
    quantifier, _, rest = operator.rpartition(":")
    if_exists = rest.lower().endswith("ifexists")
    if if_exists:
        rest = rest[: -len("ifexists")]
    name = next(known for known in KNOWN if known.lower() == rest.lower())
    value = context.get(key.lower())
    if value == ():
        value = None

    if name == "Null":
        words = [word.lower() for word in wanted]
        return ("true" in words) if value is None else ("false" in words)

    negated = "Not" in name
    positive = name.replace("Not", "")

    def one(have: str) -> bool:
        found = any(compare(positive, have, want, context, variables=variables) for want in wanted)
        return not found if negated else found

    if quantifier.lower() == "forallvalues":
        values = [] if value is None else ([value] if isinstance(value, str) else list(value))
        if all(item == "" for item in values):
            return True
        return all(one(item) for item in values)
    if quantifier.lower() == "foranyvalue":
        # "For no matching context key or if the key does not exist, the condition returns false": IfExists or not.
        values = [] if value is None else ([value] if isinstance(value, str) else list(value))
        if all(item == "" for item in values):
            return False
        return any(one(item) for item in values)
    if value is None:
        return if_exists or negated
    if isinstance(value, tuple):
        if len(value) > 1:
            return False
        value = value[0]
    return one(value)


def compare(name: str, have: str, want: str, context: Context, *, variables: bool) -> bool:
    if name.startswith("String"):
        spelled = letters(want, context, wild=name == "StringLike", variables=variables)
        if spelled is None:
            return False
        if name == "StringLike":
            return glob(spelled, have)
        text = "".join(spelled)
        return text.lower() == have.lower() if name == "StringEqualsIgnoreCase" else text == have
    if name.startswith("Arn"):
        return arn_like(have, want, context, variables=variables)
    if name == "Bool":
        spelled = letters(want, context, wild=False, variables=variables)
        return spelled is not None and have.lower() in ("true", "false") and "".join(spelled).lower() == have.lower()
    if name == "BinaryEquals":
        try:
            return base64.b64decode(have, validate=True) == base64.b64decode(want, validate=True)
        except ValueError:
            return False
    if name == "IpAddress":
        try:
            return ipaddress.ip_address(have) in ipaddress.ip_network(want, strict=False)
        except ValueError:
            return False
    read = number if name.startswith("Numeric") else moment
    left, right = read(have), read(want)
    if left is None or right is None:
        return False
    order = name.removeprefix("Numeric").removeprefix("Date")
    return {
        "Equals": left == right,
        "LessThan": left < right,
        "LessThanEquals": left <= right,
        "GreaterThan": left > right,
        "GreaterThanEquals": left >= right,
    }[order]


def arn_like(have: str, want: str, context: Context, *, variables: bool) -> bool:
    """Each of the six parts on its own. A border is a colon that does not stand inside `${...}`."""
    parts, depth, current = [], 0, ""
    for letter in want:
        if variables and letter == "{" and current.endswith("$"):
            depth += 1
        if letter == "}" and depth:
            depth -= 1
        if letter == ":" and not depth and len(parts) < 5:
            parts.append(current)
            current = ""
        else:
            current += letter
    parts.append(current)
    actual = have.split(":", 5)
    if len(actual) != 6:
        return False
    if len(parts) == 6:
        spelled = [letters(part, context, wild=True, variables=variables) for part in parts]
        if None in spelled:
            return False
        return all(glob(each or [], part) for each, part in zip(spelled, actual, strict=True))
    whole = letters(want, context, wild=True, variables=variables)
    if whole is None or len(parts) > 6:
        return False
    pieces: list[list] = [[]]
    for sign in whole:
        if sign == ":" and len(pieces) < 6:
            pieces.append([])
        else:
            pieces[-1].append(sign)
    return len(pieces) == 6 and all(glob(each, part) for each, part in zip(pieces, actual, strict=True))


def number(text: str) -> Fraction | None:
    digits = text[1:] if text[:1] in ("+", "-") else text
    whole, _, part = digits.partition(".")
    if not (whole + part) or any(letter not in "0123456789" for letter in whole + part):
        return None
    return Fraction(text)


def moment(text: str) -> Fraction | None:
    if text.lstrip("-").isdigit() and len(text) != 4:
        return Fraction(text)
    for form in ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"):
        try:
            found = datetime.strptime(text, form)  # noqa: DTZ007
        except ValueError:
            continue
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        since = found - datetime(1970, 1, 1, tzinfo=UTC)
        return Fraction(since.days * 86400 + since.seconds) + Fraction(since.microseconds, 10**6)
    return None


# Principals -----------------------------------------------------------------------------------------------------------


def forms_of(request: PolicyRequest) -> dict[str, list[tuple[str, str]]]:
    """The ways a policy can name the caller, by what the name then means."""
    caller = request.principal
    account = [("AWS", caller.account or "-"), ("AWS", f"arn:aws:iam::{caller.account}:root")]
    account.append(("CanonicalUser", caller.canonical_id or "-"))
    everybody = [("AWS", "*")]
    if caller.kind is PrincipalKind.ANONYMOUS:
        return {"direct": everybody}
    if caller.kind is PrincipalKind.SERVICE:
        return {"direct": [("Service", caller.arn), *everybody]}
    if caller.kind is PrincipalKind.FEDERATED:
        return {"direct": [("Federated", caller.arn)], "denied": everybody}
    if caller.kind is PrincipalKind.ROOT:
        return {"direct": [*account, *everybody], "account": account}
    if caller.kind is PrincipalKind.USER:
        itself = [("AWS", caller.arn), ("AWS", caller.unique_id or "-")]
        return {"itself": itself, "direct": [*itself, *everybody], "account": account}
    owner = [("AWS", caller.owner_arn or "-"), ("AWS", caller.owner_id or "-")]
    itself = [("AWS", caller.arn)]
    return {"itself": itself, "direct": [*itself, *everybody], "owner": owner, "account": account}


def named_as(statement: Json, request: PolicyRequest, *, bounded: bool) -> str | None:
    """How a resource-based statement names the caller: direct, owner, account; None: it does not."""
    element = "NotPrincipal" if "NotPrincipal" in statement else "Principal"
    if element not in statement:
        return "direct" if statement["Effect"] == "Deny" else None
    written = statement[element]
    if written == "*":
        written = {"AWS": "*"}
    assert isinstance(written, dict)
    listed = {(kind, name) for kind, names in written.items() for name in as_list(names)}
    forms = forms_of(request)
    hit = {meaning for meaning, names in forms.items() if listed & set(names)}
    deny = statement["Effect"] == "Deny"
    if element == "Principal":
        if "direct" in hit or (deny and "denied" in hit):
            return "direct"
        return "owner" if "owner" in hit else ("account" if "account" in hit else None)
    if not deny:
        return None if hit - {"denied"} else "direct"
    if bounded:
        return "direct"
    if ("AWS", "*") in listed:
        return None
    # Not denied only if every form that AWS may check is in the list: the caller, its role or user, its account.
    needed = {"itself", "owner", "account"} & forms.keys() or {"direct"}
    if request.principal.owner_arn.endswith(":root"):
        needed.discard("owner")
    return None if needed <= hit else "direct"


# One layer ------------------------------------------------------------------------------------------------------------

ORDER = ["account", "owner", "direct"]


@dataclass
class Said:
    denies: bool = False
    allows: bool = False
    strongest: str | None = None


def ask(documents: list[Json], request: PolicyRequest, *, with_principal: bool, trust: bool, bounded: bool) -> Said:
    said = Said()
    for document in documents:
        variables = document.get("Version") == "2012-10-17"
        for statement in as_list(document["Statement"]):
            how = statement_applies(
                statement, request, with_principal=with_principal, trust=trust, bounded=bounded, variables=variables
            )
            if how is None:
                continue
            if statement["Effect"] == "Deny":
                said.denies = True
            else:
                said.allows = True
                if said.strongest is None or ORDER.index(how) > ORDER.index(said.strongest):
                    said.strongest = how
    return said


def statement_applies(
    statement: Json, request: PolicyRequest, *, with_principal: bool, trust: bool, bounded: bool, variables: bool
) -> str | None:
    how: str | None = "direct"
    if with_principal:
        how = named_as(statement, request, bounded=bounded)
    if how is None:
        return None
    actions = as_list(statement.get("Action", statement.get("NotAction")))
    if any(action_matches(pattern, request.action) for pattern in actions) != ("Action" in statement):
        return None
    if not trust:
        resources = as_list(statement.get("Resource", statement.get("NotResource")))
        covered = any(
            resource_matches(pattern, request.resource, request.context, variables=variables) for pattern in resources
        )
        if covered != ("Resource" in statement):
            return None
    condition = statement.get("Condition", {})
    assert isinstance(condition, dict)
    for operator, body in condition.items():
        for key, wanted in body.items():
            texts = [str(each).lower() if isinstance(each, bool) else str(each) for each in as_list(wanted)]
            if not condition_holds(operator, key, texts, request.context, variables=variables):
                return None
    return how


# The whole ------------------------------------------------------------------------------------------------------------


def decide(  # noqa: C901  (the guide's flow chart, box after box)
    request: PolicyRequest, world: World
) -> tuple[str, str | None]:
    """Return the outcome and the kind of policy that refused."""
    caller = request.principal
    outside = caller.kind in (PrincipalKind.ANONYMOUS, PrincipalKind.SERVICE, PrincipalKind.FEDERATED)
    bounded = world.boundary is not None and not outside and caller.kind is not PrincipalKind.ROOT
    linked = ":role/aws-service-role/" in caller.owner_arn
    trust_or_resource = "role trust policy" if request.must_be_admitted else "resource-based policy"

    def layer(documents: list[Json], *, with_principal: bool = False, trust: bool = False) -> Said:
        return ask(documents, request, with_principal=with_principal, trust=trust, bounded=bounded)

    scps = [] if outside or linked or caller.in_management_account else [layer(level) for level in world.scps]
    rcps = [] if linked or request.resource == "*" else [layer(level, with_principal=True) for level in world.rcps]
    endpoint = None if world.endpoint is None else layer([world.endpoint], with_principal=True)
    resource = Said()
    if world.resource is not None:
        resource = layer([world.resource], with_principal=True, trust=request.must_be_admitted)
    identity, boundary, session = Said(), None, None
    if not outside:
        identity = layer(world.identity)
        boundary = layer([world.boundary]) if bounded and world.boundary is not None else None
        session = None if world.session is None else layer(world.session)

    # Any explicit deny, anywhere.
    for name, said in [
        *[("service control policy", each) for each in scps],
        *[("resource control policy", each) for each in rcps],
        ("VPC endpoint policy", endpoint),
        (trust_or_resource, resource),
        ("identity-based policy", identity),
        ("permissions boundary", boundary),
        ("session policy", session),
    ]:
        if said is not None and said.denies:
            return EXPLICIT, name

    # What must allow whoever asks. Each level of RCPs has AWS's own allow-all.
    if not all(said.allows for said in scps):
        return IMPLICIT, "service control policy"
    if endpoint is not None and not endpoint.allows:
        return IMPLICIT, "VPC endpoint policy"

    # Nobody comes into a role as root, as a GetFederationToken session or without a signature.
    if request.must_be_admitted and caller.kind in (
        PrincipalKind.ROOT,
        PrincipalKind.FEDERATED_USER,
        PrincipalKind.ANONYMOUS,
    ):
        return IMPLICIT, trust_or_resource
    if caller.kind is PrincipalKind.FEDERATED and caller.account and caller.account != request.resource_account:
        return IMPLICIT, trust_or_resource  # SAML and OIDC providers serve the roles of their own account
    if outside:
        return (ALLOW, None) if resource.allows else (IMPLICIT, trust_or_resource)

    has_all_rights = caller.kind is PrincipalKind.ROOT or (
        caller.kind is PrincipalKind.FEDERATED_USER and caller.owner_arn.endswith(":root")
    )

    def limits() -> tuple[str, str | None]:
        if boundary is not None and not boundary.allows:
            return IMPLICIT, "permissions boundary"
        if session is not None and not session.allows:
            return IMPLICIT, "session policy"
        if session is None and caller.kind is PrincipalKind.FEDERATED_USER:
            return IMPLICIT, "session policy"
        return ALLOW, None

    def own_side() -> tuple[str, str | None]:
        if not has_all_rights and not identity.allows:
            return IMPLICIT, "identity-based policy"
        return limits()

    same_account = request.resource_account in (None, caller.account)
    if not same_account or request.needs_both_sides:
        return own_side() if resource.allows else (IMPLICIT, trust_or_resource)
    # A KMS key's policy must itself admit whoever uses the key, the account's root too.
    if request.needs_delegation and not resource.allows:
        return IMPLICIT, trust_or_resource
    if caller.kind is PrincipalKind.ROOT:
        return ALLOW, None
    if resource.strongest == "direct":
        return ALLOW, None
    if resource.strongest == "owner":
        return limits()
    if request.must_be_admitted and resource.strongest is None:
        return IMPLICIT, trust_or_resource
    return own_side()
