"""A real PostgreSQL for tests: Debian's package, a temporary folder, loopback, and nothing left behind.

Comes in: nothing. Goes out: the address of a running server with LiteLLM's tables, as its own schema names them.
"""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: A user that may own the data: PostgreSQL refuses to run as root.
USER = "postgres"

TABLES = """
CREATE TABLE "LiteLLM_SpendLogs" (
    request_id TEXT PRIMARY KEY, call_type TEXT NOT NULL, api_key TEXT NOT NULL DEFAULT '', spend DOUBLE
    PRECISION NOT NULL DEFAULT 0, total_tokens INTEGER NOT NULL DEFAULT 0, prompt_tokens INTEGER NOT NULL
    DEFAULT 0, completion_tokens INTEGER NOT NULL DEFAULT 0, "startTime" TIMESTAMP(3) NOT NULL, "endTime"
    TIMESTAMP(3) NOT NULL, request_duration_ms INTEGER, "completionStartTime" TIMESTAMP(3), model TEXT NOT
    NULL DEFAULT '', model_id TEXT DEFAULT '', model_group TEXT DEFAULT '', custom_llm_provider TEXT DEFAULT
    '', api_base TEXT DEFAULT '', "user" TEXT DEFAULT '', metadata JSONB DEFAULT '{}', cache_hit TEXT DEFAULT
    '', cache_key TEXT DEFAULT '', request_tags JSONB DEFAULT '[]', team_id TEXT, organization_id TEXT,
    end_user TEXT, requester_ip_address TEXT, messages JSONB DEFAULT '{}', response JSONB DEFAULT '{}',
    session_id TEXT, status TEXT, mcp_namespaced_tool_name TEXT, agent_id TEXT
);
CREATE TABLE "LiteLLM_DailyUserSpend" (
    id TEXT PRIMARY KEY, user_id TEXT, date TEXT NOT NULL, api_key TEXT NOT NULL, model TEXT, model_group
    TEXT, custom_llm_provider TEXT, mcp_namespaced_tool_name TEXT, endpoint TEXT, prompt_tokens BIGINT NOT
    NULL DEFAULT 0, completion_tokens BIGINT NOT NULL DEFAULT 0, cache_read_input_tokens BIGINT NOT NULL
    DEFAULT 0, cache_creation_input_tokens BIGINT NOT NULL DEFAULT 0, spend DOUBLE PRECISION NOT NULL DEFAULT
    0, api_requests BIGINT NOT NULL DEFAULT 0, successful_requests BIGINT NOT NULL DEFAULT 0, failed_requests
    BIGINT NOT NULL DEFAULT 0, created_at TIMESTAMP(3) NOT NULL DEFAULT now(), updated_at TIMESTAMP(3) NOT
    NULL DEFAULT now()
);
CREATE TABLE "order" ("select" TEXT, "group" TIMESTAMPTZ, "from" TEXT, "where" NUMERIC);
"""


class NoPostgresError(RuntimeError):
    """It is not installed and cannot be."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    address: str
    password: str
    port: int


def programs() -> Path:
    """The folder of initdb and postgres; Debian's package is installed where it is missing."""
    found = _installed()
    if found is not None:
        return found
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise NoPostgresError("PostgreSQL is not installed, and only root with apt-get can install it here")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", "postgresql"],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoPostgresError(f"{' '.join(command)} failed: {done.stderr.strip().splitlines()[-1:]}")
    found = _installed()
    if found is None:
        raise NoPostgresError("the package postgresql is installed, but there is no initdb under /usr/lib/postgresql")
    return found


def _installed() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if folders:
        return folders[-1].parent
    here = shutil.which("initdb")
    return Path(here).resolve().parent if here else None


@contextmanager
def running() -> Iterator[Server]:
    """A server on a free port of the loopback, stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tokenplan-postgres-"))
    bin_ = programs()
    password = secrets.token_urlsafe(12)
    secret = folder / "password"
    secret.write_text(password)
    data, root = folder / "data", os.geteuid() == 0
    if root:
        for path in (folder, secret):
            shutil.chown(path, USER)
    port = _free_port()

    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd="/", **({"user": USER} if root else {}))

    try:
        run(
            *(str(bin_ / "initdb"), "-D", str(data), "-U", "reader", "--auth=scram-sha-256"),
            *(f"--pwfile={secret}", "--encoding=UTF8", "--no-locale", "--no-sync"),
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run(str(bin_ / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield Server(f"postgresql://reader:{password}@127.0.0.1:{port}/postgres", password, port)
        finally:
            run(str(bin_ / "pg_ctl"), "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
