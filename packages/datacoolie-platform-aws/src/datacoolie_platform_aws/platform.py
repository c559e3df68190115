"""The platform `aws`: files on S3, beside those of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models import settings_of
from datacoolie.platforms import RemotePlatform
from datacoolie.platforms.s3 import is_on_s3
from datacoolie_platform_aws.athena import try_table
from datacoolie_platform_aws.files import S3Files
from datacoolie_platform_aws.glue import GlueTable
from datacoolie_platform_aws.options import LibraryOptions
from datacoolie_platform_aws.session import AwsSession, SessionSettings

if TYPE_CHECKING:
    from datacoolie.platforms import CatalogTable, TemporaryCredentials


class StorageSettings(SessionSettings):
    """Who we are on AWS, and how S3 is read and written."""

    kms_key_id: str | None = None
    """The KMS key that what is written is encrypted by."""
    requester_pays: bool = False
    """Whether we pay for what is read of other accounts' buckets."""


class AwsPlatform(RemotePlatform):
    """Files by URI on S3 (`s3://bucket/key`), and those of this machine by path.

    Credentials are found as the AWS tools find them: environment, profile, SSO, web identity, role of the machine.

    Args:
        **options: the settings of `StorageSettings`.

    Raises:
        ConfigurationError: a setting is no valid one.
    """

    contract_version: ClassVar[int] = 1
    name: ClassVar[str] = "aws"
    schemes: ClassVar[frozenset[str]] = frozenset({"s3"})

    def __init__(self, **options: object) -> None:
        """Check the settings; nothing is asked of AWS yet."""
        settings = settings_of("the platform 'aws'", StorageSettings, options)
        self._session = AwsSession(settings)
        self.s3 = S3Files(
            LibraryOptions(
                session=self._session, kms_key_id=settings.kms_key_id, requester_pays=settings.requester_pays
            )
        )
        super().__init__(self.s3)

    def credentials(self, uri: str) -> TemporaryCredentials:
        """Return credentials that are good now; those of a role are to be asked for again after some minutes."""
        return self.s3.credentials(uri)

    def register(self, table: CatalogTable) -> None:
        """Make the Glue Data Catalog have a table, and let Athena try it where there is a place for its results.

        Raises:
            ConfigurationError: its files are not on S3, or what has this name is another table.
            PlatformError: Glue or Athena refuses, or does not answer; or Athena can't read the table.
        """
        if not is_on_s3(table.location):
            message = f"{table.location!r} is not on S3, and the Glue Data Catalog has tables on S3 alone."
            raise ConfigurationError(message, {"path": table.location})
        found = GlueTable(self._session.glue, table)
        if found.register() and table.results:
            try_table(self._session.athena, found.database, found.name, table.results)
