"""The platform `fabric`: files on OneLake and on storage accounts of Azure, beside those of this machine."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models import Format, settings_of
from datacoolie.platforms import RemotePlatform
from datacoolie_platform_fabric.addresses import FILES, TABLES
from datacoolie_platform_fabric.settings import StorageSettings

if TYPE_CHECKING:
    from datacoolie.platforms import BasePlatform, TemporaryCredentials

_NEEDED = ("azure.core", "azure.identity", "azure.storage.blob")
_LAKEHOUSE = frozenset({Format.DELTA, Format.ICEBERG})


class FabricPlatform(RemotePlatform):
    """Files by URI on OneLake and storage accounts (`abfss://`, `az://`), and those of this machine by path.

    Who asks is found by azure-identity, or in a notebook of Fabric by `notebookutils`, unless the settings say it.
    There the paths of the default lakehouse (`/lakehouse/default/...`) are its URIs.

    Args:
        **options: the settings of `StorageSettings`.

    Raises:
        ConfigurationError: a setting is no valid one, or a library is missing.
    """

    contract_version: ClassVar[int] = 1
    name: ClassVar[str] = "fabric"
    schemes: ClassVar[frozenset[str]] = frozenset({"abfss", "az"})

    def __init__(self, **options: object) -> None:
        """Check the settings; nothing is asked of Azure yet."""
        settings = settings_of("the platform 'fabric'", StorageSettings, options)
        _require_sdk()
        # An extra.
        from datacoolie_platform_fabric.accounts import Accounts  # noqa: PLC0415
        from datacoolie_platform_fabric.blobs import BlobFiles  # noqa: PLC0415

        accounts = Accounts(settings)
        self._addresses = accounts.addresses
        self.blobs = BlobFiles(accounts)
        super().__init__(self.blobs)

    def platform_of(self, path: str) -> BasePlatform:
        """Return Azure for any URI but those of this machine's files, and for the default lakehouse of a notebook."""
        return self.blobs if self._addresses.is_mounted(path) else super().platform_of(path)

    def credentials(self, uri: str) -> TemporaryCredentials:
        """Return what is good now; a token is to be asked for again some minutes before it ends."""
        return self.blobs.credentials(uri)

    def why_not(self, uri: str, kind: Format, *, writes: bool) -> str | None:
        """Return why what has this format can't be written to a place; `None` where it can."""
        if not writes or self.platform_of(uri) is not self.blobs:
            return None
        address = self._addresses.parse(uri)
        what, section = ("tables", TABLES) if kind in _LAKEHOUSE else ("files", FILES)
        if not address.on_onelake or address.section == section:
            return None
        return f"on OneLake {kind.value} {what} are written below an item's {section}, and {uri!r} is not there"


def _require_sdk() -> None:
    for name in _NEEDED:
        try:
            found = find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            message = "The platform 'fabric' needs Azure's libraries: pip install 'datacoolie-platform-fabric[sdk]'"
            raise ConfigurationError(message)
