"""``config/rolecall.yaml``: names, colours and defaults that a customer edits."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from governance import yaml_files
from governance.names import Tenant

FILE = "rolecall.yaml"


class ProjectError(Exception):
    """The file is missing or malformed; the message says where and what it should be."""


class TenantSettings(BaseModel):
    """How one customer is shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    display_name: Annotated[str, Field(min_length=1, max_length=80)]
    accent: Annotated[str | None, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = None


class DashboardSettings(BaseModel):
    """Defaults of the pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Annotated[str, Field(min_length=1, max_length=80)] = "Rolecall"
    weeks: Annotated[int, Field(ge=1, le=520)] = 26
    support: str | None = None


class Costs(BaseModel):
    """What practice costs, for the return on investment; money in one currency."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    per_session: Annotated[Decimal, Field(ge=0)]
    per_month: Annotated[Decimal, Field(ge=0)] = Decimal(0)


class Analysis(BaseModel):
    """How outcomes are held against practice.

    ``skills`` names the competency that an outcome is held against besides the overall score; ``families`` the methods
    whose tests are judged together, false discoveries held at ``level`` within each.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    skills: dict[str, str] = {}
    families: dict[str, tuple[str, ...]] = {
        "effects": ("within_learner", "cox_time_varying"),
        "associations": ("pearson", "spearman"),
    }
    level: Annotated[float, Field(gt=0, lt=1)] = 0.05
    lag_days: Annotated[int, Field(ge=0, le=365)] = 0
    costs: Costs | None = None


class Project(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenants: dict[Tenant, TenantSettings] = {}
    dashboard: DashboardSettings = DashboardSettings()
    analysis: Analysis = Analysis()

    @classmethod
    def load(cls, config: Path) -> "Project":
        """Read ``rolecall.yaml`` in the configuration folder.

        Raises:
            ProjectError: With the file, the place and the remedy.
        """
        remedy = "set ROLECALL_CONFIG to the folder that holds it"
        return yaml_files.load(config / FILE, cls, ProjectError, absent=remedy)

    def title(self, tenant: str) -> str:
        """Name of a tenant for people."""
        known = self.tenants.get(tenant)
        return tenant if known is None else known.display_name
