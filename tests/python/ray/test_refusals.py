"""Clusters and nodes that cannot work on a run are refused, by name, before anything runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pstar
import pytest

from conftest import Driver, prepare, results, write
from ray_nodes import Nodes


@contextmanager
def further(nodes: Nodes, name: str, *, prefix: list[str] | None = None, **environment: str) -> Iterator[None]:
    """A second node, of the same machine, while it is needed."""
    nodes.add(name, 1, prefix=prefix, **environment)
    try:
        yield
    finally:
        nodes.remove(name)


def test_a_node_that_does_not_see_the_directory_is_named(nodes: Nodes, tmp_path: Path) -> None:
    """The second node has a file system of its own at the run's place: a mount that it alone sees."""
    shared = tmp_path / "shared"
    shared.mkdir()
    experiment, run = write(tmp_path / "shared.ron", 4, 100), shared / "run"
    prefix = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none "{shared}" && exec "$@"', "sh"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip("this system lets nobody mount a file system for a process alone")
    with further(nodes, "elsewhere", prefix=prefix):
        code, said = Driver(nodes, tmp_path, experiment, "--out", run, "--workers", "2").end()
        assert code == 2, said
        assert "1 of 2 nodes of the cluster cannot work on this run:\n" in said
        assert f"  node `elsewhere` (127.0.0.1): there is no run in `{run}`\n" in said
        assert results(run) == 0
        # Without that node, by a resource that only the first one has, it does.
        assert Driver(nodes, tmp_path, run, "--workers", "2", "--resource", "node:__internal_head__=0.01").end()[0] == 0


def test_a_copy_of_the_directory_is_not_the_directory(nodes: Nodes, tmp_path: Path) -> None:
    shared, copy = tmp_path / "shared", tmp_path / "copy"
    experiment, run = write(tmp_path / "shared.ron", 4, 100), shared / "run"
    prepare(experiment, run)
    shutil.copytree(shared, copy)
    prefix = ["unshare", "--mount", "sh", "-c", f'mount --bind "{copy}" "{shared}" && exec "$@"', "sh"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip("this system lets nobody mount a folder for a process alone")
    with further(nodes, "copied", prefix=prefix):
        code, said = Driver(nodes, tmp_path, run, "--workers", "2").end()
    assert code == 2, said
    assert f"node `copied` (127.0.0.1): `{run}` is a folder of its own" in said


def test_another_version_is_named(nodes: Nodes, tmp_path: Path) -> None:
    """What the second node's Python finds first says that it is another version, which knows nothing of Ray."""
    (tmp_path / "old" / "pstar").mkdir(parents=True)
    (tmp_path / "old" / "pstar" / "__init__.py").touch()
    told = tmp_path / "old" / "pstar_lab-0.0.9.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: pstar-lab\nVersion: 0.0.9\n")
    experiment, run = write(tmp_path / "old.ron", 4, 100), tmp_path / "run"
    with further(nodes, "old", PYTHONPATH=str(told.parent)):
        code, said = Driver(nodes, tmp_path, experiment, "--out", run, "--workers", "2").end()
    assert code == 2, said
    assert "node `old` (127.0.0.1): pstar-lab 0.0.9 is installed" in said
    assert results(run) == 0


def test_a_plugin_of_other_bytes_is_named(nodes: Nodes, tmp_path: Path) -> None:
    """The second node has a package whose plugin is another build: a worker is refused, and says which."""
    package = Path(pstar.__file__).parent
    other = tmp_path / "other" / "pstar"
    shutil.copytree(package, other)
    plugin = next(other.glob("plugins/*regex*"))
    with plugin.open("ab") as file:
        file.write(b"another build")
    experiment, run = write(tmp_path / "other.ron", 4, 100), tmp_path / "run"
    with further(nodes, "other", PYTHONPATH=str(other.parent)):
        words: list[str | Path] = [experiment, "--out", run, "--workers", "1", "--resource", "other=1"]
        code, said = Driver(nodes, tmp_path, *words).end()
    assert code == 2, said
    assert "a worker on node `other` (127.0.0.1) is refused" in said and plugin.name in said


REFUSED = [
    ([], {"RAY_ADDRESS": ""}, "no Ray cluster was named"),
    (["--address", "ray://127.0.0.1:10001"], {}, "is a client's address"),
    (["--address", "127.0.0.1:9"], {}, "no connection with the Ray cluster at '127.0.0.1:9'"),
    (["--workers", "0"], {}, "workers: expected a whole number from 1 or None, found 0"),
    (["--cpus", "4000"], {}, "no node of the cluster has 4000 CPU"),
    (["--resource", "CPU=2"], {}, "without CPU; found 'CPU': 2.0"),
    (["--set", "training.steps=-1"], {}, "expected a whole number of at least 0, found `-1`"),
    (["--every", "0"], {}, "every: expected seconds above 0"),
]


@pytest.mark.parametrize("words, environment, expected", REFUSED)
def test_what_is_wrong_is_told(
    nodes: Nodes, tmp_path: Path, words: list[str], environment: dict[str, str], expected: str
) -> None:
    experiment = write(tmp_path / "wrong.ron", 4, 100)
    code, said = Driver(nodes, tmp_path, experiment, "--out", tmp_path / "run", *words, **environment).end()
    assert code == 2 and expected in said and "Traceback" not in said, said


def test_a_folder_without_a_run_is_refused(nodes: Nodes, tmp_path: Path) -> None:
    code, said = Driver(nodes, tmp_path, tmp_path).end()
    assert code == 2 and f"`{tmp_path}` holds no run" in said


@pytest.mark.parametrize("version", [None, "2.9.3", "3.0.0"])
def test_without_ray_or_with_another_one_it_says_what_to_install(tmp_path: Path, version: str | None) -> None:
    """A stand-in for Ray, that is found first."""
    absent = "raise ModuleNotFoundError(\"No module named 'ray'\", name='ray')\n"
    (tmp_path / "ray.py").write_text(absent if version is None else f"__version__ = '{version}'\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "RAY_ADDRESS": "127.0.0.1:9"}
    command = [sys.executable, "-c", "import pstar.ray; pstar.ray.run('x.ron')"]
    ended = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    last = ended.stderr.splitlines()[-1]
    assert "`pip install 'pstar-lab[ray]'`" in last and (version or "not installed") in last, ended.stderr
