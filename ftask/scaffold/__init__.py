"""The files of a new project: `project` writes what lies in `files`."""
