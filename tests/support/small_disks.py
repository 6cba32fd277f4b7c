"""Small disks under the running stack, in memory: they can be filled without filling the machine's."""

from __future__ import annotations

from collections.abc import Mapping

OVERLAY = "docker-compose.small-disks.yml"
DISKS = ("datas", "postgres")
ROOM_MB = {"datas": 64, "postgres": 160}  # left over what is there
COPY = " && ".join(
    (*(f"cp -a /from/{name}/. /to/{name}/" for name in DISKS), "touch /tmp/done", "exec sleep infinity")
)
# A volume in memory lives as long as a container has it: the copier has both, and fills and empties them.
TEXT = """
services:
  copier:
    image: turo/bootstrap:{tag}
    init: true
    user: "0:0"
    cap_drop: [ALL]
    cap_add: [CHOWN, DAC_OVERRIDE, FOWNER]
    network_mode: none
    command: [sh, -c, "{copy}"]
    healthcheck: {{test: [CMD, test, -e, /tmp/done], interval: 1s, retries: 120}}
    volumes:
      - postgres_data:/from/postgres:ro
      - ./datas:/from/datas:ro
      - small_postgres:/to/postgres
      - small_datas:/to/datas
  postgres: {{volumes: ["small_postgres:/var/lib/postgresql/data"]}}
  ray: {{volumes: ["small_datas:/opt/turo/datas"]}}
  operator: {{volumes: ["small_datas:/opt/turo/datas:ro"]}}
volumes:
  small_datas: {{driver_opts: {{type: tmpfs, device: tmpfs, o: "size={datas}m"}}}}
  small_postgres: {{driver_opts: {{type: tmpfs, device: tmpfs, o: "size={postgres}m"}}}}
"""


def overlay(tag: str, used_mb: Mapping[str, int]) -> str:
    """A compose file that puts PostgreSQL, Ray and the operator on copies of their data, with little room.

    Args:
        tag: of the project's images.
        used_mb: what is on each of the disks now, MiB.
    """
    sizes = {name: used_mb[name] + ROOM_MB[name] for name in DISKS}
    return TEXT.format(tag=tag, copy=COPY, **sizes)
