"""What the catalog is told of the models, beside what replicas are told."""

from __future__ import annotations

from typing import Any

from front import SPEC
from served import LIMITS, NAME

from turo import settings as settings_module
from turo.serving.serve_config import CatalogContent, Content, Notes, configuration


def catalog_of(*contents: Content) -> CatalogContent:
    made: dict[str, Any] = configuration(
        list(contents), settings_module.load(model_names=(NAME, "Away", "New"))
    )
    return CatalogContent.model_validate(made["applications"][-1]["deployments"][0]["user_config"])


def test_a_refused_version_is_told_to_the_front_door_with_its_reason() -> None:
    refused = {"version": "9", "reason": "its checksum does not fit"}
    away = SPEC.model_copy(update={"name": "Away"})
    told = catalog_of(
        Content(spec=SPEC, limits=LIMITS, notes=Notes(refused=refused)), Content(spec=away, limits=LIMITS)
    )
    assert told.refused == {NAME: refused}
    assert ([model.name for model in told.models], told.awaited) == ([NAME, "Away"], ("New",))
