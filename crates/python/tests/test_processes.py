"""Imports, plugin folders and processes: each in an interpreter of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import pstar

ASK = """
import numpy as np, pstar
def ask(objective=None):
    objective = objective or pstar.Objective("rloo")
    logs = np.full((2, 3), -0.5)
    return objective.coefficients(rewards=[1, 0], groups=[0, 0], log_probs=logs, lengths=[3, 2]).values.tolist()
EXPECTED = [[1.0, 1.0, 1.0], [-1.0, -1.0, 0.0]]
"""


def python(code: str, *, ask: bool = True, **environment: str) -> str:
    """What a new interpreter prints, which must end well."""
    text = (ASK if ask else "") + textwrap.dedent(code)
    clean = {key: value for key, value in os.environ.items() if key != "PSTAR_PLUGIN_PATH"}
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, env=clean | environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def plugins_of_package() -> Path:
    return Path(pstar.plugins("rloo")[0]["file"]).parent


def test_nothing_is_loaded_at_import() -> None:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("needs /proc")
    loaded = "'pstar_plugin_' in open('/proc/self/maps').read()"
    assert python(f"print({loaded}); ask(); print({loaded})").split() == ["False", "True"]


def test_import_takes_little_beyond_numpy() -> None:
    """Generous, for busy machines: tests/python/times.py measures."""
    code = """
        import numpy, time
        start = time.perf_counter(); import pstar; print(time.perf_counter() - start)
    """
    assert min(float(python(code, ask=False)) for _ in range(3)) < 0.25


def test_import_needs_nothing_but_numpy() -> None:
    code = """
        import sys
        import numpy
        before = set(sys.modules)
        import pstar
        roots = {name.split(".")[0] for name in set(sys.modules) - before}
        print(sorted(roots - set(sys.stdlib_module_names) - {"pstar", "numpy"}))
    """
    assert python(code, ask=False).strip() == "[]"


def test_a_folder_of_the_very_same_plugins_is_nothing_new() -> None:
    folder = str(plugins_of_package())
    assert python("assert ask() == EXPECTED; print(len(pstar.plugins()))", PSTAR_PLUGIN_PATH=folder) == python(
        "print(len(pstar.plugins()))"
    )


def test_copies_of_the_plugins_are_nothing_new(tmp_path: Path) -> None:
    for file in plugins_of_package().iterdir():
        shutil.copy(file, tmp_path)
    (tmp_path / "unused").mkdir()
    count = python("print(len(pstar.plugins()))")
    assert python("assert ask() == EXPECTED; print(len(pstar.plugins()))", PSTAR_PLUGIN_PATH=str(tmp_path)) == count
    assert python(f"print(len(pstar.plugins(plugin_dirs=[{str(tmp_path)!r}])))") == count


def test_another_build_of_a_plugin_is_told_with_both_files(tmp_path: Path) -> None:
    original = Path(pstar.plugins("rloo")[0]["file"])
    other = tmp_path / original.name
    # What follows the last section is nobody's: the same library, other bytes.
    other.write_bytes(original.read_bytes() + b"another build")
    code = """
        try:
            ask()
        except pstar.PstarError as error:
            print(error)
    """
    told = python(code, PSTAR_PLUGIN_PATH=str(tmp_path))
    assert str(other) in told and str(original) in told
    assert "more components, which" in told and told.count("it offers") == 1
    assert "leave its folder out of PSTAR_PLUGIN_PATH" in told
    # The import goes well all the same, and what was mended is found.
    code = f"""
        import os
        try:
            ask()
        except pstar.PstarError:
            del os.environ["PSTAR_PLUGIN_PATH"]
            print(ask() == EXPECTED)
    """
    assert python(code, PSTAR_PLUGIN_PATH=str(tmp_path)).strip() == "True"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    code = """
        try:
            ask()
        except pstar.PstarError as error:
            print(error)
    """
    assert "the plugin folder cannot be read" in python(code, PSTAR_PLUGIN_PATH=str(tmp_path / "missing"))


def test_import_after_its_modules_were_deleted() -> None:
    code = """
        import sys
        first = pstar.Objective("rloo")
        for name in [name for name in sys.modules if name == "pstar" or name.startswith("pstar.")]:
            del sys.modules[name]
        import pstar as again
        assert again is not pstar
        assert ask(again.Objective("rloo")) == EXPECTED and ask(first) == EXPECTED
        import pickle
        assert ask(pickle.loads(pickle.dumps(again.Objective("rloo")))) == EXPECTED
        try:
            again.Objective("none")
        except again.ConfigError:
            print("told")
    """
    assert python(code).strip() == "told"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("asked_before", [True, False])
def test_other_processes(method: str, asked_before: bool, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    body = f"""
import multiprocessing
if __name__ == "__main__":
    objective = pstar.Objective("curverl")
    if {asked_before}:
        ask(objective)
    context = multiprocessing.get_context({method!r})
    with context.Pool(3) as pool:
        answers = pool.map(ask, [objective] * 6 + [None] * 6)
    expected = ask(objective)
    assert answers[:6] == [expected] * 6, answers
    assert answers[6:] == [EXPECTED] * 6, answers
    print("equal")
"""
    script.write_text(ASK + body)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, "equal"), done.stderr


def test_threads_that_begin_at_once() -> None:
    code = """
        import threading
        answers, start = [], threading.Barrier(8)
        def begin():
            start.wait()
            answers.append(ask())
        threads = [threading.Thread(target=begin) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert answers == [EXPECTED] * 8
        mapped = {line.split()[-1] for line in open("/proc/self/maps") if "pstar_plugin_" in line}
        print(len(mapped))
    """
    assert int(python(code)) == len(list(plugins_of_package().glob("*pstar_plugin_*")))


def test_a_sub_interpreter_works_or_is_refused() -> None:
    """Whatever numpy and the extension say to one: no crash, and the main interpreter goes on."""
    code = """
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        inside = interpreters.create()
        run = getattr(interpreters, "run_string", None) or interpreters.exec
        run(inside, "try: import pstar; pstar.Objective('rloo'); print('worked')\\nexcept ImportError: print('refused')")
        interpreters.destroy(inside)
        print(ask() == EXPECTED)
    """
    told = python(code).split()
    assert told[0] in ("worked", "refused") and told[1] == "True"


def test_an_objective_that_outlives_the_interpreter() -> None:
    code = """
        import threading, time, atexit
        keep = pstar.Objective("curverl")
        atexit.register(ask, keep)
        threading.Thread(target=lambda: [ask(keep) for _ in range(10**9)], daemon=True).start()
        time.sleep(0.2)
        print("end")
    """
    assert python(code).strip() == "end"


def test_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "pstar", "plugins", "rloo"], capture_output=True, text=True)
    assert done.returncode == 0 and "objective `rloo`" in done.stdout
