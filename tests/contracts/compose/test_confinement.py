"""Every service is confined: who it runs as, what it may use, where it can be reached."""

from __future__ import annotations

from typing import Any

ONE_OFFS = {"bootstrap", "airflow_init", "restore"}
WRITE_THE_VAULT = {"bootstrap", "restore"}  # and give files to their owners
Services = dict[str, dict[str, Any]]


def test_nobody_is_root_but_those_that_hand_out_files(services: Services) -> None:
    for name, service in services.items():
        user = service["user"].split(":")[0]
        assert (user == "0") == (name in WRITE_THE_VAULT), f"{name} runs as {service['user']}"


def test_privileges_are_dropped(services: Services) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert not service.get("privileged"), name
    added = {name: service["cap_add"] for name, service in services.items() if service.get("cap_add")}
    assert added == {name: ["CHOWN", "DAC_OVERRIDE", "FOWNER"] for name in WRITE_THE_VAULT}


def test_resources_and_logs_are_capped(services: Services) -> None:
    for name, service in services.items():
        assert int(service["mem_limit"]) > 0, name
        assert service["pids_limit"] > 0, name
        assert set(service["logging"]["options"]) == {"max-file", "max-size"}, name


def test_services_come_back_and_one_offs_do_not(services: Services) -> None:
    for name, service in services.items():
        assert service["restart"] == ("no" if name in ONE_OFFS else "unless-stopped"), name
        assert service["init"] is True, name
        assert service["stop_grace_period"], name


def test_health_is_asked_everywhere(services: Services) -> None:
    for name, service in services.items():
        assert ("healthcheck" in service) == (name not in ONE_OFFS), name


def test_every_port_is_on_loopback_and_databases_publish_none(services: Services) -> None:
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", f"{name}: {port}"
    assert not any(services[name].get("ports") for name in ("postgres", "redis", "operator", "restore"))


def test_what_is_run_by_hand_starts_with_nothing_else(services: Services) -> None:
    assert {name: service["profiles"] for name, service in services.items() if service.get("profiles")} == {
        "restore": ["operate"]
    }


def test_the_docker_socket_is_nowhere(services: Services) -> None:
    sources = [volume["source"] for service in services.values() for volume in service.get("volumes", [])]
    assert not [source for source in sources if "docker.sock" in source]


def test_shared_memory_holds_the_object_store_and_memory_holds_both(services: Services) -> None:
    for name in ("ray", "ray-worker"):
        service = services[name]
        store = int(service["environment"]["RAY_OBJECT_STORE_BYTES"])
        assert store < int(service["shm_size"]) < int(service["mem_limit"]), name
