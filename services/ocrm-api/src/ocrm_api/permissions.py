"""Which role may do what: the only place where a role is turned into permissions.

A permission holds where the role is held: a manager of one branch who is also an analyst of the
union sees the customers of the one branch only.
"""

#: Permissions that are not given by a role.
PUBLIC = "public"
AUTHENTICATED = "authenticated"

_EVERYBODY = frozenset({"organisation.read", "dictionary.read"})
_SEES_CUSTOMERS = _EVERYBODY | {"customers.read", "coverage.read", "insight.read"}
_SERVES_CUSTOMERS = _SEES_CUSTOMERS | {
    "customers.reveal",
    "branches.read",
    "reminders.read",
    "reminders.handle",
}

ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    "relationship_manager": _SERVES_CUSTOMERS,
    "branch_head": _SERVES_CUSTOMERS | {"reminders.handle_for_others"},
    "lobby_manager": _SEES_CUSTOMERS,
    "teller": _EVERYBODY,
    "campaign_maker": _EVERYBODY,
    "checker": _EVERYBODY,
    "data_analyst": _EVERYBODY | {"branches.read"},
    "operations": _EVERYBODY | {"operations.read"},
    "auditor": _EVERYBODY,
    "system_administrator": _EVERYBODY,
}

#: Every permission that a role can give.
PERMISSIONS: frozenset[str] = frozenset().union(*ROLE_PERMISSIONS.values())


def roles_with(permission: str) -> frozenset[str]:
    """The roles that give a permission."""
    return frozenset(role for role, given in ROLE_PERMISSIONS.items() if permission in given)
