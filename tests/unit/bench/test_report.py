"""What a report says, and how it gets into a page."""

from pathlib import Path

import msgspec
import pytest
from tests.bench import service_faults
from tests.bench.__main__ import main
from tests.bench.figure import OURS, Figure, Result, Target
from tests.bench.machine import Machine
from tests.bench.report import Report, as_document, as_table, fill_in, from_document
from tests.bench.serving import storm

_MACHINE = Machine(cpu="cpu", cores=2, memory="1 GiB", system="system", file_system="ext4", load=0.1)


def _report(*results: Result, **left_out: str) -> Report:
    return Report(
        date="today",
        machine=_MACHINE,
        load_after=0.2,
        rounds=1,
        seconds=1.5,
        versions={"nginx": "1"},
        results=list(results),
        left_out=left_out,
    )


def _result(bound: float, *, more: bool, beside: str | None = None) -> Result:
    target = Target(bound=bound, beside=beside)
    figure = Figure(name="rate", title="rate", unit="/s", more=more, targets=(target,))
    return Result(figure=figure, samples={OURS: [30.0], "nginx": [60.0]})


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (_result(0.5, more=True, beside="nginx"), "| reached |"),
        (_result(1, more=True, beside="nginx"), "| **missed**: nginx by 50% |"),
        (_result(40, more=True), "| **missed**: by 25% |"),
        (_result(20, more=False), "| **missed**: by 50% |"),
    ],
)
def test_the_table_says_by_how_much_a_target_is_missed(result: Result, said: str) -> None:
    assert said in as_table(_report(result))


def test_the_table_names_those_who_were_left_out() -> None:
    assert "Not measured: Flask: it failed" in as_table(_report(Flask="it failed\nwith a traceback"))


def test_a_document_is_read_back_as_the_same_report() -> None:
    report = _report(_result(1, more=True, beside="nginx"), Flask="it failed")

    assert from_document(msgspec.json.decode(msgspec.json.encode(as_document(report)))) == report


def test_a_table_takes_the_place_of_the_old_one() -> None:
    page = "a\n<!-- figures: one -->\nold\n<!-- end -->\nb\n<!-- figures: two -->\nkept\n<!-- end -->\n"

    filled = fill_in(page, "one", _report())

    assert "old" not in filled
    assert filled.startswith("a\n<!-- figures: one -->\n| figure |")
    assert filled.endswith("<!-- end -->\nb\n<!-- figures: two -->\nkept\n<!-- end -->\n")


def test_a_page_without_the_place_is_refused() -> None:
    with pytest.raises(ValueError, match="figures: one"):
        fill_in("a page\n", "one", _report())


def test_a_part_that_has_a_place_of_its_own_in_a_page_is_not_put_into_that_of_its_group(tmp_path: Path) -> None:
    figures = storm.FIGURES[0], service_faults.FIGURES[0]
    report, page = tmp_path / "figures.json", tmp_path / "page.md"
    found = _report(*(Result(figure=figure, samples={OURS: [1.0]}) for figure in figures))
    report.write_bytes(msgspec.json.encode(as_document(found)))
    page.write_text(
        "".join(f"<!-- figures: {name} -->\n<!-- end -->\n" for name in ("reliability", "reliability-services"))
    )

    main(["--report", str(report), "--only", "reliability", "--page", str(page)])

    first, second, _ = page.read_text().split("<!-- end -->")
    assert [[figure.title in place for figure in figures] for place in (first, second)] == [
        [True, False],
        [False, True],
    ]
