"""AWS: files, tables and load states on S3 (platform `aws`), secrets in Secrets Manager (resolver `aws-sm`)."""

from datacoolie_platform_aws.platform import AwsPlatform
from datacoolie_platform_aws.secrets import SecretsManagerProvider, SecretsManagerResolver

__all__ = ["AwsPlatform", "SecretsManagerProvider", "SecretsManagerResolver"]
