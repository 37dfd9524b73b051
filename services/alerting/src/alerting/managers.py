"""Who would receive a reminder: the manager who leads the customer, as acrm-batch published last.

So the OCRM routes reminders; a customer whom nobody leads is the virtual manager's of the branch.
"""

from collections.abc import Callable, Collection, Mapping
from itertools import islice

import psycopg

from alerting import scopes
from alerting.scopes import PublishedUnreadableError

#: Customers asked for in one statement.
_CHUNK = 5_000

_NEWEST = "select max(business_date) from acrm.publications"

_LEAD = """
select customer_id, manager_id from acrm.customer_managers
where business_date = %s and customer_id = any (%s)
"""

#: Looks up the managers of customers; None where nobody knows any.
Lead = Callable[[Collection[int]], Mapping[int, str] | None]


def lead(connection: psycopg.Connection, customers: Collection[int]) -> Mapping[int, str] | None:
    """The manager who leads each of these customers; None where nothing that can be read says so,
    since alerting works without a batch as well."""
    found: dict[int, str] = {}
    try:
        with connection.transaction(), scopes.readable():
            row = connection.execute(_NEWEST).fetchone()
            if row is None or row[0] is None:
                return None
            asked = iter(sorted(customers))
            while some := list(islice(asked, _CHUNK)):
                found |= dict(connection.execute(_LEAD, (row[0], some)).fetchall())
    except PublishedUnreadableError:
        return None
    return found
