"""The bucket that everything is kept in: awaited, and made when it is not there."""

import os
from typing import Any
from urllib.parse import urlsplit

from matchday.errors import MatchdayError
from matchday.patience import NotYet, wait_for
from matchday.storage import adopt_region

ANYWHERE = "us-east-1"
"""The one region that a bucket is made in by naming none."""

VARIABLES = "AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"


class BucketError(MatchdayError):
    """A store that refuses, or a bucket that is not ours."""


def bucket_of(url: str) -> str | None:
    """The bucket of an `s3://` address; None for any other."""
    parts = urlsplit(url)
    return parts.netloc if parts.scheme == "s3" else None


def ensure(bucket: str, seconds: float) -> bool:
    """Wait for the store, and make the bucket unless it is there. Returns whether it was made.

    Raises BucketError when the store refuses, MatchdayError when it has not answered within `seconds`.
    """
    adopt_region()
    client = _client()
    return wait_for(lambda: _ensure(client, bucket), seconds)


def _ensure(client: Any, bucket: str) -> bool:
    from botocore import exceptions as failures

    where = f"the object store {client.meta.endpoint_url}"
    try:
        return _make(client, bucket)
    except failures.ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        said = error.response.get("Error", {})
        reason = said.get("Message") or said.get("Code") or status
        if status >= 500:
            raise NotYet(f"{where} is not ready ({reason})") from None
        raise BucketError(f"{where} refuses bucket {bucket} ({reason}): check {VARIABLES}") from None
    except (failures.ConnectionError, failures.HTTPClientError) as error:
        raise NotYet(f"{where} does not answer ({error}): see that it runs and check AWS_ENDPOINT_URL") from None
    except failures.BotoCoreError as error:
        raise BucketError(f"{where} cannot be asked for bucket {bucket} ({error}): check {VARIABLES}") from None


def _make(client: Any, bucket: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
    else:
        return False
    region = client.meta.region_name
    place = {} if region == ANYWHERE else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        client.create_bucket(Bucket=bucket, **place)
    except client.exceptions.BucketAlreadyOwnedByYou:
        return False
    return True


def _client() -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    patience = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 1})
    region = os.environ.get("AWS_DEFAULT_REGION") or ANYWHERE
    try:
        return boto3.client("s3", region_name=region, config=patience)
    except (BotoCoreError, ValueError) as error:
        raise BucketError(f"the object store cannot be used ({error}): check {VARIABLES}") from None
