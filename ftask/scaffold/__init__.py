"""The files of a new project: `project` writes what `files` holds."""
