"""The peers: what each is started with, as its own pages advise for one core, its access log off."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path

from tests.bench.environment import pinned_python
from tests.bench.figure import OURS
from tests.bench.ground import Ground
from tests.bench.serving import form
from tests.bench.serving.contender import PROGRAMS, Contender, Launch, LeftOutError, free_port
from tests.bench.serving.folder import KEY, keys_file, model_folder
from tests.bench.serving.material import Model, digits

BARE, NGINX, AZURE = "http.server", "nginx", "azureml"
_PLACES = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
_KEYED = {"Authorization": f"Bearer {KEY}"}


def the_digits(ground: Ground) -> Model:
    """Give the model that everyone serves."""
    return digits(ground.folder)


def ours(
    model: Callable[[Ground], Model] = the_digits,
    *options: str,
    form: form.Form = form.DATA,
) -> Contender:
    """Our server as it comes: validation, keys, metrics, request ids and the access log are on."""

    def launch(ground: Ground, folder: Path) -> Launch:
        served = model_folder(folder / "served", model(ground))
        return our_launch(ground, folder, served, *options)

    return Contender(name=OURS, launch=launch, form=form, headers=_KEYED)


def our_launch(ground: Ground, folder: Path, served: Path, *options: str) -> Launch:
    """Start our server on a model folder."""
    port = free_port()
    keys = ["--keys-file", str(keys_file(folder)), "--port", str(port)]
    command = [str(ground.ours.python), "-m", "modelyard_scoring", str(served), *keys, *options]
    return Launch(command=command, port=port)


def python_of(name: str) -> Path:
    """Give the interpreter of a peer's environment, which is made from what its file pins."""
    return pinned_python(PROGRAMS / f"{name}.txt")


def program(name: str, command: str) -> str:
    """Name a command of a peer's environment."""
    return str(python_of(name).parent / command)


def _bare(ground: Ground, _: Path) -> Launch:
    port = free_port()
    return _launch(ground, port, str(ground.plain.python), str(PROGRAMS / "bare.py"), str(port))


def _fastapi(ground: Ground, _: Path) -> Launch:
    port = free_port()
    fast = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return _launch(ground, port, program("fastapi", "uvicorn"), "with_fastapi:app", "--port", str(port), *fast)


def _flask(ground: Ground, _: Path) -> Launch:
    port = free_port()
    threads = ["--worker-class", "gthread", "--threads", "4", "--keep-alive", "75", "--no-control-socket"]
    return _launch(ground, port, program("flask", "gunicorn"), "with_flask:app", "-b", f"127.0.0.1:{port}", *threads)


def azure(script: Path) -> Callable[[Ground, Path], Launch]:
    """Start Azure's inference server on a script."""

    def launch(ground: Ground, _: Path) -> Launch:
        port = free_port()
        place = ["--port", str(port), "--worker_count", "1"]
        return _launch(
            ground, port, program("azureml-inference-server-http", "azmlinfsrv"), "--entry_script", str(script), *place
        )

    return launch


def _bentoml(ground: Ground, _: Path) -> Launch:
    port = free_port()
    place = ["--host", "127.0.0.1", "--port", str(port), "--working-dir", str(PROGRAMS), "--api-workers", "1"]
    return _launch(ground, port, program("bentoml", "bentoml"), "serve", "with_bentoml:Digits", *place)


def _litserve(ground: Ground, _: Path) -> Launch:
    port = free_port()
    return _launch(ground, port, str(python_of("litserve")), str(PROGRAMS / "with_litserve.py"), str(port))


def _mlserver(ground: Ground, folder: Path) -> Launch:
    port = free_port()
    ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    lean = {"parallel_workers": 0, "debug": False, "metrics_endpoint": None, "logging_settings": None}
    (folder / "settings.json").write_text(json.dumps({"host": "127.0.0.1", **ports, **lean}))
    (folder / "model-settings.json").write_text(
        json.dumps({"name": "digits", "implementation": "with_mlserver.Digits"})
    )
    return _launch(ground, port, program("mlserver", "mlserver"), "start", str(folder))


def _mlflow(ground: Ground, _: Path) -> Launch:
    port, made = free_port(), ground.folder / "digits-mlflow"
    if not made.exists():
        write = [str(python_of("mlflow")), str(PROGRAMS / "with_mlflow.py"), str(made)]
        environment = ground.plain.environment() | _model(ground)
        subprocess.run(write, env=environment, cwd=ground.folder, check=True, capture_output=True, timeout=120)
    place = ["--host", "127.0.0.1", "--port", str(port), "--env-manager", "local", "--workers", "1"]
    return _launch(ground, port, program("mlflow", "mlflow"), "models", "serve", "-m", str(made), *place)


_CONSTANT = """
worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{{"constant": true}}'; }} }}
}}
"""


def _nginx(ground: Ground, folder: Path) -> Launch:
    found = shutil.which("nginx", path=_PLACES)
    if found is None:
        raise LeftOutError("nginx is not installed: on Debian, apt-get install nginx-light")
    port = free_port()
    (folder / "nginx.conf").write_text(_CONSTANT.format(folder=folder, port=port))
    return _launch(ground, port, found, "-p", str(folder), "-c", str(folder / "nginx.conf"))


def _model(ground: Ground) -> dict[str, str]:
    quiet = {"BENTOML_DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
    return {"MODEL": str(digits(ground.folder).file), "HOME": str(ground.folder), **quiet}


def _launch(ground: Ground, port: int, *command: str) -> Launch:
    path = {"PATH": f"{Path(command[0]).parent}:/usr/bin:/bin"}
    return Launch(command=list(command), port=port, environment=_model(ground) | path)


CONSTANT = Contender(
    name=NGINX,
    launch=_nginx,
    form=form.Form(path="/", write=form.DATA.write, read=lambda body: {"constant": json.loads(body)["constant"]}),
)
FLOOR = Contender(name=BARE, launch=_bare, form=form.DATA)
PEERS = (
    Contender(name="FastAPI", package="fastapi", launch=_fastapi, form=form.DATA),
    Contender(name="Flask", package="flask", launch=_flask, form=form.DATA),
    Contender(name="MLServer", package="mlserver", launch=_mlserver, form=form.PROTOCOL),
    Contender(
        name=AZURE,
        package="azureml-inference-server-http",
        launch=azure(PROGRAMS / "with_azureml.py"),
        form=form.DATA,
    ),
    Contender(name="BentoML", package="bentoml", launch=_bentoml, form=form.DATA),
    Contender(name="LitServe", package="litserve", launch=_litserve, form=form.DATA),
    Contender(name="MLflow", package="mlflow", launch=_mlflow, form=form.MLFLOW),
)
"""Those that run in an environment of their own."""


def versions(names: Collection[str]) -> dict[str, str]:
    """Say which version of each peer takes part, and of wrk."""
    found = {peer.name: _pinned(peer.package) for peer in PEERS if peer.name in names}
    tools = {NGINX: ("nginx", "-v"), "wrk": ("wrk", "-v")}
    return found | {name: _said(*command) for name, command in tools.items() if name == "wrk" or name in names}


def _pinned(package: str) -> str:
    lines = (PROGRAMS / f"{package}.txt").read_text().splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{package}=="))


def _said(program: str, option: str) -> str:
    found = shutil.which(program, path=_PLACES)
    if found is None:
        return "none"
    done = subprocess.run([found, option], capture_output=True, text=True, timeout=10, check=False)
    version = re.search(r"\d[\w.]*", done.stdout + done.stderr)
    return version[0] if version else "unknown"
