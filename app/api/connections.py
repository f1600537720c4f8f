"""How many connections there may be: each takes a file descriptor, and of those a process has so many.

Where they run out asyncio does not stop at the first connection that it cannot take: it logs an error with a traceback
for each of a whole backlog, again every second, and answers nobody meanwhile.
"""

import resource

RESERVED_FILES = 32
"""Of what is no connection: the listener, the log, a version that is read."""
AT_A_TIME = 64
"""Most connections that the event loop takes before it looks at their number."""
UNLIMITED = 2**20


def accepted_at_a_time() -> int:
    """Connections to take in a row: few where there are few descriptors."""
    return max(1, min(AT_A_TIME, _files() // 4))


def most_connections() -> int:
    """Connections beyond which newcomers are cut off, at least one; a gateway tries another replica then."""
    return max(1, _files() - RESERVED_FILES - accepted_at_a_time())


def _files() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return UNLIMITED if soft == resource.RLIM_INFINITY else soft
