"""The registries of plugins: the only module that knows the names of entry-point groups."""

from __future__ import annotations

from datacoolie.core.registry import PluginRegistry
from datacoolie.core.secret_resolver import BaseSecretResolver
from datacoolie.destinations.base import BaseDestination
from datacoolie.engines.base import BaseEngine
from datacoolie.metadata.base import BaseMetadataProvider
from datacoolie.platforms.base import BasePlatform
from datacoolie.sources.base import BaseSource
from datacoolie.transformers.base import BaseTransformer

engine_registry = PluginRegistry("datacoolie.engines", BaseEngine)
platform_registry = PluginRegistry("datacoolie.platforms", BasePlatform)
source_registry = PluginRegistry("datacoolie.sources", BaseSource)
destination_registry = PluginRegistry("datacoolie.destinations", BaseDestination)
transformer_registry = PluginRegistry("datacoolie.transformers", BaseTransformer)
resolver_registry = PluginRegistry("datacoolie.resolvers", BaseSecretResolver)
metadata_registry = PluginRegistry("datacoolie.metadata", BaseMetadataProvider)
