"""Runs that were done before."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from experiments import host, run, write

import pstar

OBJECTIVES = {"reinforce": '(plugin: "reinforce")', "grpo, ä": '(plugin: "grpo")'}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("load")


@pytest.fixture(scope="module")
def done(folder):
    return run(write(folder, OBJECTIVES), folder / "out")


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_the_record_is_the_file(done):
    again = pstar.load(done.directory)
    assert again.record == json.loads((done.directory / "summary.json").read_text()) == done.record
    assert pstar.load(done.directory / "summary.json").record == done.record
    assert again.provenance == json.loads((done.directory / "provenance.json").read_text())
    assert (again.name, again.complete, again.failures, again.faults) == ("tests", True, [], {})


def test_curves_are_the_rows_of_their_file(done):
    columns, expected = done.curves(), rows(done.directory / "curves.csv")
    assert {len(column) for column in columns.values()} == {len(expected)} and expected
    for name in ("policy", "objective", "metric"):
        assert columns[name].tolist() == [row[name] for row in expected]
    for name in ("seed", "step"):
        assert columns[name].tolist() == [int(row[name]) for row in expected]
    assert columns["value"].tolist() == [float(row["value"]) for row in expected]
    assert set(columns["learning_rate"]) == {0.02}


def test_prompts_are_the_rows_of_their_file(done):
    columns, expected = done.prompts(), rows(done.directory / "prompts.csv")
    points = {"reference": "reference", "start": "initial", "end": "final"}
    assert columns["prompt"].tolist() == [row["prompt"] for row in expected] and expected
    assert columns["point"].tolist() == [points[row["point"]] for row in expected]
    assert columns["seed"].tolist() == [int(row["seed"] or -1) for row in expected]
    assert columns["value"].tolist() == [float(row["value"]) for row in expected]


def test_figures_are_those_of_the_record(done):
    figures = done.figures()
    for arm in done.record["arms"]:
        for point in ("initial", "final"):
            for metric in ("validity_rate", "entropy"):
                is_it = (
                    (figures["objective"] == arm["objective"])
                    & (figures["seed"] == arm["seed"])
                    & (figures["point"] == point)
                    & (figures["metric"] == metric)
                )
                assert figures["value"][is_it].tolist() == [arm[point][metric]]
    of_base = (figures["policy"] == "base") & (figures["metric"] == "validity_rate")
    assert figures["value"][of_base].tolist() == [done.record["references"]["base"]["validity_rate"]]
    assert np.isnan(figures["std_error"]).all(), "all outputs were enumerated"


def test_verdicts_are_those_of_the_record(done):
    verdicts = done.verdicts
    expected = [(verdict["policy"], row) for verdict in done.record["verdicts"] for row in verdict["rows"]]
    assert verdicts["objective"].tolist() == ["reinforce", "grpo, ä"] == [row["objective"] for _, row in expected]
    assert verdicts["coverage"].tolist() == [row["coverage"]["mean"] for _, row in expected]
    assert verdicts["seeds"].tolist() == [2, 2]


@pytest.mark.parametrize("table", ["figures", "curves", "prompts", "verdicts"])
def test_frames_hold_what_the_columns_do(done, table):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns = done._table(table)
    frames = [done.to_pandas(table), done.to_polars(table)]
    assert isinstance(frames[0], pandas.DataFrame) and isinstance(frames[1], polars.DataFrame)
    for name, column in columns.items():
        for frame in frames:
            found = np.asarray(frame[name].to_numpy(), column.dtype)
            same = (found == column) | ((column != column) & (found != found))
            assert same.all(), name
    with pytest.raises(ValueError, match='"figures", "curves"'):
        done.to_pandas("nothing")


def test_the_table_and_the_page_are_the_programs(done, tmp_path):
    binary = host(tmp_path)

    def told(*arguments):
        return subprocess.run([binary, *arguments], check=True, capture_output=True, text=True).stdout

    assert done.table() == told("show", done.directory)
    assert done.table(["validity", "entropy"], format="markdown") == told(
        "show", done.directory, "--columns", "validity,entropy", "--format", "markdown"
    )
    assert done.report(tmp_path / "page.html").read_bytes() == (done.directory / "report.html").read_bytes()
    assert done.report(tmp_path / "page.html") == tmp_path / "page.html"
    (tmp_path / "thesis.html").write_text("mine")
    with pytest.raises(FileExistsError):
        done.report(tmp_path / "thesis.html")
    assert (tmp_path / "thesis.html").read_text() == "mine"
    with pytest.raises(pstar.PstarError, match="no.*`nothing`"):
        done.table(["nothing"])
    with pytest.raises(pstar.PstarError, match="format"):
        done.table(format="word")


def test_it_is_shown_in_notebooks(done):
    html = done._repr_html_()
    assert "<table>" in html and "grpo, ä" in html and len(html) < 5000
    assert repr(done) == f"<Run 'tests': 4 of 4 arms complete, {done.directory}>"


def test_damage_is_told_and_the_rest_is_read(done, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(done.directory, copy)
    (copy / "curves.csv").unlink()
    (copy / "outputs.json").write_text("{")
    text = (copy / "prompts.csv").read_text().splitlines(keepends=True)
    (copy / "prompts.csv").write_text("".join(text[:3]) + "a,b\n" + "".join(text[3:]))
    damaged = pstar.load(copy)
    assert damaged.faults.keys() == {"curves.csv", "outputs.json", "prompts.csv"}
    assert damaged.faults["curves.csv"] == "it is missing"
    assert damaged.record == done.record and len(damaged.curves()["value"]) == 0
    assert len(damaged.prompts()["value"]) == len(done.prompts()["value"])


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "summary.json` cannot be read"),
        ("", "cut short"),
        ('{"name": "a"', "cut short"),
        ("[]", "no record of a run"),
        ("\0", "no JSON"),
    ],
)
def test_what_holds_no_run_is_told(tmp_path, content, message):
    if content is not None:
        (tmp_path / "summary.json").write_text(content)
    with pytest.raises(pstar.PstarError, match=message):
        pstar.load(tmp_path)


def test_what_is_no_path_is_refused():
    with pytest.raises(TypeError, match="run: expected a path, found `int`"):
        pstar.load(3)


def test_loading_needs_no_plugin_and_no_frames(done):
    text = (
        "import sys, pstar; run = pstar.load(sys.argv[1]); run.curves(); run.table()\n"
        "print([name for name in ('pandas', 'polars', 'torch') if name in sys.modules])\n"
        "print('plugin_' in open('/proc/self/maps').read() if sys.platform == 'linux' else False)"
    )
    found = subprocess.run([sys.executable, "-c", text, done.directory], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\nFalse\n"
