"""Notes become one document, whatever is in their file."""

import json

from hypothesis import given
from hypothesis import strategies as st

from modelyard_scoring.touched.document import describe, read_notes
from modelyard_scoring.touched.notes import OTHERS

NOTES = b"""phase\0import
read\0/data/b
read\0/data/a\0
connected\x0010.0.0.1:80
left out\0read\x005
left out\0read\x003
phase\0init
"""


def test_notes_are_sorted_and_counted():
    touched = describe(read_notes(NOTES))

    assert touched.read == ("/data/a", "/data/b")
    assert touched.connected == ("10.0.0.1:80",)
    assert touched.left_out == {"read": 8}
    assert "msgspec" in touched.server


def test_the_last_phase_is_known():
    notes = read_notes(NOTES)

    assert (notes.last("phase"), notes.last("end")) == ("init", "")


def test_what_the_server_does_after_the_end_is_not_the_codes():
    notes = read_notes(b"read\0/a\nend\0passed\nread\0/b\nlibrary\0/usr/lib/libx.so\n")

    assert (list(notes.of["read"]), list(notes.of["library"])) == (["/a"], ["/usr/lib/libx.so"])


def test_the_notes_of_many_processes_are_bounded():
    notes = read_notes(b"".join(b"program\0p%d\n" % number for number in range(OTHERS + 7)))

    assert len(notes.of["program"]) == OTHERS
    assert notes.left_out == {"program": 7}


@given(st.binary() | st.lists(st.binary(max_size=9)).map(b"\0left out\n\0".join))
def test_anything_can_be_read(data):
    notes = read_notes(data)

    assert all(isinstance(count, int) for count in notes.left_out.values())


def test_a_document_takes_the_place_of_what_is_there(tmp_path):
    file = tmp_path / "touched.json"
    file.write_text("a fake")
    describe(read_notes(NOTES)).write(file)

    assert json.loads(file.read_bytes())["read"] == ["/data/a", "/data/b"]
    assert list(tmp_path.iterdir()) == [file]
