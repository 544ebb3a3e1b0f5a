"""The Parquet files behind a FileSource of Feast, in a folder or a bucket."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Self

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from feast import FileSource
from feast.data_format import ParquetFormat
from feast.data_source import DataSource
from pyarrow import dataset

from feature_repo.error import FeatureStoreError
from matchday.storage import adopt_region


@dataclass(frozen=True)
class ParquetSource:
    """Parquet files of one table.

    path: a file, a folder with all files below it, or a glob; local or `s3://`. endpoint: of another S3 than Amazon's.
    credentials: AWS_* variables of the source's own; those of the environment by default.
    """

    path: str
    endpoint: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, source: DataSource | None, folder: Path | None) -> Self:
        """The files of a Feast source. folder: what its local path is relative to.

        Raises FeatureStoreError for a source that is no FileSource of Parquet files.
        """
        if not isinstance(source, FileSource) or not isinstance(source.file_format, ParquetFormat | None):
            raise FeatureStoreError(f"{getattr(source, 'name', source)} is no FileSource of Parquet files")
        path = FileSource.get_uri_for_file_path(folder, source.path.removeprefix("file://"))
        return cls(path, source.s3_endpoint_override or "", source.resolve_credentials() or {})

    @property
    def remote(self) -> bool:
        """Whether the files lie in a bucket."""
        return "://" in self.path

    @property
    def is_file(self) -> bool:
        """Whether the path names one file."""
        return self.path.endswith(".parquet") and not _is_glob(self.path)

    @property
    def folder(self) -> str:
        """The folder that holds the files of a folder or of a glob."""
        if not _is_glob(self.path):
            return self.path.rstrip("/")
        head = self.path.split("*", 1)[0].split("?", 1)[0].split("[", 1)[0]
        return head.rsplit("/", 1)[0]

    def filesystem(self) -> Any:
        """The fsspec file system of the path."""
        if not self.remote:
            return fsspec.filesystem("file")
        adopt_region()
        return fsspec.filesystem(self.path.split("://", 1)[0], use_listings_cache=False, **self._options)

    @property
    def _options(self) -> dict[str, Any]:
        """Arguments of s3fs beside what it takes from the environment."""
        options: dict[str, Any] = {"endpoint_url": self.endpoint} if self.endpoint else {}
        if self.credentials:
            names = {"key": "AWS_ACCESS_KEY_ID", "secret": "AWS_SECRET_ACCESS_KEY", "token": "AWS_SESSION_TOKEN"}
            options |= {name: self.credentials.get(variable) for name, variable in names.items()}
        return options

    def files(self) -> list[str]:
        """The files by name. Names that begin with a dot or an underscore are left out: drafts and markers of writers.

        Raises FeatureStoreError when there is none.
        """
        fs = self.filesystem()
        if _is_glob(self.path):
            found = fs.glob(self.path)
        elif self.is_file and fs.isfile(self.path):
            found = [self.path]
        else:
            found = [name for name in fs.find(self.path) if name.endswith(".parquet")]
        names = sorted(str(name) for name in found if not PurePosixPath(str(name)).name.startswith((".", "_")))
        if not names:
            raise FeatureStoreError(f"there are no Parquet files at {self.path}")
        return [self._address(name) for name in names]

    def exists(self) -> bool:
        """Whether there is a file, or a folder that holds something."""
        fs = self.filesystem()
        return bool(
            fs.glob(self.path) if _is_glob(self.path) else fs.exists(self.path) and (self.is_file or fs.find(self.path))
        )

    def schema(self, files: Iterable[str]) -> Any:
        """The columns of these files together, as an Arrow schema. Raises FeatureStoreError for what is not Parquet."""
        return self.footers(files)[0]

    def footers(self, files: Iterable[str]) -> tuple[Any, int]:
        """Schema and number of rows of these files together. Raises FeatureStoreError for what is not Parquet."""
        fs, schemas, rows = self.filesystem(), [], 0
        for path in files:
            try:
                with fs.open(path) as file:
                    footer = pq.read_metadata(file)
            except (pa.ArrowInvalid, OSError) as why:
                raise FeatureStoreError(f"{path} cannot be read: {why}") from why
            schemas.append(footer.schema.to_arrow_schema().remove_metadata())
            rows += footer.num_rows
        return pa.unify_schemas(schemas, promote_options="permissive"), rows

    def read(self, files: Sequence[str], schema: Any, columns: Sequence[str]) -> Any:
        """Some columns of files, in the files' order, as an Arrow table; what a file lacks is null there."""
        place = {"filesystem": self.filesystem()} if self.remote else {}
        names = [path.split("://", 1)[1] for path in files] if self.remote else list(files)
        return dataset.dataset(names, schema=schema, format="parquet", **place).to_table(columns=list(columns))

    def _address(self, name: str) -> str:
        return name if not self.remote or "://" in name else f"{self.path.split('://', 1)[0]}://{name}"


def _is_glob(path: str) -> bool:
    return any(mark in path for mark in "*?[")
