"""Kafka's jars, from Maven Central once, into `.tools/kafka/` of the repository. Tests start brokers from them too."""

import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

from benchmarks.serving.error import BenchError
from matchday.files import lock_file
from matchday.settings import REPOSITORY

VERSION = "4.1.0"
CACHE = REPOSITORY / ".tools" / "kafka" / VERSION
JARS = {"org.apache.kafka": ("kafka_2.13", VERSION), "org.slf4j": ("slf4j-simple", "1.7.36")}


def fetch_jars(maven: str) -> Path:
    """The folder of the jars, filled where it is not there; several processes may ask at once.

    maven: path of the program. Raises BenchError with Maven's own words.
    """
    with lock_file(CACHE.parent / ".lock"):
        if CACHE.is_dir():
            return CACHE
        staged = CACHE.parent / f".{uuid4().hex}"
        staged.mkdir()
        try:
            (staged / "pom.xml").write_text(_pom())
            command = [maven, "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={staged / 'jars'}"]
            done = subprocess.run(command, cwd=staged, capture_output=True, text=True, check=False)
            if done.returncode:
                raise BenchError(f"Maven cannot fetch Kafka: {done.stdout[-500:]}")
            (staged / "jars").rename(CACHE)
        finally:
            shutil.rmtree(staged)
    return CACHE


def _pom() -> str:
    wanted = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, (name, version) in JARS.items()
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>matchday</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{wanted}</dependencies></project>"
    )
