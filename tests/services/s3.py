"""An S3 that is really asked over HTTP: moto's server in this process.

from tests.services.s3 import s3  # the fixture; gives a bucket's URL and sets AWS_* for the test
"""

from collections.abc import Iterator
from threading import Lock
from typing import Any

import boto3
import pytest
import s3fs
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

BUCKET = "matchday-test"


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """The address of a running server. A conditional write is one step, as S3's is; moto checks, then writes."""
    one_at_a_time, put_object = Lock(), S3Response.put_object

    def put(self: S3Response) -> Any:
        with one_at_a_time:
            return put_object(self)

    S3Response.put_object = put  # type: ignore[method-assign]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
    S3Response.put_object = put_object  # type: ignore[method-assign]


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket, as `s3://...`, with credentials and endpoint in the environment."""
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-west-2",
        "AWS_DEFAULT_REGION": "eu-west-2",
        "AWS_ENDPOINT_URL": s3_endpoint,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()  # it would go on asking the server of a former test
    store = boto3.resource("s3", endpoint_url=s3_endpoint)
    bucket = store.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    yield f"s3://{BUCKET}"
    bucket.objects.all().delete()
    bucket.delete()
