"""Airflow's REST API, as a script of a user would call it: token, trigger, wait, look."""

from __future__ import annotations

import time
from typing import Any

import httpx

ENDED = ("success", "failed")
EXPLAINED_CHARACTERS = 6000
PAGE = 100  # the most that Airflow gives at once


class AirflowApi:
    """One Airflow; the token is got on first use and again when it is no longer accepted.

    Args:
        url: of the API server, for example `http://127.0.0.1:8080`.
        user: login name.
        password: its password.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._login = {"username": user, "password": password}
        self._client = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def get(self, path: str, **params: Any) -> Any:
        """The JSON at `/api/v2<path>`; an error status raises with the server's words."""
        return self._request("GET", path, params=params).json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST to `/api/v2<path>`."""
        return self._request("POST", path, json=body).json()

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """PATCH `/api/v2<path>`."""
        return self._request("PATCH", path, json=body).json()

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Start a run now; returns its id."""
        run = self.post(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def wait(self, dag_id: str, run_id: str, timeout: float, period: float = 2.0) -> str:
        """`success` or `failed`; a run that is still going when time is up is an AssertionError."""
        deadline = time.monotonic() + timeout
        while (state := self.get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"]) not in ENDED:
            if time.monotonic() > deadline:
                raise AssertionError(f"{state} after {timeout:.0f} s\n{self.explain(dag_id, run_id)}")
            time.sleep(period)
        return str(state)

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Its runs, oldest first; `~` of every DAG.

        Page by page, for Airflow gives a hundred at a time; one that begins meanwhile is at the end.
        """
        found = list[dict[str, Any]]()
        while True:
            page = self.get(f"/dags/{dag_id}/dagRuns", limit=PAGE, offset=len(found), order_by="id")
            found += page["dag_runs"]
            if not page["dag_runs"] or len(found) >= page["total_entries"]:
                return found

    def is_idle(self, dag_id: str) -> bool:
        """Whether no run of it waits or is under way."""
        return all(run["state"] in ENDED for run in self.runs(dag_id))

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Every task instance of a run, mapped ones one by one."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        return list(self.get(path, limit=100)["task_instances"])

    def task_log(self, task: dict[str, Any], try_number: int | None = None) -> str:
        """What a task instance (as `task_instances` gives it) wrote, one line an event."""
        number = try_number or max(task["try_number"], 1)
        path = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
        answer = self.get(f"{path}/logs/{number}", map_index=task["map_index"], full_content=True)
        content = answer["content"]
        lines = [content] if isinstance(content, str) else [_line(event) for event in content]
        return "\n".join(lines)

    def xcom(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Any:
        """What a task returned."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return self.get(path, map_index=map_index)["value"]

    def explain(self, dag_id: str, run_id: str) -> str:
        """The states of a run's tasks, and the log of each that failed: what to read when a test fails."""
        parts = []
        for task in self.task_instances(dag_id, run_id):
            parts.append(f"{task['task_id']}[{task['map_index']}] {task['state']} (try {task['try_number']})")
            if task["state"] in ("failed", "up_for_retry", "running"):
                try:
                    parts.append(self.task_log(task)[-EXPLAINED_CHARACTERS:])
                except httpx.HTTPError as error:
                    parts.append(f"no log: {error}")
        return "\n".join(parts)

    def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self._client.request(method, f"/api/v2{path}", **more)
        # Of a token that another key has signed, as before the stack's volumes were forgotten, it says 403.
        if answer.status_code == 401 or (answer.status_code == 403 and "Invalid JWT" in answer.text):
            self._client.headers.pop("Authorization", None)
            token = self._client.post("/auth/token", json=self._login)
            token.raise_for_status()
            self._client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
            answer = self._client.request(method, f"/api/v2{path}", **more)
        if answer.is_error:
            raise httpx.HTTPStatusError(
                f"{method} {path}: {answer.status_code} {answer.text[:2000]}",
                request=answer.request,
                response=answer,
            )
        return answer


def _line(event: Any) -> str:
    if not isinstance(event, dict):
        return str(event)
    rest = {k: v for k, v in event.items() if k in ("error_detail",) and v}
    return (
        f"{event.get('timestamp') or ''} {event.get('level', '')} {event.get('event')} {rest or ''}".strip()
    )
