"""What a run's directory holds."""

import os


def files(folder):
    """The files below a folder by their paths, but for the provenance, which tells of the parts of a run."""
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    found.pop("provenance.json", None)
    return found
