"""botocore's models of AWS's services, found in a third of the time.

botocore looks into each of its four hundred folders to know which services exist, twice. The names of the folders are
enough here.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import Loader


class ServiceModels(Loader):
    """The models in botocore's folders and in those of AWS_DATA_PATH or the profile's `data_path`."""

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the folders, some of which may have no model of this type: reading that one fails."""
        return sorted({entry for folder in self.search_paths if Path(folder).is_dir() for entry in os.listdir(folder)})  # noqa: PTH208 - names


def use_service_models(session: Any) -> None:
    """Make the session of botocore read its models from here."""
    session.register_component("data_loader", _service_models(session.get_config_variable("data_path")))


@cache
def _service_models(data_path: str | None) -> ServiceModels:
    folders = data_path.split(os.pathsep) if data_path else []
    return ServiceModels(extra_search_paths=[os.path.expanduser(os.path.expandvars(folder)) for folder in folders])  # noqa: PTH111 - as botocore does
