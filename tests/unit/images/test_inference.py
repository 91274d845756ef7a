"""How people write down what is served, and the files that say it."""

from pathlib import Path

import pytest

from modelyard.images.config_file import read_config
from modelyard.images.errors import ImageConfigError, InvalidImageError
from modelyard.images.inference import ResourceConfig, read_size


@pytest.mark.parametrize(
    ("text", "size"),
    [(1024, 1024), ("1024", 1024), ("512MiB", 512 << 20), ("2GB", 2 * 10**9), ("1.5Gi", 3 << 29), (" 4 K ", 4000)],
)
def test_sizes_are_read(text: int | str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1", "1e9", "5 potatoes", "1Gib\n2"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InvalidImageError, match="512MiB"):
        read_size(text)


def test_resources_come_out_in_bytes() -> None:
    resources = ResourceConfig(cpu=1, memory="64MiB", workers=2).resources()
    assert (resources.cpu, resources.memory, resources.workers) == (1.0, 64 << 20, 2)


def test_a_file_in_our_own_names_is_read_and_its_paths_start_at_its_folder(tmp_path: Path) -> None:
    (tmp_path / "env.yml").write_text("dependencies: []")
    file = tmp_path / "image.yml"
    file.write_text(
        "models: [digits:3]\nentry_script: score.py\nenvironment: env.yml\nresources: {cpu: 2, memory: 2GiB}\n"
        "limits: {timeout: 5}\ntags: {team: vision}\n"
    )
    config, aside = read_config(file)
    assert aside == ()
    assert (config.models, config.tags) == (("digits:3",), {"team": "vision"})
    assert config.inference.entry_script == str(tmp_path / "score.py")
    assert config.inference.environment == str(tmp_path / "env.yml")
    assert (config.resources.cpu, config.inference.limits) == (2, {"timeout": 5})


def test_files_of_azure_machine_learning_are_read(tmp_path: Path) -> None:
    file = tmp_path / "deployment.json"
    file.write_text(
        '{"entryScript": "score.py", "sourceDirectory": "src", "condaFile": "training", "enableGpu": true,'
        ' "computeType": "ACI", "containerResourceRequirements": {"cpu": 0.5, "memoryInGB": 1.5},'
        ' "scoringTimeoutMs": 2500, "maxConcurrentRequestsPerContainer": 4, "authEnabled": true}'
    )
    config, aside = read_config(file)
    assert aside == ("computeType", "authEnabled")
    assert config.inference.source_directory == str(tmp_path / "src")
    assert (config.inference.entry_script, config.inference.environment) == ("score.py", "training")
    assert (config.resources.cpu, config.resources.resources().memory) == (0.5, 1_500_000_000)
    assert (config.resources.accelerator, config.inference.concurrency) == ("cuda", 4)
    assert config.inference.limits == {"timeout": 2.5}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("entry_scrip: score.py", "entry_script"),
        ("cpu: many", "cpu"),
        ("[1, 2]", "names and values"),
        ("{", "image.yml"),
        ("scoringTimeoutMs: soon", "scoringTimeoutMs"),
        ("resources: {cpus: 1}", "cpu"),
    ],
)
def test_a_file_that_cannot_be_taken_is_named_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "image.yml").write_text(text)
    with pytest.raises(ImageConfigError) as raised:
        read_config(tmp_path / "image.yml")
    assert said in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageConfigError, match=r"no-such\.yml"):
        read_config(tmp_path / "no-such.yml")
