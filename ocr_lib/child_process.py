"""What a child process is started with: its command, and its environment.

Server processes end with the process that started them, however that ends.
"""

import os
import shutil
from collections.abc import Mapping, Sequence


def die_with_parent(command: Sequence[str]) -> list[str]:
    """Returns the command so that the kernel ends it (SIGTERM) when its parent is gone.

    A parent that is killed cannot stop its servers. Where util-linux's `setpriv` is missing the
    command stays as it is. The parent is the thread that starts it: start servers from one that
    lasts.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--", *command] if setpriv else list(command)


def child_environment(
    variables: Mapping[str, str],
    *,
    without: Sequence[str] = (),
    search: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Returns the environment of a child process: this process's own, and what is different.

    Args:
        variables: to set.
        without: beginnings of the names of variables to leave out, such as `AWS_` for keys.
        search: folders to put before those of a search path, by the name of its variable.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(tuple(without))
    }
    paths = {
        name: os.pathsep.join(filter(None, [first, inherited.get(name, "")]))
        for name, first in (search or {}).items()
    }
    return {**inherited, **paths, **variables}
