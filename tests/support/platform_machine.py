"""The rules by which a `World` is driven: everything that people, jobs and failures do to the platform."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from mlflow_in_memory import Interruption
from platform_world import World

NAMES = st.sampled_from(("A", "A", "A", "B"))  # mostly one name: more happens to it
QUALITIES = st.sampled_from(("good", "worse", "below"))
FATES = st.sampled_from(("sound", "damaged", "deadly"))
NODES = st.sampled_from(((0,), (1,), (0, 1)))
FEW = st.integers(0, 5)
MOST_VERSIONS = 7
INTERRUPTIONS = st.none() | st.builds(
    Interruption, writes=st.integers(0, 16), after=st.booleans(), deadly=st.booleans()
)
# Planted faults are searched for no longer than the product's own: else their being found says nothing.
SEARCH = settings(
    max_examples=55, stateful_step_count=30, derandomize=True, deadline=None, database=None,
    report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
)  # fmt: skip


class PlatformMachine(RuleBasedStateMachine):
    """Drives one world. `folder` and `model` are set by a subclass."""

    folder: Path
    model: tuple[Path, str]

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        logging.disable(logging.CRITICAL)
        try:
            self.world = World(self.folder, self.model, self.patch)
        except BaseException:  # Hypothesis tears down only a machine that was made
            self._put_back()
            raise

    def teardown(self) -> None:
        try:
            self.world.settle()
            self.world.check_log()
        finally:
            self._put_back()
            self.world.close()

    def _put_back(self) -> None:
        logging.disable(logging.NOTSET)
        self.patch.undo()

    @initialize(promoted=st.integers(0, 3), last=st.none() | FATES)
    def some_versions_served_already(self, promoted: int, last: str | None) -> None:
        for _ in range(promoted):
            self.world.promote("A", self.world.train("A", "good"))
            for _ in range(3):  # it is decided, serves, and is looked up anew since the log has news of it
                self.world.tick()
        if last is not None:
            self.world.promote("A", self.world.train("A", "good"))
            self._spoil("A", last)

    @invariant()
    def the_log_tells_nothing_twice(self) -> None:
        self.world.check_log()

    @precondition(lambda self: not self.world.mlflow.away)
    @rule(name=NAMES, quality=QUALITIES, fate=FATES, interruption=INTERRUPTIONS)
    def train_and_promote(
        self, name: str, quality: str, fate: str, interruption: Interruption | None
    ) -> None:
        if len(self.world.runs[name]) < MOST_VERSIONS:
            self.world.promote(name, self.world.train(name, quality), interruption)
            self._spoil(name, fate)

    @precondition(lambda self: not self.world.mlflow.away)
    @rule(name=NAMES, heard=st.booleans())
    def a_good_version_s_configuration_gets_lost(self, name: str, heard: bool) -> None:
        """Or its answer, after it took effect."""
        if len(self.world.runs[name]) < MOST_VERSIONS:
            self.world.promote(name, self.world.train(name, "good"))
            self.world.serve.lost, self.world.serve.unheard = heard, not heard
            self.world.tick()

    @precondition(lambda self: not self.world.mlflow.away)
    @rule(name=NAMES, interruption=INTERRUPTIONS)
    def promote_the_same_run_again(self, name: str, interruption: Interruption | None) -> None:
        if self.world.runs[name]:
            self.world.promote(name, self.world.runs[name][-1], interruption)

    @precondition(lambda self: not self.world.mlflow.away)
    @rule(name=NAMES, to=st.sampled_from(("", "", "1", "2")), interruption=INTERRUPTIONS)
    def roll_back(self, name: str, to: str, interruption: Interruption | None) -> None:
        self.world.rollback(name, to, interruption)

    @rule(times=st.integers(1, 4), seconds=st.sampled_from((5.0, 20.0, 300.0)))
    def time_passes(self, times: int, seconds: float) -> None:
        for _ in range(times):
            self.world.tick(seconds)

    @rule(interruption=INTERRUPTIONS)
    def the_reconcilers_write_is_interrupted(self, interruption: Interruption | None) -> None:
        self.world.mlflow.interruption = interruption
        self.world.tick()
        self.world.mlflow.interruption = None

    @rule(away=st.booleans())
    def mlflow_goes_or_comes(self, away: bool) -> None:
        self.world.mlflow.away = away

    @rule(away=st.booleans())
    def ray_goes_or_comes(self, away: bool) -> None:
        self.world.serve.away = away

    @rule(away=st.booleans())
    def the_catalog_goes_or_comes(self, away: bool) -> None:
        self.world.serve.catalog_away = away

    @rule(slow=st.booleans())
    def replicas_take_their_time(self, slow: bool) -> None:
        self.world.serve.slow = slow
        if not slow:
            self.world.serve.proceed()

    @rule(heard=st.booleans())
    def the_next_configuration_or_its_answer_gets_lost(self, heard: bool) -> None:
        self.world.serve.lost, self.world.serve.unheard = heard, not heard

    @rule(names=st.sampled_from((("A", "B"), ("A",))))
    def the_reconciler_restarts(self, names: tuple[str, ...]) -> None:
        self.world.start(names)

    @rule()
    def the_mlflow_container_restarts(self) -> None:
        """The reconciler is up before the server answers."""
        before, self.world.mlflow.away = self.world.mlflow.away, True
        self.world.start()
        self.world.tick()
        self.world.mlflow.away = before

    @rule()
    def ray_restarts(self) -> None:
        self.world.serve.restart()

    @rule()
    def the_machine_reboots(self) -> None:
        self.world.serve.restart()
        self.world.start()

    @rule(name=NAMES, number=FEW)
    def a_replica_dies(self, name: str, number: int) -> None:
        self.world.serve.kill(name, number)

    @rule(name=NAMES, silent=st.booleans())
    def a_replica_has_not_told(self, name: str, silent: bool) -> None:
        for replica in list(self.world.serve.replicas.get(name, {}).values())[:1]:
            replica.silent = silent

    @rule(name=NAMES, fate=FATES, number=st.integers(0, 2))
    def a_version_is_spoilt_later(self, name: str, fate: str, number: int) -> None:
        self._spoil(name, fate, number)

    @rule(nodes=NODES, full=st.booleans())
    def the_disks_of_nodes_fill_or_are_emptied(self, nodes: tuple[int, ...], full: bool) -> None:
        (self.world.serve.full.update if full else self.world.serve.full.difference_update)(nodes)

    @rule(nodes=NODES, spoiling=st.booleans())
    def nodes_damage_what_they_copy(self, nodes: tuple[int, ...], spoiling: bool) -> None:
        (self.world.serve.spoiling.update if spoiling else self.world.serve.spoiling.difference_update)(nodes)

    @rule()
    def everything_works_again(self) -> None:
        self.world.settle()

    def _spoil(self, name: str, fate: str, number: int = 0) -> None:
        """What becomes of one of a model's versions, counted from the newest."""
        model = self.world.mlflow.models.get(name)
        known = sorted(model.versions, key=int, reverse=True)[number:] if model else []
        if known and fate == "damaged":
            self.world.damage(name, known[0])
        if known and fate == "deadly":
            self.world.serve.deadly.add((name, known[0]))
