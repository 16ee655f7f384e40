"""Executables of this workspace's benches, and what processes tell."""
import json
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def bench(name):
    """A bench's executable, built if need be."""
    command = ["cargo", "bench", "-p", "pstar-host", "--bench", name, "--no-run", "--message-format", "json"]
    lines = subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [json.loads(line) for line in lines if line.startswith("{")]
    return next(b["executable"] for b in built if b.get("executable") and b["target"]["name"] == name)


def told(command, **environment):
    """The JSON of the last line that a process prints."""
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                         env=os.environ | environment).stdout
    return json.loads(out.splitlines()[-1])
