"""`./dev bench`: what a figure says, and that the command's words are checked. No test asserts a time."""

from __future__ import annotations

import dataclasses
import io
import json
import re

import pytest
from rich.console import Console
from typer.testing import CliRunner

from benchmarks.figures import Figure, ratios
from ops import bench, paths
from ops.errors import Problem, UsageProblem
from proof.chain import Chain


def test_figure_is_the_median_and_shows_its_range():
    """Median, smallest, largest and number of samples; a single sample stands alone."""
    assert Figure("up", [2.0, 1.0, 1.6], "x", aim=1.5).shown == "1.60 x  (1.00 to 2.00, n=3)"
    assert Figure("memory", [168.6], "MB", aim=350).shown == "169 MB"
    assert Figure("errors", [0], "", aim=0, exactly=True).shown == "0"


@pytest.mark.parametrize(
    ("figure", "met", "aim"),
    [
        (Figure("ratio", [1.504], "x", aim=1.5), True, "≤ 1.5 x"),
        (Figure("ratio", [1.51], "x", aim=1.5), False, "≤ 1.5 x"),
        (Figure("rows", [199], "", aim=200, exactly=True), False, "200"),
        (Figure("rows", [201], "", aim=200, exactly=True), False, "200"),
        (Figure("rows", [200], "", aim=200, exactly=True), True, "200"),
        (Figure("crowd: time", [30.0], "s"), None, ""),
    ],
)
def test_figure_is_held_to_its_aim(figure, met, aim):
    """At most the aim, or exactly it; what only explains has none. Judged by the digits that are shown."""
    assert (figure.met, figure.shown_aim, figure.as_json()["met"]) == (met, aim, met)


def test_figure_without_samples_is_refused():
    """A measurement that measured nothing is no figure."""
    with pytest.raises(ValueError, match="needs samples"):
        Figure("nothing", [], "s")


def test_ratios_pair_neighbours_in_time():
    """Each run is held to the one measured next to it, and none is left over."""
    assert ratios([3.0, 8.0], [2.0, 4.0]) == [1.5, 2.0]
    with pytest.raises(ValueError):
        ratios([1.0], [])


def test_table_says_met_or_not():
    """One line a figure with its aim, a mark, and how it came about."""
    out = io.StringIO()
    figures = [Figure("login", [12.0], "ms", aim=40, note="in turn"), Figure("up", [2.0], "x", aim=1.5)]
    bench.show(figures, Console(file=out, width=200))
    first, second = out.getvalue().splitlines()[1:]
    assert first.split() == ["login", "12.0", "ms", "≤", "40", "ms", "✓", "in", "turn"]
    assert second.split() == ["up", "2.00", "x", "≤", "1.5", "x", "✗"]


def test_every_measurement_has_its_module():
    """The table of measurements and the folder agree."""
    for name in bench.MEASUREMENTS:
        assert callable(bench.measurement(name))


def test_unknown_measurement_is_named_before_anything_starts():
    """A slip in a name is a usage error that lists what there is."""
    with pytest.raises(UsageProblem, match="no measurement upp: there are sandbox, up"):
        bench.app(["upp"], standalone_mode=False)


@pytest.mark.parametrize(("samples", "status"), [([10.0], 0), ([50.0], 1)])
def test_json_is_all_that_stdout_holds_and_status_says_whether_aims_are_met(monkeypatch, samples, status):
    """Programs read figures from stdout; a missed aim is exit status 1."""
    monkeypatch.setattr(bench, "measure", lambda names: ([Figure(names[0], samples, "ms", aim=40)], []))
    done = CliRunner().invoke(bench.app, ["--json", "login"])
    assert done.exit_code == status
    assert [figure["median"] for figure in json.loads(done.stdout)] == samples


def test_failed_measurement_is_said_and_the_others_go_on(monkeypatch):
    """One broken measurement costs its own figures only, and the exit status says so."""
    monkeypatch.setattr(bench, "ground", _NoGround)

    def fail(made):
        raise Problem("nothing answers")

    good = Figure("up", [1.0], "x", aim=1.5)
    monkeypatch.setattr(bench, "measurement", lambda name: fail if name == "sync" else lambda made: [good])
    assert bench.measure(["sync", "up"]) == ([good], ["sync"])


class _NoGround:
    def __enter__(self):
        return None

    def __exit__(self, *exc):
        return None


def test_what_commands_and_measurements_read_of_the_chain_is_in_it():
    """The chain comes out of the state as plain values, which no type checker follows."""
    files = [*(paths.ROOT / "benchmarks").glob("*.py"), *(paths.ROOT / "ops").rglob("*.py")]
    read = {
        name for file in files for name in re.findall(r'chain\["(\w+)"\]', file.read_text(encoding="utf-8"))
    }
    assert read
    assert read <= {field.name for field in dataclasses.fields(Chain)}
