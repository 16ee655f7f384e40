"""One file of an installed package, without what the rest of the package imports."""
import importlib.util
import os


def load(package, path):
    folder = importlib.util.find_spec(package).submodule_search_locations[0]
    spec = importlib.util.spec_from_file_location("installed_" + package, os.path.join(folder, path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
