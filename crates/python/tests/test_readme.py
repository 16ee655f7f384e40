"""What the guide shows is what the example is, and works."""

import re
import shutil
import subprocess
import sys

from experiments import ROOT, program

README = (ROOT / "crates/python/README.md").read_text()
EXAMPLE = ROOT / "examples/python"


def blocks(language, section):
    """The listings of a section."""
    text = README.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_guide_prints_the_example():
    section = "A Python function as objective or verifier"
    assert blocks("python", section) == [(EXAMPLE / "brackets.py").read_text()]
    assert blocks("text", section) == [(EXAMPLE / "brackets.ron").read_text()]


def test_the_example_goes_to_a_verdict(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__", "runs"))
    [commands] = blocks("sh", "A Python function as objective or verifier")
    first, *others = commands.splitlines()
    assert first == "pip install pstar-lab" and len(others) == 3
    for command in others:
        name, *arguments = command.split()
        result = program(*arguments, cwd=tmp_path / "mine")
        assert (name, result.returncode) == ("pstar", 0), result.stdout + result.stderr
    assert re.search(r"^bigram: .*mine .* validity", result.stdout, re.MULTILINE), result.stdout
    exact = program("exact", "brackets.ron", "--set", "task.horizon=200", cwd=tmp_path / "mine")
    assert exact.returncode == 0, exact.stderr
    [snippet] = blocks("python", "Experiments from Python")
    found = subprocess.run([sys.executable, "-c", snippet], cwd=tmp_path / "mine", capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert re.search(r"^mine +0 +0\.3474", found.stdout, re.MULTILINE), found.stdout
