"""The region of S3, from the environment."""

import os


def adopt_region() -> None:
    """Copy AWS_REGION, which other SDKs read, to AWS_DEFAULT_REGION, the only one that Python's SDK reads."""
    if region := os.environ.get("AWS_REGION"):
        os.environ.setdefault("AWS_DEFAULT_REGION", region)
