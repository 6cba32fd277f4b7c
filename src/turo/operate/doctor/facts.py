"""What the checks look at, as plain values. Who gathers them: `gather.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from turo.operate.doctor.env_file import EnvFile
from turo.operate.doctor.stack import Stack

GIB = 1 << 30
PROJECT = "turo"  # as Compose names the stack, unless COMPOSE_PROJECT_NAME says otherwise


@dataclass(frozen=True)
class Published:
    """A port of a running container on the host, at one of its addresses."""

    port: int
    container: str
    project: str
    address: str = ""


@dataclass(frozen=True)
class Listener:
    """A port that a program of the host listens at; `who` is empty where this user may not know."""

    port: int
    who: str
    address: str = ""


@dataclass(frozen=True)
class Container:
    """One container of the stack as Docker has it; another one under each name where a service is scaled.

    Attributes:
        service: its name in the compose file.
        state: running, paused, exited, restarting, created, dead.
        health: healthy, unhealthy, starting; empty where nobody asks.
        memory: its limit in bytes, 0 for none.
        out_of_memory: the kernel ended it for that.
        code: with which it ended.
    """

    service: str
    state: str
    health: str = ""
    memory: int = 0
    out_of_memory: bool = False
    code: int = 0


@dataclass(frozen=True)
class Host:
    """What `doctor.sh` tells of the machine. Bytes; seconds since 1970; 0 or "" where it could not tell.

    Attributes:
        system: as `uname` says it.
        project: COMPOSE_PROJECT_NAME of the shell.
        docker, compose: versions.
        memory: of Docker's machine; `free`: of the disk by what lies there (`project`, `docker`).
        shell: names of the variables that the shell exports; `given`: values of some, of ports and hosts.
        unwritable: folders of the project that the host's user cannot write to.
        containers: of the stack.
        doors: variable of a published port → what answers there, a status of HTTP; 0 where nobody does.
        made: folders that it made, being told to mend.
        volumes: names of Docker's volumes.
        now: its clock; `outside`: that of a server outside, asked at the same moment.
    """

    system: str = "Linux"
    project: str = ""
    docker: str = ""
    compose: str = ""
    memory: int = 0
    processors: int = 0
    free: Mapping[str, int] = field(default_factory=dict)
    listening: tuple[Listener, ...] = ()
    published: tuple[Published, ...] = ()
    shell: frozenset[str] = frozenset()
    given: Mapping[str, str] = field(default_factory=dict)
    containers: tuple[Container, ...] = ()
    doors: Mapping[str, int] = field(default_factory=dict)
    no_proxy: str = ""
    unwritable: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    volumes: frozenset[str] = frozenset()
    now: float = 0.0
    outside: float = 0.0


@dataclass(frozen=True)
class Component:
    """An entry of versions.toml: its line, and when that ends (None: upstream names no date)."""

    name: str
    line: str
    ends: date | None


@dataclass(frozen=True)
class Facts:
    """Everything that is known. The defaults are a fresh clone of which nothing is wrong.

    Attributes:
        now: clock of this process, seconds since 1970.
        written: the user's `.env`; empty where there is none.
        env_mode: its permission bits; None without a file. User 1000 in its access list is passed over.
        env_owner: the user whose file it is; None without a file, or where that cannot be told.
        offered: name → default, as `.env.example` has them.
        elsewhere: names that an override file of Compose reads beside them.
        override: the override file that Compose takes by itself; empty where none lies there.
        whole: whether the project's folder lies here, with all that it holds.
        folders: those that containers write to → whether user 1000 may write, None where it is missing.
        inputs: path below datas/ → when it was changed.
        projects: folders below mlflow/projects that hold an MLproject.
        newest: the file of the project that was changed last, and when.
        grafana: status of a login with the password of `.env`; None where it was not tried or did not answer.
        components: of versions.toml.
        upgrade: target and step of one that is under way; empty where none is.
        told: whether `doctor.sh` told of the host; without it `host` is empty.
        unanswered: question → why it has no answer.
        services: those that the platform's own compose files name; empty where they cannot be read.
        limits: service → its memory limit in bytes as the compose file has it.
        stack: what the running stack told; None where it does not run.
    """

    now: float
    written: EnvFile = field(default_factory=EnvFile)
    env_mode: int | None = None
    env_owner: int | None = None
    offered: Mapping[str, str] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()
    override: str = ""
    whole: bool = True
    folders: Mapping[str, bool | None] = field(default_factory=dict)
    inputs: Mapping[str, float] = field(default_factory=dict)
    projects: frozenset[str] = frozenset()
    newest: tuple[str, float] = ("", 0.0)
    grafana: int | None = None
    components: tuple[Component, ...] = ()
    upgrade: tuple[str, ...] = ()
    unanswered: Mapping[str, str] = field(default_factory=dict)
    services: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)
    stack: Stack | None = None
    told: bool = False
    host: Host = field(default_factory=Host)

    def chosen(self, name: str) -> str:
        """What a variable of `.env.example` stands for: the shell's value, else the user's or the default."""
        return self.host.given.get(name) or self.written.values.get(name) or self.offered.get(name, "")

    def set_by_user(self, name: str) -> bool:
        """Whether `.env` gives it a value."""
        return bool(self.written.values.get(name))

    @property
    def project(self) -> str:
        """How Compose names the stack: in labels, and before the names of its volumes."""
        return self.host.project or self.written.values.get("COMPOSE_PROJECT_NAME") or PROJECT
