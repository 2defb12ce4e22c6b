"""Runs `ocr serve` with leases that end as early as those of the deployers that are killed.

python -m tests.faults.serve_with_short_leases ARGUMENTS…
"""

import sys

from ocr_lib.storage import store_lease
from pipelines.cli.main import main
from tests.faults.cases import HOLD_S

if __name__ == "__main__":
    store_lease.HOLD_S = HOLD_S
    sys.exit(main())
