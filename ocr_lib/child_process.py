"""Server processes that end with the process that started them, however that ends."""

import shutil
from collections.abc import Sequence


def die_with_parent(command: Sequence[str]) -> list[str]:
    """Returns the command so that the kernel ends it (SIGTERM) when its parent is gone.

    A parent that is killed cannot stop its servers. Where util-linux's `setpriv` is missing the
    command stays as it is. The parent is the thread that starts it: start servers from one that
    lasts.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--", *command] if setpriv else list(command)
