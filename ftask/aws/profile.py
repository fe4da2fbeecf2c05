"""What an AWS profile says, read as boto3 reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError
from botocore.session import Session


@dataclass(frozen=True, slots=True)
class Profile:
    """The settings of one profile, and the file that most of them are kept in."""

    name: str
    path: str
    settings: Mapping[str, str] = field(default_factory=dict)


def read_profile(name: str | None) -> Profile:
    """Return the profile of this name, or the default one; without settings if the profile does not exist."""
    session = Session(profile=name)
    path = str(session.get_config_variable("config_file"))
    try:
        return Profile(name or "default", path, session.get_scoped_config())
    except BotoCoreError:  # whoever needs the profile's credentials reports it
        return Profile(name or "default", path)
