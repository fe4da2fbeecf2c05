"""Where a command works, and where each of these settings comes from: resolved once, value and source together.

A flag goes before the environment, the environment before `ftask.toml`, and the file before the AWS profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ftask.aws.target import Profile, Target
from ftask.cli.config_file import Config, chosen_stage
from ftask.cli.options import GlobalOptions, Setting, environment
from ftask.cli.usage import UsageError
from ftask.core.local_stage import LOCAL_REGION, is_local

ACCESS_KEY_VARIABLE = "AWS_ACCESS_KEY_ID"
ENGINE = "local engine"


@dataclass(frozen=True, slots=True)
class Settings:
    """The stage of a command and how it is reached.

    `profile` is None where no profile is chosen, and `endpoint_url` is None for AWS's own endpoints. `credentials`
    says in words which credentials sign the requests.
    """

    stage: Setting[str]
    profile: Setting[str | None]
    credentials: Setting[str]
    region: Setting[str | None]
    endpoint_url: Setting[str | None]
    uses_engine: bool = False

    def target(self) -> Target:
        """Return the target of any stage but the local engine's."""
        # boto3 ignores the keys of the environment where a profile is given explicitly.
        uses_keys = self.credentials.source == environment(ACCESS_KEY_VARIABLE)
        profile = None if uses_keys else self.profile.value
        return Target(self.stage.value, profile, self.region.value, self.endpoint_url.value)


def resolve(
    options: GlobalOptions,
    config: Config,
    variables: Mapping[str, str],
    read_profile: Callable[[str | None], Profile],
) -> Settings:
    """Return the settings that follow from the options, `ftask.toml`, the environment and the AWS profile."""
    chosen = chosen_stage(options, config)
    if is_local(chosen.value) and not options.endpoint_url.is_flag:
        return _of_engine(options, chosen)
    stage, path = config.stage(chosen.value), str(config.path)
    has_keys = bool(variables.get(ACCESS_KEY_VARIABLE))
    # The keys of a pipeline go before the profile in the file, which only the team's own machines have.
    profile = _first(options.profile, Setting(None if has_keys else stage.profile, path))
    aws = read_profile(profile.value)
    source = f"profile {aws.name} ({aws.path})"
    return Settings(
        chosen,
        profile,
        _credentials(profile, has_keys=has_keys),
        _first(options.region, Setting(stage.region, path), Setting(aws.settings.get("region"), source)),
        _first(
            options.endpoint_url, Setting(stage.endpoint_url, path), Setting(aws.settings.get("endpoint_url"), source)
        ),
    )


def _of_engine(options: GlobalOptions, stage: Setting[str]) -> Settings:
    for name, setting in (("--profile", options.profile), ("--region", options.region)):
        if setting.is_flag:
            raise UsageError(
                f"{name} has no effect on the stage {stage.value!r}, which runs on this machine.",
                "Choose another stage with --stage.",
            )
    return Settings(
        stage,
        Setting(None, ENGINE),
        Setting("access key", ENGINE),
        Setting(LOCAL_REGION, ENGINE),
        Setting(None, ENGINE),
        uses_engine=True,
    )


def _first(*candidates: Setting[str | None]) -> Setting[str | None]:
    return next((candidate for candidate in candidates if candidate.value), Setting(None))


def _credentials(profile: Setting[str | None], *, has_keys: bool) -> Setting[str]:
    if has_keys and not profile.is_flag:
        return Setting("access key", environment(ACCESS_KEY_VARIABLE))
    if profile.value is not None:
        return Setting(f"profile {profile.value}", profile.source)
    return Setting("AWS's default chain")
