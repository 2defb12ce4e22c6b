"""What lies where in the folder that an import writes."""

WEIGHTS = "weights"  # .pdparams
CONFIG = "config.yml"
RECORD = "import.json"  # source, network, parity
