"""What a pipeline does, as a value: its steps in the order in which they were given, and what flows between them.

In the words of a step's command and in its variables, ``${{inputs.NAME}}`` and ``${{outputs.NAME}}`` stand for the
local path of an input and of an output, and ``${{parameters.NAME}}`` for the value of a parameter.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Value = str | int | float | bool
"""What a parameter may be."""

Mode = Literal["mount", "download", "upload"]
"""How data is had where a step runs; whatever it is, the step gets a path of its machine."""


class Parameter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What may be given anew for each run: a value of the type of the default."""

    default: Value


class FromOutput(Struct, frozen=True, kw_only=True, tag_field="from", tag="output", omit_defaults=True):
    """What another step has written; `path` is in it, empty for all of it."""

    step: str
    output: str
    path: str = ""


class FromDatastore(Struct, frozen=True, kw_only=True, tag_field="from", tag="datastore", omit_defaults=True):
    """A file or folder of a datastore, as it is when the step begins; `path_on_compute` is where the step wants it."""

    datastore: str
    path: str = ""
    mode: Mode = "mount"
    path_on_compute: str = ""


class FromDataset(Struct, frozen=True, kw_only=True, tag_field="from", tag="dataset", omit_defaults=True):
    """A version of a data set; 0 for the newest when the run is submitted."""

    dataset: str
    version: int = 0


Source = FromOutput | FromDatastore | FromDataset
"""Where the input of a step comes from."""


class Output(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a step promises to write.

    Parameters
    ----------
    is_directory
        True: the folder is there when the step begins; False: it must be a file; None: the step makes whichever.
    datastore, path_on_datastore
        Where it is kept beside the workspace's own store; an empty datastore for nowhere else. An empty path stands
        for ``azureml/RUN/OUTPUT``.
    """

    is_directory: bool | None = None
    datastore: str = ""
    path_on_datastore: str = ""


class Reuse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When the outputs of an earlier step are taken in place of a run.

    Parameters
    ----------
    by
        ``content``: code, command, parameters, environment and the content of the inputs are the same;
        ``definition``: the same, but of inputs only where they come from; ``never``.
    max_age
        Seconds since the earlier step ended; None for any.
    """

    by: Literal["content", "definition", "never"] = "content"
    max_age: float | None = None


class Retries(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How often a step that failed is tried again, after `delay` seconds, which grow by `factor` each time."""

    count: int = 0
    delay: float = 1.0
    factor: float = 2.0


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One unit that runs on a compute target, in a process of its own.

    Parameters
    ----------
    kind
        What users call it: ``script``, ``command``, ``function``, ``transfer``, ``register``, ``deploy``.
    script, command
        A Python script of the code and what follows it, or any command.
    code
        The digest of the tree of code, in which the command runs; empty before the pipeline is submitted, and for a
        step without code.
    counted
        The digest of the tree of what counts for reuse, where that is other than the code (``hash_paths``).
    environment
        The digest of the lock, a blob of the workspace; empty for the interpreter of whoever runs it.
    variables
        Set for the command.
    after
        Steps that must have succeeded before, besides those whose outputs are inputs.
    cpu, memory
        What it may use, in CPUs and in bytes; 0 for whatever there is.
    timeout
        Seconds that it may run, for each try.
    """

    name: str
    kind: str = "command"
    script: str | None = None
    command: tuple[str, ...] = ()
    code: str = ""
    counted: str = ""
    environment: str = ""
    variables: dict[str, str] = {}
    inputs: dict[str, Source] = {}
    outputs: dict[str, Output] = {}
    after: tuple[str, ...] = ()
    compute: str = "local"
    cpu: float = 0.0
    memory: int = 0
    reuse: Reuse = Reuse()
    retries: Retries = Retries()
    timeout: float | None = None


class Graph(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pipeline: names of steps are unique, and every step comes to its turn."""

    steps: tuple[Step, ...]
    parameters: dict[str, Parameter] = {}
    description: str = ""

    def step(self, name: str) -> Step:
        """Give a step by its name."""
        return next(step for step in self.steps if step.name == name)

    def before(self, step: Step) -> tuple[str, ...]:
        """Name the steps that must have succeeded before `step`."""
        sources = (source.step for source in step.inputs.values() if isinstance(source, FromOutput))
        return tuple(dict.fromkeys([*sources, *step.after]))
