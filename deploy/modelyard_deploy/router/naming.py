"""What things are called inside Envoy, and where its files are, all relative to the router's folder.

A dot parts the names of Envoy's statistics, so a service's own dots become ``~``, which no name of ours has.
"""

from __future__ import annotations

REVISION_HEADER = "x-modelyard-revision"
"""In a request: which revision is to answer. In an answer: which one did."""

GLOBAL = "global"
"""The folder of the documents that all services share."""
SERVICES = "services"
"""The folder of folders, one for the documents that are a service's own."""
CLUSTERS = "clusters.json"
LISTENERS = "listeners.json"
ROUTES = "routes.json"
KEYS = "keys.json"
CERTIFICATES = "certificates.json"
LOGS = "logs"
ADMIN_SOCKET = "admin.sock"


def inner(service: str) -> str:
    """Give a service's name as Envoy has it."""
    return service.replace(".", "~")


def cluster_name(service: str, part: int | str, digest: str) -> str:
    """Name the cluster of a revision, or of copies, as it is now: with other replicas it is another cluster."""
    return f"{inner(service)}/{part}/{digest}"


def counted_name(service: str) -> str:
    """Begin the names of what is counted of a service's clients; Envoy's own page counts as ``http.admin``."""
    return f"service/{inner(service)}"


def keys_name(service: str) -> str:
    """Name the filter that asks for a service's keys."""
    return f"keys/{inner(service)}"


def service_folder(service: str) -> str:
    """Name the folder of a service's own documents."""
    return f"{SERVICES}/{service}"
