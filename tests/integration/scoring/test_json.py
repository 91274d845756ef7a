"""JSON as RFC 8259 has it, and nothing else: texts that must be taken, must be refused, or may be either.

The texts are made here, in the manner of collections that hold JSON parsers against the standard: each is the value of
a name beside the rows, which the server reads and ignores, or a whole body.
"""

import itertools
import json

import pytest

DEEP = 300
PLAIN = ["0", "-0", "1", "-1", "10", "123456789", "1.5", "-1.5", "0.0", "0.10", '""', '"a"', "true", "false", "null"]
NUMBERS = [
    f"{sign}{whole}{part}{power}"
    for sign, whole, part, power in itertools.product(
        ["", "-"], ["0", "7", "90"], ["", ".0", ".250"], ["", "e1", "E+2", "e-03"]
    )
]
STRINGS = [
    *(
        f'"{escape}"'
        for escape in ['\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0000", "\\uD834\\uDD1E"]
    ),
    *(f'"{chr(code)}"' for code in [0x20, 0x7F, 0x80, 0xE9, 0x7FF, 0x800, 0x2028, 0xFDD0, 0xFFFD, 0xFFFF, 0x1F600]),
    *(f'"\\u{code:04{form}}"' for code in [0x41, 0xE9, 0xABCD, 0xFFFE] for form in "xX"),
    '"' + "long " * 5000 + '"',
]
SPACED = [f"{space}[{space}1{space},{space}2{space}]{space}" for space in (" ", "\t", "\n", "\r", " \r\n\t ")]
NESTED = ["[]", "{}", '{"":0}', '{"a":{"a":{"a":[]}}}', "[[[[]]]]", '[{"a":1},{"a":1}]', "[" * DEEP + "]" * DEEP]
MUST_ACCEPT = [*PLAIN, *NUMBERS, *STRINGS, *SPACED, *NESTED]

NO_NUMBERS = [
    *(
        "+1",
        "01",
        "-01",
        "00",
        "1.",
        "-1.",
        ".5",
        "-.5",
        "1e",
        "1e+",
        "1.e1",
        ".e1",
        "0x1",
        "0b1",
        "1_000",
        "--1",
        "- 1",
    ),
    *("NaN", "-NaN", "Infinity", "-Infinity", "+Infinity", "nan", "inf", "-inf", "1f", "1L", "1,5", "1 000", "1e1.5"),
    *("\uff11", "1\u00a0", "\u22121", "1-", "-", "+", ".", "e5", "0e", "0x", "1ee1", "1e--1", "- 1"),
]
NO_STRINGS = [
    *(
        f'"{text}"'
        for text in ["\\x41", "\\a", "\\'", "\\0", "\\u", "\\u1", "\\u12", "\\u123", "\\uZZZZ", "\\U0041", "\\"]
    ),
    *(f'"a{chr(code)}b"' for code in range(0x20)),
    *("'a'", '"a', 'a"', "a", '"\\"', "`a`", '"a" "b"', "\u201ca\u201d", '"a\\\n"'),
    *('"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', '"\\ud800\\ud800"', '"\\udc00\\ud800"', '"\\ud83dx"'),
]
NO_STRUCTURE = [
    *("[1,]", "[,1]", "[,]", "[1,,2]", "[1 2]", "[1", "1]", "[1}", "[(1)]", "[1;2]", "[1:2]", "[", "]", "[[]", "[]]"),
    *('{"a":1,}', '{,"a":1}', "{,}", '{"a" 1}', '{"a":}', "{:1}", "{a:1}", "{'a':1}", "{1:1}", '{"a":1', '{"a"', "{"),
    *('{"a"::1}', '{"a":1:2}', '{"a":1;"b":2}', '{"a","b"}', '{"a":1 "b":2}', "{null:1}", "{[1]:1}", "}", "{]", "[}"),
    *("True", "FALSE", "nul", "nulll", "none", "undefined", "tru", "", " ", "/**/1", "1//x", "1#x", "<a/>", "a=1"),
    *("\u00a01", "\u20281", "\ufeff1", "\x0b1", "\x0c1", "\x001", "1\x00", "\\u0031", "*", "&1", "1 1", "[1]\x1a"),
    *('{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"":1,"":2}', '[{"b":{"a":1,"c":[],"a":null}}]'),
]
MUST_REJECT = [*NO_NUMBERS, *NO_STRINGS, *NO_STRUCTURE]
NO_UTF8 = [
    b"\xff",
    b"\x80",
    b"\xc0\x80",
    b"\xc3",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
]
EITHER = ["1e999", "-1e999", "1" * 400, "-" + "9" * 5000, "1e-400", "0." + "1" * 5000, "1e00000000000000000001"]
EITHER += ["[" * depth + "]" * depth for depth in (1000, 1022, 1023, 1024, 1025, 5000, 100_000)]
EITHER += ['{"a":' * depth + "1" + "}" * depth for depth in (500, 1500)]
WHOLE = [
    *(f"[[{row}]]" for row in ("1,2,3,4", " 1 , 2 , 3 , 4 ", "1e0,2.0,30e-1,4E+0", "-0,0.0,0e5,-0.0")),
    *(f' {{ "{name}" : [ [1,2,3,4] ] }} ' for name in ("data", "instances", "input_data")),
    '{"d\\u0061ta":[[1,2,3,4]]}',
]


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    return start_in_module(make_folders.write({"double": make_folders.double})).wait()


def beside(value):
    return b'{"data":[[1,2,3,4]],"x":%b}' % (
        value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    )


def test_there_are_enough_texts():
    assert len({*MUST_ACCEPT, *MUST_REJECT, *EITHER}) + len(NO_UTF8) >= 120


def test_what_json_allows_is_taken(server):
    for value in MUST_ACCEPT:
        assert json.loads(value, strict=True) is not ...
        assert server.score(beside(value))[0] == 200, value
    for body in WHOLE:
        assert server.score(body)[0] == 200, body


def test_bodies_of_json_that_hold_no_rows_are_not_called_malformed(server):
    for value in [*PLAIN, *NUMBERS, *STRINGS, *NESTED]:
        status, answer = server.score(value.encode())
        assert status == 400
        assert answer["code"] in {"wrong-form", "no-rows", "ragged-row"}, (value, answer)


def test_what_is_not_json_is_refused(server):
    bodies = [beside(value) for value in [*MUST_REJECT, *NO_UTF8, *(b'"%b"' % text for text in NO_UTF8)]]
    bodies += [value.encode("utf-8") for value in MUST_REJECT]
    bodies += [body.encode()[:cut] for body in WHOLE[:2] for cut in range(len(body) - 1)]
    bodies += [
        b"\xef\xbb\xbf" + WHOLE[0].encode(),
        *(WHOLE[0].encode(name) for name in ("utf-16", "utf-16-be", "utf-32")),
    ]
    for body in bodies:
        status, answer = server.score(body)
        assert (status, answer["code"]) == (400, "malformed-body"), (body[:80], answer)


def test_what_may_be_either_is_answered_below_500(server):
    for value in EITHER:
        for body in (beside(value), value.encode(), f"[[1,2,3,{value}]]".encode()):
            status, answer = server.score(body)
            assert status in {200, 400}, (body[:80], answer)


def test_deeper_than_1024_is_refused(server):
    for depth in (1025, 100_000):
        assert server.score(b"[" * depth + b"]" * depth)[1]["code"] == "malformed-body"
        assert server.score(beside("[" * depth + "]" * depth))[1]["code"] == "malformed-body"
