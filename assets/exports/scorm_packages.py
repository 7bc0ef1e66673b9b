"""The asset of SCORM packages: thin, around ``integrations.scorm.workshop``."""

from datetime import UTC, datetime

import dagster as dg

from assets.resources import Workspace
from governance.packages import Packages
from governance.secrets import secret_key
from integrations.scorm.workshop import Workshop

CODE_VERSION = "1"
FOLDER = "scorm"  # below the home's exports


@dg.asset(
    key=["exports", "scorm_packages"],
    group_name="exports",
    automation_condition=dg.AutomationCondition.on_cron("15 3 * * *"),  # configuration is no asset that could trigger
    kinds={"scorm"},
    code_version=CODE_VERSION,
    description="One ZIP per destination, scenario and edition, with its settings sheet, below exports/scorm/.",
)
def scorm_packages(workspace: Workspace) -> dg.MaterializeResult:
    """One package per destination, scenario and edition; equal configuration gives equal bytes.

    The digests are those that LMSs report of what was uploaded; the register keeps those of every build.
    """
    settings = workspace.settings()
    shop = Workshop(settings.config, workspace.catalog(), Packages(workspace.state()), secret_key(settings))
    made = list(shop.make_all(settings.exports / FOLDER, datetime.now(UTC)))
    digests = {
        f"{each.export.destination}/{each.path.name}": {"sha1": each.export.sha1, "sha256": each.export.sha256}
        for each in made
    }
    return dg.MaterializeResult(metadata={"packages": len(made), "digests": dg.MetadataValue.json(digests)})
