import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from modelyard.environments.conda import from_conda_specification, translate_bounds
from modelyard.environments.conda_names import BUNDLED, RENAMED, UNAVAILABLE
from modelyard.environments.errors import CondaTranslationError, InvalidRequirementError
from modelyard.environments.platforms import running_python

releases = st.lists(st.integers(0, 30), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))


@pytest.fixture
def translate(tmp_path):
    def _translate(text):
        path = tmp_path / "environment.yml"
        path.write_text(text)
        return from_conda_specification(path)

    return _translate


def entries(*lines):
    return "dependencies:\n" + "".join(f"  - {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("conda", "pip"),
    [
        ("", ""),
        ("*", ""),
        ("=*", ""),
        ("=1.2", "==1.2.*"),
        ("=1.2.*", "==1.2.*"),
        ("1.2", "==1.2"),
        ("1.2.*", "==1.2.*"),
        ("1.2*", "==1.2.*"),
        ("==1.2", "==1.2"),
        (">=1.2,<2", "<2,>=1.2"),
        (">=1.2.*", ">=1.2"),
        ("!=1.2.*", "!=1.2.*"),
        ("~=1.2", "~=1.2"),
        (" > 1.2 ", ">1.2"),
    ],
)
def test_version_bounds_are_translated(conda, pip):
    assert translate_bounds(conda) == pip


@pytest.mark.parametrize("bounds", ["1.2|1.4", "==1.1.1k+", ">=", "a b", ">1.*.2"])
def test_bounds_that_pip_cannot_write_are_refused(bounds):
    with pytest.raises(ValueError, match=r"pip|bound"):
        translate_bounds(bounds)


@given(releases, releases)
def test_a_translated_fuzzy_bound_admits_the_version_and_those_below_it(release, patch):
    bounds = SpecifierSet(translate_bounds(f"={release}"))
    assert release in bounds
    assert f"{release}.{patch}" in bounds


@given(st.lists(st.builds(lambda o, r: o + r, st.sampled_from([">=", "<", "!=", "==", "<="]), releases), min_size=1))
def test_bounds_that_both_write_alike_keep_their_meaning(bounds):
    assert SpecifierSet(translate_bounds(",".join(bounds))) == SpecifierSet(",".join(bounds))


def test_a_whole_file_is_translated(translate):
    spec = translate(
        "name: train\nchannels: [conda-forge, defaults]\n"
        "dependencies:\n"
        "  - python=3.10.4\n"
        "  - conda-forge::numpy=1.26\n"
        "  - scikit-learn>=1.3,<1.5\n"
        "  - pandas==2.1.0=py310h1234_0\n"
        "  - py-xgboost\n"
        "  - 'pytorch[version=\">=2.1\"]'\n"
        "  - openssl=3.0.2=h166bdaf_1\n"
        "  - pip\n"
        "  - pip:\n"
        "      - azure-storage-blob==12.19.0\n"
        "variables:\n  OMP_NUM_THREADS: 2\n"
    )
    assert (spec.name, spec.python) == ("train", "3.10")
    assert spec.requirements == (
        "azure-storage-blob==12.19.0",
        "numpy==1.26.*",
        "pandas==2.1.0",
        "scikit-learn<1.5,>=1.3",
        "torch>=2.1",
        "xgboost",
    )
    assert [(v.name, v.value) for v in spec.variables] == [("OMP_NUM_THREADS", "2")]
    assert spec.source.startswith("name: train")
    for changed in ("py310h1234_0", "called xgboost", "called torch", "openssl: dropped", "patch level", "Channels"):
        assert any(changed in note for note in spec.notes), changed


def test_everything_pip_cannot_provide_is_named_at_once_with_a_remedy(translate):
    with pytest.raises(CondaTranslationError) as raised:
        translate(entries("cudatoolkit=11.8", "r-base", "r-ggplot2", "gcc_linux-64", "numpy=1.2|1.4"))
    text = str(raised.value)
    assert len(raised.value.problems) == 5
    for named in (
        "cudatoolkit: the wheels of torch",
        "r-ggplot2: it belongs to R",
        "system_packages",
        "choose one range",
    ):
        assert named in text


@pytest.mark.parametrize(
    ("entry", "python"),
    [("python=3.12", "3.12"), ("python 3.9.*", "3.9"), ("python>=3.10,<3.11", "3.10"), ("python", running_python())],
)
def test_the_python_version_is_read(translate, entry, python):
    assert translate(entries(entry)).python == python


def test_a_python_that_nobody_has_is_refused(translate):
    with pytest.raises(CondaTranslationError, match="no version of Python"):
        translate(entries("python=2.7"))


@pytest.mark.parametrize(
    "text",
    ["- a list\n", "dependencies: six\n", "dependencies: [{conda: [six]}]\n", "depends: [six]\n", "a: [", "\x00"],
)
def test_what_is_not_a_conda_file_is_refused(translate, text):
    with pytest.raises(CondaTranslationError):
        translate(text)


def test_a_refused_pip_line_is_named_with_its_place(translate):
    with pytest.raises(InvalidRequirementError, match=r"environment\.yml \(pip\), line 2") as raised:
        translate("dependencies:\n  - pip:\n      - six\n      - -e .\n")
    assert raised.value.line == 2


def test_each_known_name_has_one_meaning():
    assert not set(RENAMED) & BUNDLED
    assert not set(RENAMED) & set(UNAVAILABLE)
    assert not BUNDLED & set(UNAVAILABLE)
