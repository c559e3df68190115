"""What an HTTP API needs: how to log in, and what a request looks like."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, field_validator, model_validator

from datacoolie.core.models.base import Model
from datacoolie.core.models.checks import check_zone, require
from datacoolie.core.models.forms import Duration, OpenMap, Text, as_map

ParamFormat: TypeAlias = Literal["iso", "date", "timestamp", "timestamp_ms", "datetime", "datetime_ms", "integer"]
"""How a window's bound is written into a request."""

ParamLocation: TypeAlias = Literal["params", "query", "body", "header", "headers", "path"]
"""Where a window's bound stands in a request."""

_NEEDS = {
    "bearer": ["auth_token"],
    "basic": ["username", "password"],
    "api_key": ["api_key_value"],
    "oauth2_client_credentials": ["token_url", "client_id", "client_secret"],
    "aws_sigv4": ["aws_region", "aws_service"],
}


class ApiAuth(Model):
    """How to log in to an API."""

    auth_type: Literal["bearer", "basic", "api_key", "oauth2_client_credentials", "aws_sigv4"] | None = None
    """The way to log in; null: none."""
    auth_token: Text | None = None
    """For `bearer`: the token."""
    username: Text | None = None
    """For `basic`."""
    password: Text | None = None
    """For `basic`."""
    api_key_header: Text = "X-API-Key"
    """For `api_key`: the header that holds it."""
    api_key_value: Text | None = None
    """For `api_key`: the key."""
    token_url: Text | None = None
    """For `oauth2_client_credentials`: where tokens are asked for."""
    client_id: Text | None = None
    """For `oauth2_client_credentials`."""
    client_secret: Text | None = None
    """For `oauth2_client_credentials`."""
    scope: Text | None = None
    """For `oauth2_client_credentials`: the scopes, separated by spaces."""
    token_auth_method: Text | None = None
    """For `oauth2_client_credentials`: how the client shows who it is."""
    token_request_body_format: Literal["form", "json"] | None = None
    """For `oauth2_client_credentials`: how the request for a token is written."""
    token_request_extras: OpenMap = Field(default_factory=dict)
    """For `oauth2_client_credentials`: more fields of that request."""
    aws_region: Text | None = None
    """For `aws_sigv4`."""
    aws_service: Text | None = None
    """For `aws_sigv4`."""
    aws_access_key_id: Text | None = None
    """For `aws_sigv4`; by default the platform's own."""
    aws_secret_access_key: Text | None = None
    """For `aws_sigv4`; by default the platform's own."""
    aws_session_token: Text | None = None
    """For `aws_sigv4`; by default the platform's own."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        return require(self, _NEEDS.get(self.auth_type or "", []), f"auth_type {self.auth_type!r}")


class RangeBound(Model):
    """One bound of a window in a request."""

    name: Text
    """The parameter's name."""
    location: ParamLocation = "params"
    """Where the parameter stands."""
    operator: Text | None = None
    """What stands before the value, such as `gt`."""


class RangeParam(Model):
    """How the window of one watermark column is written into a request."""

    lower: RangeBound | None = None
    """The low bound."""
    upper: RangeBound | None = None
    """The high bound."""
    format: ParamFormat = "iso"
    """How both are written."""

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.lower is None and self.upper is None:
            message = "needs lower, upper or both, such as {lower: {name: updated_since}}"
            raise ValueError(message)
        return self


class ApiRequest(Model):
    """What a request to an API looks like, and how a window becomes requests."""

    endpoint: Text | None = None
    """The path below `base_url`."""
    method: Literal["GET", "POST", "PUT", "PATCH"] = "GET"
    """The HTTP method."""
    params: OpenMap = Field(default_factory=dict)
    """Parameters of the query string."""
    body: OpenMap | list[object] | None = None
    """What is sent, as JSON."""
    data_path: Text | None = None
    """Dotted path of the records in the answer; null: the answer is the list."""
    pagination_type: Literal["none", "offset", "cursor", "next_link"] = "none"
    """How further pages are found."""
    page_size: Annotated[int, Field(ge=1)] = 100
    """Records of a page."""
    max_pages: Annotated[int, Field(ge=1)] = 1000
    """More pages than these are an error."""
    offset_param: Text | None = None
    """For `offset`: the parameter of the first record's number."""
    limit_param: Text | None = None
    """The parameter of the page size."""
    total_path: Text | None = None
    """For `offset`: dotted path of the number of records, which lets pages be fetched side by side."""
    offset_max_workers: Annotated[int, Field(ge=1)] = 4
    """For `offset`: pages fetched at a time."""
    cursor_path: Text | None = None
    """For `cursor`: dotted path of the next cursor."""
    cursor_param: Text | None = None
    """For `cursor`: the parameter that takes it."""
    next_link_path: Text | None = None
    """For `next_link`: dotted path of the next page's address."""
    rate_limit_delay: Annotated[float, Field(ge=0)] = 0
    """Seconds between requests."""
    max_retries: Annotated[int, Field(ge=0)] = 10
    """Further tries of a request that failed for now."""
    range_param_mapping: Annotated[dict[str, RangeParam], BeforeValidator(as_map)] = Field(default_factory=dict)
    """How the window of each watermark column is written into a request."""
    watermark_param_mapping: Annotated[dict[str, Text], BeforeValidator(as_map)] = Field(default_factory=dict)
    """The older form of `range_param_mapping`: the parameter of the low bound by column."""
    watermark_to_param: Text | None = None
    """The older form: the parameter of the high bound."""
    watermark_param_location: ParamLocation = "params"
    """The older form: where the parameters stand."""
    watermark_param_format: ParamFormat = "iso"
    """The older form: how the bounds are written."""
    watermark_to_param_timezone: Text = "UTC"
    """The time zone in which bounds are written."""
    watermark_range_to_exclusive_offset: Duration = "1s"
    """What is added to the high bound where the API excludes it."""
    watermark_range_interval_unit: Literal["hour", "day", "month", "year"] | None = None
    """Splits a long window into requests of this unit."""
    watermark_range_interval_amount: Annotated[int, Field(ge=1)] = 1
    """How many units a request covers."""
    watermark_range_start: Text | None = None
    """Where the first load's window starts."""
    watermark_range_max_workers: Annotated[int, Field(ge=1)] = 4
    """Requests of a split window at a time."""

    @property
    def range_params(self) -> dict[str, RangeParam]:
        """How the window is written into a request, whichever form it was written in."""
        return self.range_param_mapping or {
            column: RangeParam(
                lower=RangeBound(name=name, location=self.watermark_param_location),
                upper=self._old_upper_bound(),
                format=self.watermark_param_format,
            )
            for column, name in self.watermark_param_mapping.items()
        }

    def _old_upper_bound(self) -> RangeBound | None:
        if self.watermark_to_param is None:
            return None
        return RangeBound(name=self.watermark_to_param, location=self.watermark_param_location)

    @field_validator("watermark_to_param_timezone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        return check_zone(value)

    @model_validator(mode="after")
    def _one_window_form(self) -> Self:
        if self.range_param_mapping and (self.watermark_param_mapping or self.watermark_to_param):
            message = (
                "range_param_mapping and the older watermark_param_mapping or watermark_to_param exclude each other"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _pages_have_what_they_need(self) -> Self:
        needs = {"cursor": ["cursor_path", "cursor_param"], "next_link": ["next_link_path"], "offset": ["offset_param"]}
        return require(self, needs.get(self.pagination_type, []), f"pagination_type {self.pagination_type!r}")
