"""Marts as Dagster assets: refresh every tenant's working file, then, after the checks, publish.

The marts of all tenants are one step: they share the loaded days, and a step a mart would open each file nine times.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from assets.automation import FOLLOW_CHECKED_DAY
from assets.contracts import EFFECTS, MARTS, OVERVIEWS, PUBLISHED_CORE, Table
from assets.marts import lms_registers
from assets.marts.publish import publish
from assets.marts.tenants import tenants
from assets.marts.warehouse import Reference, Refreshed, Warehouse
from assets.resources import Workspace
from assets.scope import scoped
from governance.audit.books import close_the_books
from integrations.sync import health

if TYPE_CHECKING:
    from governance.catalog import Catalog
    from governance.settings import Settings

WAIT_S = 900.0  # another writer ends first
POOL = "duckdb_writer"
TABLES: tuple[Table, ...] = (*MARTS, *OVERVIEWS)


def reference(catalog: "Catalog", settings: "Settings") -> Reference:
    """What the marts take from the catalog and the configuration."""
    from governance.project import Project

    mastery = catalog.competencies_frame().select("competency", mastery_level="mastery")
    frames = {
        "watchpoints": catalog.watchpoints_frame(),
        "mastery": mastery,
        "lms_activities": lms_registers.activities(settings.config),
    }
    return Reference(frames, settings.minimum_cell, Project.load(settings.config).analysis)


def facts(rules: Reference) -> dict[str, str | int]:
    """What a published version's manifest says about its rules, and what makes it another version."""
    return {"minimum_cell": rules.minimum_cell, "rules": rules.digest}


def refresh_all(
    workspace: Workspace, *, full: bool = False, tags: Mapping[str, str] | None = None
) -> dict[str, Refreshed]:
    """Refresh the working file of every tenant that the run's tags leave; returns what was done by tenant."""
    from governance.batches import Batches

    settings = workspace.settings()
    lake, rules = workspace.lake(), reference(workspace.catalog(), settings)
    found = tenants(lake, settings.marts)
    state = workspace.state()
    batches = Batches(state).frame()
    deliveries = {
        "sync_health": health.targets(state),
        "sync_rejects": health.rejects(state),
        "lms_unmatched": lms_registers.unmatched(lake, settings.config),
        "lms_issued": lms_registers.issued(state),
    }
    return {
        tenant: Warehouse(settings.marts / tenant, tenant).refresh(
            lake, rules, own_batches(batches, tenant, alone=len(found) == 1), deliveries=deliveries, full=full
        )
        for tenant in scoped(found, tags or {})
    }


def own_batches(batches: pl.DataFrame, tenant: str, *, alone: bool) -> pl.DataFrame:
    """The batches that a tenant may see: its own, and where it is alone also those that named no tenant.

    A file that several tenants shared is nobody's: its counts would tell one about another.
    """
    if alone:
        batches = batches.with_columns(pl.col("tenant").fill_null(tenant))
    return batches.filter(pl.col("tenant") == tenant)


def _spec(table: Table) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=["marts", table.name],
        group_name="marts",
        description=f"{table.grain}.",
        kinds={"duckdb", "python" if table in EFFECTS else "sql"},
        deps=[["core", name] for name in PUBLISHED_CORE],
        automation_condition=FOLLOW_CHECKED_DAY,
        code_version="1",
        metadata={
            "dagster/column_schema": dg.TableSchema(
                [dg.TableColumn(column.name, column.type, description=column.meaning) for column in table.columns]
            ),
            "dagster/table_name": f"main.{table.name}",
            "dagster/storage_kind": "duckdb",
        },
    )


class Rebuild(dg.Config):
    """``full`` writes the working files anew: after an erasure, or when in doubt."""

    full: bool = False


@dg.multi_asset(name="marts", specs=[_spec(table) for table in TABLES], pool=POOL)
def marts(context: dg.AssetExecutionContext, config: Rebuild, workspace: Workspace) -> Iterator[dg.MaterializeResult]:
    """Every mart of every tenant, from the days of core that changed."""
    done = refresh_all(workspace, full=config.full, tags=context.run.tags)
    for tenant, refreshed in done.items():
        days = len({day for listed in refreshed.changed.values() for day in listed})
        context.log.info("%s: %s changed days, rebuilt %s", tenant, days, "whole" if refreshed.whole else "in part")
    for table in TABLES:
        rows = {tenant: refreshed.rows[table.name] for tenant, refreshed in done.items()}
        yield dg.MaterializeResult(
            asset_key=["marts", table.name],
            metadata={"dagster/row_count": sum(rows.values()), "rows_by_tenant": dg.MetadataValue.json(rows)},
        )


@dg.asset(
    key=["published", "marts"],
    group_name="marts",
    kinds={"duckdb"},
    deps=[["marts", table.name] for table in TABLES],
    automation_condition=FOLLOW_CHECKED_DAY,
    pool=POOL,
    code_version="1",
)
def published(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult:
    """One immutable file a tenant, with a manifest; readers follow ``current``. Unchanged content stays as it is."""
    settings = workspace.settings()
    rules = reference(workspace.catalog(), settings)
    versions = {}
    for tenant in scoped(tenants(workspace.lake(), settings.marts), context.run.tags):
        warehouse = Warehouse(settings.marts / tenant, tenant)
        version = publish(
            warehouse.working,
            warehouse.folder,
            warehouse.digests(),
            now=datetime.now(UTC),
            keep=settings.keep_versions,
            facts=facts(rules),
        )
        versions[tenant] = {"id": version.manifest["id"], "new": version.new, "rows": version.manifest["tables"]}
    with workspace.lake().writing("sealing", wait_s=WAIT_S):
        close_the_books(settings, workspace.state())
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(sum(each["rows"].values()) for each in versions.values()),
            "versions": dg.MetadataValue.json(versions),
        }
    )
