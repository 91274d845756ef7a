"""Images with code, made of the three files that people have, served by processes."""

from pathlib import Path

import httpx
import msgspec
import pytest

from modelyard.cli.main import modelyard
from modelyard.environments.errors import CondaTranslationError
from modelyard.errors import InUseError, InvalidValueError, NotFoundError
from modelyard.images import InferenceConfig, ResourceConfig
from modelyard.images.errors import ImageConfigError, InvalidImageError, NotServableError, TrialFailedError
from modelyard.images.trials.report import TrialReport
from modelyard.sdk.image.image import Image
from modelyard.sdk.model.model import Model
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError

SCRIPT = """
import json, os
from pathlib import Path
import idna
from helper import scale

def init():
    global factor
    factor = int((Path(os.environ["AZUREML_MODEL_DIR"]) / "factor.txt").read_text())

def run(data):
    rows = json.loads(data)["data"]
    return {"scaled": [scale(x, factor) for x in rows], "mode": os.environ["MODE"], "idna": idna.__version__}
"""
CONDA = """
name: scaling
dependencies:
  - python=3.11
  - pip:
    - idna==3.7
variables:
  MODE: careful
"""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MODELYARD_HOME", str(tmp_path / "home"))
    with Workspace.create("images", path=tmp_path) as opened:
        yield opened
        for service in Service.list(opened):
            service.delete()


@pytest.fixture
def model(workspace: Workspace, tmp_path: Path) -> Model:
    (tmp_path / "factor.txt").write_text("3")
    return Model.register(workspace, model_path=tmp_path / "factor.txt", model_name="factor")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "score.py").write_text(SCRIPT)
    (folder / "helper.py").write_text("def scale(x, factor): return x * factor\n")
    (folder / "env.yml").write_text(CONDA)
    (folder / "image.yml").write_text(
        "entry_script: score.py\nsource_directory: .\nenvironment: env.yml\nresources: {cpu: 1, memory: 512MiB}\n"
    )
    return folder


def test_the_three_files_of_a_service_work_as_they_are(workspace: Workspace, model: Model, source: Path) -> None:
    image = Image.from_config(workspace, "scaling", source / "image.yml", models=[model.id])
    service = Service.deploy(workspace, "scaling", image)

    assert service.run({"data": [1, 2]}) == {"scaled": [3, 6], "mode": "careful", "idna": "3.7"}
    assert (service.image, service.models) == ("scaling:1", ("factor:1",))
    metrics = httpx.get(f"{service.url}/metrics", headers={"authorization": f"Bearer {service.get_keys()[0]}"}).text
    assert image.digest in metrics


def test_the_same_files_are_the_same_image_and_a_changed_one_another(
    workspace: Workspace, model: Model, source: Path
) -> None:
    first = Image.from_config(workspace, "scaling", source / "image.yml", models=[model.id])
    again = Image.from_config(workspace, "scaling", source / "image.yml", models=[model.id])
    (source / "helper.py").write_text("def scale(x, factor): return x + factor\n")
    changed = Image.from_config(workspace, "scaling", source / "image.yml", models=[model.id])

    assert (first.id, again.id, changed.id) == ("scaling:1", "scaling:1", "scaling:2")
    assert {one.leaf for one in first.diff(changed)} == {"code.tree", "code.files[helper.py]"}


def test_a_revision_takes_over_with_the_next_image(workspace: Workspace, model: Model, source: Path) -> None:
    config = InferenceConfig(entry_script="score.py", source_directory=source, environment=source / "env.yml")
    first = Image.create(workspace, "scaling", [model.id], inference=config)
    Service.deploy(workspace, "scaling", first)
    (source / "helper.py").write_text("def scale(x, factor): return x + factor\n")
    Image.create(workspace, "scaling", [model.id], inference=config)

    service = Service.deploy(workspace, "scaling", "scaling")

    assert service.run({"data": [1]})["scaled"] == [4]
    with pytest.raises(InUseError, match="scaling/2"):
        Image(workspace, "scaling:2").delete()
    first.delete()
    assert [image.id for image in Image.list(workspace)] == ["scaling:2"]


