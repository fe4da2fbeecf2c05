"""botocore's models of AWS's services, found and read in two thirds of the time.

botocore looks into each of its four hundred folders to know which services exist, twice, and reads each JSON object
into an OrderedDict. The names of the folders are enough here, and a dict keeps its order.
"""

from __future__ import annotations

import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader


class PlainFiles(JSONFileLoader):
    """Reads a model with plain dicts."""

    def load_file(self, file_path: str) -> Any:
        for ending, open_file in ((".json", open), (".json.gz", gzip.open)):
            try:
                with open_file(file_path + ending, "rb") as file:
                    return json.loads(file.read())
            except FileNotFoundError:
                continue
        return None


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
    return ServiceModels(
        extra_search_paths=[os.path.expanduser(os.path.expandvars(folder)) for folder in folders],  # noqa: PTH111 - as botocore does
        file_loader=PlainFiles(),
    )
