"""Marts follow late data of old days, which plain ``eager`` does not."""

from pathlib import Path

import dagster as dg

from governance.settings import Settings
from pipelines import environment
from pipelines.definitions import build

STATEMENTS = dg.AssetKey(["exports", "xapi_statements"])


def test_marts_follow_a_day_long_past(tmp_path: Path) -> None:
    environment.quiet()
    code = build(Settings(home=tmp_path / "home"))
    with dg.DagsterInstance.ephemeral() as instance:
        first = dg.evaluate_automation_conditions(defs=code, instance=instance)
        late = dg.AssetMaterialization(["core", "sessions"], partition="2026-10-02")  # the other days never arrived
        instance.report_runless_asset_event(late)
        unchecked = dg.evaluate_automation_conditions(defs=code, instance=instance, cursor=first.cursor)
        assert unchecked.get_num_requested(dg.AssetKey(["marts", "competency_trend"])) == 0, "checks come first"
        _check(code, instance, passed=False)
        refused = dg.evaluate_automation_conditions(defs=code, instance=instance, cursor=unchecked.cursor)
        assert refused.get_num_requested(dg.AssetKey(["marts", "competency_trend"])) == 0
        assert refused.get_num_requested(STATEMENTS) == 0, "what is issued is frozen, so that it waits as well"
        _check(code, instance, passed=True)
        after = dg.evaluate_automation_conditions(defs=code, instance=instance, cursor=refused.cursor)
        assert after.get_num_requested(dg.AssetKey(["marts", "competency_trend"])) == 1
        assert after.get_num_requested(dg.AssetKey(["published", "marts"])) == 1
        assert after.get_num_requested(STATEMENTS) == 1


def test_what_a_failed_check_stopped_is_not_published_after_all(tmp_path: Path) -> None:
    """Marts that somebody builds by hand ask for publishing too: not where their checks failed."""
    environment.quiet()
    code = build(Settings(home=tmp_path / "home"))
    published = dg.AssetKey(["published", "marts"])
    with dg.DagsterInstance.ephemeral() as instance:
        cursor = dg.evaluate_automation_conditions(defs=code, instance=instance).cursor
        for passed, asked in ((False, 0), (True, 1)):
            instance.report_runless_asset_event(dg.AssetMaterialization(["marts", "competency_trend"]))
            _check(code, instance, passed=passed, layer="marts")
            found = dg.evaluate_automation_conditions(defs=code, instance=instance, cursor=cursor)
            assert found.get_num_requested(published) == asked
            cursor = found.cursor


def _check(code: dg.Definitions, instance: dg.DagsterInstance, *, passed: bool, layer: str = "core") -> None:
    """Every blocking check of a layer gives its verdict."""
    graph = code.resolve_asset_graph()
    for key in graph.asset_check_keys:
        if key.asset_key.path[0] == layer and graph.get_check_spec(key).blocking:
            instance.report_runless_asset_event(dg.AssetCheckEvaluation(key.asset_key, key.name, passed, {}))
