"""What readers see of each task, in the order of the DAG."""

TITLES = {
    "plan": "Look for new data",
    "gen-label": "Convert labels",
    "pack-lmdb": "Pack LMDB shards",
    "preflight": "Check data and configuration",
    "train": "Train",
    "predict": "Predict the test set",
    "evaluate": "Evaluate and decide",
    "export": "Export and certify",
    "deploy": "Deploy to Triton",
    "clean-up": "Clean up",
}

# Of the pipeline that judges a run again.
REJUDGE_TITLES = {
    "reopen": "Open the run",
    **{name: TITLES[name] for name in ("predict", "evaluate", "export", "deploy")},
}

# The conditions of the DAG; a run that skips one of them has a result, not a failure.
SOMETHING_NEW, ACCEPTED = "something-new", "accepted"
