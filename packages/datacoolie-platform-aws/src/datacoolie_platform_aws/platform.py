"""The platform `aws`: files on S3, beside those of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.platforms import RemotePlatform
from datacoolie.platforms.s3 import is_on_s3
from datacoolie_platform_aws.athena import try_table
from datacoolie_platform_aws.files import S3Files
from datacoolie_platform_aws.glue import GlueTable
from datacoolie_platform_aws.options import LibraryOptions
from datacoolie_platform_aws.session import AwsSession, SessionSettings

if TYPE_CHECKING:
    from datacoolie.platforms import CatalogTable, TemporaryCredentials


class AwsPlatform(RemotePlatform):
    """Files by URI on S3 (`s3://bucket/key`), and those of this machine by path.

    Credentials are found as the AWS tools find them: environment, profile, SSO, web identity, role of the machine.

    Args:
        region: such as `eu-central-1`; by default that of the environment or profile.
        profile: of AWS's own configuration files.
        assume_role_arn: a role that is taken on by the credentials that are found.
        external_id: what that role may ask for.
        endpoint: where the services answer, when it isn't AWS: `https://minio.example.com`.
        kms_key_id: the KMS key that what is written is encrypted by.
        requester_pays: we pay for what is read of other accounts' buckets.
        timeout: seconds for which a request waits for an answer.
        attempts: how often a request is sent at most when S3 is busy, or does not answer.

    Raises:
        ConfigurationError: a setting is no valid one.
    """

    contract_version: ClassVar[int] = 1
    name: ClassVar[str] = "aws"
    schemes: ClassVar[frozenset[str]] = frozenset({"s3"})

    def __init__(  # noqa: PLR0913 - each is a setting that users write
        self,
        *,
        region: str | None = None,
        profile: str | None = None,
        assume_role_arn: str | None = None,
        external_id: str | None = None,
        endpoint: str | None = None,
        kms_key_id: str | None = None,
        requester_pays: bool = False,
        timeout: float = 60,
        attempts: int = 5,
    ) -> None:
        """Check the settings; nothing is asked of AWS yet."""
        self._session = AwsSession(
            SessionSettings(
                region=region,
                profile=profile,
                assume_role_arn=assume_role_arn,
                external_id=external_id,
                endpoint=endpoint,
                timeout=timeout,
                attempts=attempts,
            )
        )
        self.s3 = S3Files(LibraryOptions(session=self._session, kms_key_id=kms_key_id, requester_pays=requester_pays))
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
