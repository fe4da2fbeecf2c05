"""botocore's models of AWS's services, found and read in a third of the time.

botocore looks into each of its four hundred folders to know which services exist, twice, and reads each JSON object
into an OrderedDict. The names of the folders are enough here, and a dict keeps its order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader


class _PlainFiles(JSONFileLoader):
    def _load_file(self, full_path: str, open_method: Callable[[str, str], Any]) -> Any:
        if not Path(full_path).is_file():
            return None
        with open_method(full_path, "rb") as file:
            return json.loads(file.read())


class ServiceModels(Loader):
    """The models in botocore's folders and in those of AWS_DATA_PATH or the profile's `data_path`."""

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the folders, some of which may have no model of this type: reading that one fails."""
        return sorted({entry for folder in self.search_paths if Path(folder).is_dir() for entry in os.listdir(folder)})  # noqa: PTH208 - names


@cache
def service_models(data_path: str | None) -> ServiceModels:
    """Return the models in botocore's folders and in those of `data_path`, separated like those of PATH."""
    folders = data_path.split(os.pathsep) if data_path else []
    return ServiceModels(
        extra_search_paths=[os.path.expanduser(os.path.expandvars(folder)) for folder in folders],  # noqa: PTH111 - as botocore does
        file_loader=_PlainFiles(),
    )
