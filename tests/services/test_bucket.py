"""The bucket is made once, and a store that refuses or is away is named."""

import time

import boto3
import pytest

from matchday.bucket import BucketError, bucket_of, ensure
from matchday.errors import MatchdayError
from tests.services.processes import free_port
from tests.services.s3 import BUCKET, s3, s3_endpoint  # noqa: F401

pytestmark = pytest.mark.services


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-2"])
def test_it_is_made_once(s3: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, region: str) -> None:  # noqa: F811
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    name = f"matchday-{region}"
    assert ensure(name, 5) is True
    assert ensure(name, 5) is False
    boto3.client("s3", endpoint_url=s3_endpoint).delete_bucket(Bucket=name)


def test_one_that_is_there_is_left_alone(s3: str) -> None:  # noqa: F811
    assert ensure(BUCKET, 5) is False


def test_a_store_that_never_answers_is_named(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    with pytest.raises(
        MatchdayError, match=r"http://127\.0\.0\.1:\d+ does not answer .*AWS_ENDPOINT_URL \(waited 2 s\)"
    ):
        ensure("matchday", 2)
    assert time.monotonic() - began < 40


def test_a_name_that_no_bucket_may_have_is_refused(s3: str) -> None:  # noqa: F811
    with pytest.raises(BucketError, match="cannot be asked for bucket no bucket"):
        ensure("no bucket", 5)


def test_the_bucket_of_an_address() -> None:
    assert bucket_of("s3://matchday/lake") == "matchday"
    assert bucket_of("/var/lib/matchday/lake") is bucket_of("file:///var/lib") is None
