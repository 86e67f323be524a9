"""Where to ask and as whom: the AWS SDKs' own variables and files.

Read are, the first that says something: options, AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN,
the profile (AWS_PROFILE, else `default`) in the shared credentials file and the config file; for a service's endpoint
its own variable (AWS_ENDPOINT_URL_CLOUDTRAIL), AWS_ENDPOINT_URL, the profile's `endpoint_url`, else AWS itself.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_REGION = "us-east-1"

_OF_AWS = {
    "cloudtrail": "https://cloudtrail.{region}.amazonaws.com",
    "iam": "https://iam.amazonaws.com",
    "s3": "https://s3.{region}.amazonaws.com",
}


class NotConfigured(Exception):
    """Something is missing that a person has to supply; the text says what and how."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key pair, with a token where it is temporary."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where to ask, and as whom."""

    endpoints: Mapping[str, str]
    """The endpoint of each service that is asked."""
    region: str
    credentials: Credentials
    ca_bundle: str = ""

    def of(self, service: str) -> str:
        """Return the endpoint of a service."""
        return self.endpoints[service]


def connection(environment: Mapping[str, str], *, profile: str | None, endpoint: str | None) -> Connection:
    """Find out where to ask and as whom. Raises NotConfigured."""
    named = profile or environment.get("AWS_PROFILE")
    section = _profile(environment, named or "default")
    region = (
        environment.get("AWS_REGION")
        or environment.get("AWS_DEFAULT_REGION")
        or section.get("region")
        or DEFAULT_REGION
    )
    common = environment.get("AWS_ENDPOINT_URL") or section.get("endpoint_url")
    endpoints: dict[str, str] = {}
    for service, of_aws in _OF_AWS.items():
        own = environment.get(f"AWS_ENDPOINT_URL_{service.upper()}")
        where = endpoint or own or common or of_aws.format(region=region)
        if not where.startswith(("http://", "https://")):
            raise NotConfigured(f"The endpoint `{where}` is no http:// or https:// address.")
        endpoints[service] = where
    bundle = environment.get("AWS_CA_BUNDLE") or section.get("ca_bundle", "")
    return Connection(endpoints, region, _credentials(environment, section, named, profile), bundle)


def _credentials(
    environment: Mapping[str, str], section: Mapping[str, str], named: str | None, chosen: str | None
) -> Credentials:
    """Return the credentials. A profile given as an option goes before the variables, as it does in the SDKs."""
    key = environment.get("AWS_ACCESS_KEY_ID", "")
    if key and not chosen:
        secret = environment.get("AWS_SECRET_ACCESS_KEY", "")
        if not secret:
            raise NotConfigured("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not.")
        return Credentials(key, secret, environment.get("AWS_SESSION_TOKEN", ""))
    key, secret = section.get("aws_access_key_id", ""), section.get("aws_secret_access_key", "")
    if key and secret:
        return Credentials(key, secret, section.get("aws_session_token", ""))
    if named:
        raise NotConfigured(f"The profile `{named}` has no access key in the shared credentials file.")
    raise NotConfigured("No credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.")


def _profile(environment: Mapping[str, str], name: str) -> dict[str, str]:
    """Return what the config file and, over it, the credentials file say of a profile."""
    home = Path(environment.get("HOME", "~")).expanduser() / ".aws"
    config = _read(Path(environment.get("AWS_CONFIG_FILE") or home / "config"))
    shared = _read(Path(environment.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"))
    in_config = name if name == "default" else f"profile {name}"
    found: dict[str, str] = {}
    for parser, section in ((config, in_config), (shared, name)):
        if parser.has_section(section):
            found.update(parser[section])
    return found


def _read(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, default_section="\0")
    try:
        parser.read_string(path.expanduser().read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, configparser.Error) as error:
        raise NotConfigured(f"`{path}` cannot be read: {error}") from error
    return parser
