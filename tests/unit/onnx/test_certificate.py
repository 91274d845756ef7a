"""What a certificate prints, keeps and costs."""

import subprocess
import sys

import msgspec

from modelyard.onnx.certificate import Attempt, Certificate, Comparison, Difference, Tolerance

CERTIFICATE = Certificate(
    verdict="refused",
    recipe="float32",
    tolerance=Tolerance(),
    comparisons=(
        Comparison(kind="sample", rows=150, largest=0.25, flips=3),
        Comparison(kind="sizes", rows=9, refused=9),
    ),
    largest=0.25,
    percentile99=0.1,
    flips=3,
    ties=0,
    unanswered=0,
    worst=Difference(kind="sample", row="a=1", output="label", expected="0", got="1", difference=2.0),
    attempts=(Attempt(recipe="float32", result="different", reason="3 labels flipped"),),
    versions={"onnx": "1.23.2"},
    opset={"": 21},
    sha256="ab" * 32,
)


def test_it_prints_a_row_for_each_kind_and_the_worst():
    text = str(CERTIFICATE)
    assert "parity refused (float32)" in text
    assert [line.split()[0] for line in text.splitlines()[1:4]] == ["rows", "sample", "sizes"]
    assert "label should be 0 and is 1" in text
    assert "recipe float32: different, 3 labels flipped" in text
    assert "opset ai.onnx 21" in text


def test_it_comes_back_from_json():
    assert msgspec.json.decode(msgspec.json.encode(CERTIFICATE), type=Certificate) == CERTIFICATE


def test_reading_one_loads_no_numpy():
    code = "import sys, modelyard.onnx.certificate, modelyard.models.signature; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
