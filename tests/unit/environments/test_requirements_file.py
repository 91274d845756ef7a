import pytest

from modelyard.environments.errors import InvalidRequirementError, InvalidSpecificationError
from modelyard.environments.requirements_file import from_pip_requirements


@pytest.fixture
def write(tmp_path):
    def _write(text, name="requirements.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return _write


def test_comments_continued_lines_hashes_extras_and_markers_are_read(write):
    path = write(
        "# a comment\n"
        "six==1.17.0 \\\n    --hash=sha256:00 --hash=sha256:11\n"
        "Flask[async]>=3,<4  # the web\n\n"
        'tomli ; python_version < "3.11"\n'
    )
    assert from_pip_requirements(path).requirements == (
        "flask[async]<4,>=3",
        "six==1.17.0",
        'tomli ; python_version < "3.11"',
    )


def test_nested_files_and_constraints_are_followed_from_where_they_stand(write):
    write("six\n", "more/six.txt")
    write("-r six.txt\n-c ../limits.txt\n", "more/all.txt")
    write("six<2\n", "limits.txt")
    spec = from_pip_requirements(write("-r more/all.txt\niniconfig\n"))
    assert spec.requirements == ("iniconfig", "six")
    assert spec.constraints == ("six<2",)


@pytest.mark.parametrize("option", ["-i ", "--index-url ", "--index-url=", "-i"])
def test_the_index_is_taken(write, option):
    path = write(f"{option}https://index.example/simple\n--extra-index-url https://other.example/s\nsix\n")
    spec = from_pip_requirements(path)
    assert spec.index == "https://index.example/simple"
    assert spec.extra_indexes == ("https://other.example/s",)


def test_an_index_with_a_password_is_refused(write):
    with pytest.raises(InvalidSpecificationError, match="credentials"):
        from_pip_requirements(write("-i https://me:word@index.example/simple\n"))


def test_options_without_meaning_for_a_lock_are_passed_over(write):
    assert from_pip_requirements(write("--require-hashes\n--only-binary :all:\nsix\n")).requirements == ("six",)


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("-e .", "add it as a private wheel"),
        ("--editable=../lib", "add it as a private wheel"),
        ("./lib", "a path is on this machine only"),
        ("wheels/lib-1.0-py3-none-any.whl", "a path is on this machine only"),
        ("https://host/lib-1.0-py3-none-any.whl", "an address is not a version"),
        ("git+https://host/lib", "an address is not a version"),
        ("lib @ https://host/lib.zip", "an address is not a version"),
        ("--pre", "name a pre-release"),
        ("--find-links wheels", "private wheels"),
        ("lib==${VERSION}", "write its value"),
        ("lib --global-option=x", "options of a single requirement"),
        ("--frobnicate", "remove it"),
        ("-r https://host/all.txt", "download it first"),
        ("-r absent.txt", "cannot be read"),
        ("numpy=1.0", "not a requirement"),
    ],
)
def test_what_is_refused_is_named_with_its_line_and_a_remedy(write, line, remedy):
    path = write(f"six\n\n{line}\n")
    with pytest.raises(InvalidRequirementError, match=remedy) as raised:
        from_pip_requirements(path)
    assert raised.value.line == 3
    assert raised.value.source == str(path)


def test_a_file_that_includes_itself_is_refused(write):
    write("-r requirements.txt\n", "other.txt")
    with pytest.raises(InvalidRequirementError, match="includes itself") as raised:
        from_pip_requirements(write("-r other.txt\n"))
    assert raised.value.source.endswith("other.txt")


def test_one_file_may_be_included_twice(write):
    write("six\n", "six.txt")
    assert from_pip_requirements(write("-r six.txt\n-r six.txt\n")).requirements == ("six",)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidRequirementError, match=r"absent\.txt"):
        from_pip_requirements(tmp_path / "absent.txt")
