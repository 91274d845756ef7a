import pytest

from modelyard.environments.diagnosis import diagnose, explain
from modelyard.environments.errors import (
    IndexUnreachableError,
    MissingOfflineError,
    NoWheelError,
    ResolveError,
    UnknownPackageError,
    WrongPythonError,
)
from modelyard.environments.specification import EnvironmentSpec

SENDING = "  cause: error sending request for url\n  cause: client error (Connect)\n"
REFUSED = "hint: An index URL (http://host) could not be queried: lack of credentials (401 Unauthorized)\n"
NEWER = "hint: Wheels are available on the following platforms: `manylinux_2_31_x86_64`, `manylinux_2_31_aarch64`\n"
DISABLED = "hint: Packages were unavailable because the network was disabled.\n"


def because(reason, hint=""):
    return (
        f"error: No solution found when resolving dependencies\n  cause: Because {reason}, we can conclude that your "
        f"requirements are unsatisfiable.\n\n{hint}"
    )


def diagnosed(text, *requirements, platform="x86_64-manylinux_2_28"):
    return diagnose(text, EnvironmentSpec.create(requirements, python="3.11"), platform)


def test_a_conflict_names_the_requirements_that_were_asked_for():
    chain = (
        "flask==3.0.0 depends on werkzeug>=3.0.0 and you require flask==3.0.0, we can conclude that you require "
        "werkzeug>=3.0.0.\n         And because you require werkzeug<2"
    )
    error = diagnosed(because(chain), "flask==3.0.0", "werkzeug<2", "six")
    assert type(error) is ResolveError
    assert error.change == "Relax one of: flask==3.0.0, werkzeug<2."
    assert error.explanation.startswith("  Because flask==3.0.0 depends on werkzeug>=3.0.0")


@pytest.mark.parametrize(
    ("text", "kind", "change"),
    [
        (because("no-such was not found in the package registry"), UnknownPackageError, "how no-such is spelled"),
        (because("there is no version of six==99"), UnknownPackageError, "a version of six that exists"),
        (because("the requested Python version (>=3.11) does not satisfy Python>=3.12"), WrongPythonError, "than 3.11"),
        (because("docopt==0.6.2 has no usable wheels"), NoWheelError, "allow source builds"),
        (because("a==1 has no wheels with a matching platform tag", NEWER), NoWheelError, "x86_64-manylinux_2_31"),
        (f"error: Failed to fetch: http://host/six\n{SENDING}", IndexUnreachableError, "check the network"),
        ("error: Failed to fetch: x\n  cause: invalid peer certificate", IndexUnreachableError, "SSL_CERT_FILE"),
        (because("six was not found in the package registry", REFUSED), IndexUnreachableError, "credentials"),
    ],
)
def test_causes_are_told_apart(text, kind, change):
    error = diagnosed(text, "six")
    assert type(error) is kind
    assert change in error.change


def test_offline_names_what_the_cache_lacks():
    error = diagnosed(because("six was not found in the cache and you require six", DISABLED), "six")
    assert isinstance(error, MissingOfflineError)
    assert error.packages == ("six",)


def test_warnings_are_dropped_and_long_chains_cut():
    text = explain("warning: The requested Python is far\n" + "\n".join(f"And because of {n}." for n in range(50)))
    assert "warning" not in text
    assert text.endswith("... (20 more lines)")


def test_a_name_from_a_conda_file_is_doubted():
    spec = EnvironmentSpec(python="3.11", requirements=("libzz",), source="dependencies: [libzz]")
    error = diagnose(because("libzz was not found in the package registry"), spec, "x86_64-manylinux_2_28")
    assert "Conda may know it under another name" in error.change