def test_a_flask_application_is_served(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "application"
    folder.mkdir()
    (folder / "app.py").write_text(
        "import flask\napplication = flask.Flask('x')\n@application.get('/hello')\ndef hello(): return 'hello'\n"
    )
    (folder / "requirements.txt").write_text("flask>=3\n")
    config = InferenceConfig(
        application="app:application", source_directory=folder, environment=folder / "requirements.txt"
    )
    service = Service.deploy(workspace, "hello", Image.create(workspace, "hello", inference=config))
    headers = {"authorization": f"Bearer {service.get_keys()[0]}"}
    assert httpx.get(f"{service.url}/hello", headers=headers).text == "hello"


def test_code_that_fails_its_trial_is_not_registered(workspace: Workspace, model: Model, source: Path) -> None:
    (source / "helper.py").write_text("raise KeyError('no scale')\n")
    with pytest.raises(TrialFailedError, match="no scale") as raised:
        Image.from_config(workspace, "scaling", source / "image.yml", models=[model.id])
    assert (raised.value.phase, "helper.py" in str(raised.value)) == ("import", True)
    assert Image.list(workspace) == []


def test_code_that_answers_its_sample_otherwise_is_not_registered(
    workspace: Workspace, model: Model, source: Path
) -> None:
    answer = {"scaled": [6], "mode": "careful", "idna": "3.7"}
    image = Image.from_config(
        workspace, "scaling", source / "image.yml", models=[model.id], sample=({"data": [2]}, answer)
    )
    assert image.spec.code is not None
    assert image.spec.code.sample
    with pytest.raises(TrialFailedError, match=r"scaled\[0\]"):
        Image.from_config(workspace, "scaling", source / "image.yml", models=[model.id], sample=({"data": [3]}, answer))
    assert [one.id for one in Image.list(workspace)] == ["scaling:1"]
    service = Service.deploy(workspace, "scaling", image)
    assert service.run({"data": [2]}) == answer


def test_a_trial_tells_what_is_not_declared_and_keeps_the_report(
    workspace: Workspace, model: Model, source: Path
) -> None:
    (source / "env.yml").write_text(CONDA.replace("idna==3.7", "idna==3.7\n    - six"))
    reports: list[TrialReport] = []
    image = Image.from_config(workspace, "scaling", source / "image.yml", models=[model.id], told=reports.append)
    assert reports[0].judgement.unused == ("six",)
    assert msgspec.json.decode(workspace.backend.blobs.read(image.info.trial), type=TrialReport) == reports[0]


def test_a_script_that_fails_is_named_and_nothing_of_it_runs(workspace: Workspace, model: Model, source: Path) -> None:
    (source / "helper.py").write_text("raise KeyError('no scale')\n")
    image = Image.from_config(workspace, "scaling", source / "image.yml", models=[model.id], trial=False)
    with pytest.raises(DeploymentFailedError, match="no scale") as raised:
        Service.deploy(workspace, "scaling", image)
    assert raised.value.phase == "import"
    service = Service(workspace, "scaling")
    assert (service.state, service.revision.replicas, service.info.standing.url) == ("failed", (), "")


@pytest.mark.parametrize(
    ("config", "error", "said"),
    [
        ({}, NotServableError, "write a scoring script"),
        ({"entry_script": "none.py"}, InvalidImageError, "no such file"),
        ({"entry_script": "none.py", "source_directory": "SOURCE"}, InvalidImageError, "score.py"),
        ({"application": "app:app"}, InvalidImageError, "source_directory"),
        (
            {"entry_script": "/elsewhere/score.py", "source_directory": "SOURCE"},
            InvalidImageError,
            "is not in the source",
        ),
        ({"entry_script": "SOURCE/score.py", "extra_docker_file_steps": "none.txt"}, InvalidImageError, "No such file"),
        ({"entry_script": "SOURCE/score.py", "environment": "tranining"}, NotFoundError, "tranining"),
        ({"entry_script": "SOURCE/score.py", "environment": 7}, InvalidValueError, "conda|file"),
        ({"entry_script": "SOURCE/score.py", "environment": "SOURCE/image.yml"}, CondaTranslationError, "image.yml"),
        (
            {"entry_script": "SOURCE/score.py", "environment": "SOURCE/env.yml", "limits": {"timeout": 0}},
            InvalidImageError,
            "timeout",
        ),
    ],
)
def test_what_cannot_be_an_image_is_refused_before_anything_is_registered(
    workspace: Workspace, model: Model, source: Path, config: dict[str, object], error: type[Exception], said: str
) -> None:
    placed = {
        name: value.replace("SOURCE", str(source)) if isinstance(value, str) else value
        for name, value in config.items()
    }
    with pytest.raises(error, match=said):
        Image.create(workspace, "scaling", [model.id], inference=InferenceConfig(**placed))  # type: ignore[arg-type]
    assert Image.list(workspace) == []


@pytest.mark.parametrize("text", ["", "a sample", "[]", '{"answer": 1}', '{"request": 1}'])
def test_a_sample_file_that_cannot_be_taken_is_told_in_a_line(
    workspace: Workspace, model: Model, source: Path, text: str
) -> None:
    (source / "sample.json").write_text(text)
    asked = ["image", "create", "scaling", "--model", model.id, "--config", str(source / "image.yml")]
    asked += ["--sample", str(source / "sample.json"), "-w", workspace.location]
    with pytest.raises(InvalidImageError, match=r"sample\.json.*request.*answer"):
        modelyard.main(asked, standalone_mode=False)


def test_a_dry_run_registers_nothing(workspace: Workspace, model: Model, source: Path) -> None:
    config = InferenceConfig(entry_script="score.py", source_directory=source, environment=source / "env.yml")
    wanted = Image.create(workspace, "scaling", [model.id], inference=config, dry_run=True)
    assert Image.list(workspace) == []
    assert Image.create(workspace, "scaling", [model.id], inference=config).digest == wanted.digest


@pytest.mark.parametrize("resources", [{"memory": "1"}, {"memory": "lots"}, {"cpu": 0}, {"workers": 1000}])
def test_resources_out_of_bounds_are_refused(workspace: Workspace, model: Model, resources: dict[str, object]) -> None:
    with pytest.raises((InvalidImageError, ImageConfigError)):
        Image.create(workspace, "x", [model.id], resources=ResourceConfig(**resources))  # type: ignore[arg-type]
