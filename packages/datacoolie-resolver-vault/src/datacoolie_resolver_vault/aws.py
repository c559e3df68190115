"""Credentials of AWS, by which Vault knows who logs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.redaction import register_secret_values

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials


def aws_keys() -> ReadOnlyCredentials:
    """Return the credentials that the AWS tools find here, good now; they are masked in all that is printed.

    Raises:
        ConfigurationError: boto3 is not installed, or there are no credentials.
    """
    try:
        import boto3  # noqa: PLC0415 - optional: other logins do without
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - the same
    except ImportError as error:
        message = (
            "The login to Vault by 'aws' needs boto3, which is not installed. Install it: "
            "pip install 'datacoolie-resolver-vault[aws]'"
        )
        raise ConfigurationError(message, {"package": "boto3"}) from error
    try:
        found = boto3.Session().get_credentials()
        keys = found.get_frozen_credentials() if found else None
    except (BotoCoreError, ClientError) as error:
        message = f"The login to Vault by 'aws' finds no credentials: {error}"
        raise ConfigurationError(message) from error
    if keys is None:
        message = (
            "The login to Vault by 'aws' finds no credentials. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, sign in (aws sso login), or run where a role gives them."
        )
        raise ConfigurationError(message)
    register_secret_values(*filter(None, (keys.secret_key, keys.token)))
    return keys
