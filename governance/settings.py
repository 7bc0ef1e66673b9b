"""Every setting of Rolecall: one environment variable each, prefix ``ROLECALL_``.

Nothing is read at import: ``Settings()`` reads the environment when it is made. ``.env.example`` lists
the variables, and a test keeps it in step with this class.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

import governance

PROJECT = Path(governance.__file__).resolve().parents[1]
MINIMUM_CELL_FLOOR = 7  # German case law counts groups of five to six workers as monitored


class Settings(BaseSettings):
    """Where things lie and how strict Rolecall is."""

    model_config = SettingsConfigDict(env_prefix="ROLECALL_", env_file=".env", env_ignore_empty=True, extra="ignore")

    home: Annotated[Path, Field(description="Data folder")] = Path(".rolecall")
    config: Annotated[Path, Field(description="Folder of rolecall.yaml, policy.yaml, rubrics/, scenarios/")] = (
        PROJECT / "config"
    )
    state_url: Annotated[str | None, Field(description="State database; default SQLite in the home")] = None
    dagster_dir: Annotated[Path | None, Field(description="Dagster's own storage; default <home>/dagster")] = None
    secret_key: Annotated[
        SecretStr | None, Field(description="Key of pseudonyms and tickets; default: made once, kept in the home")
    ] = None
    minimum_cell: Annotated[int, Field(ge=MINIMUM_CELL_FLOOR, description="Fewest learners in a shown group")] = 10
    quarantine_stop: Annotated[
        float, Field(gt=0, le=1, description="Share of rows in quarantine above which nothing is published")
    ] = 0.05
    keep_versions: Annotated[int, Field(ge=1, description="Published versions kept per tenant")] = 5
    reconcile_after_s: Annotated[int, Field(ge=0, description="Seconds after shutdown until the verbose pull")] = 900
    engine_url: Annotated[str, Field(description="Base address of the engine's API")] = "https://tavusapi.com"
    engine_key: Annotated[SecretStr | None, Field(description="x-api-key of the engine's API")] = None
    tool_secret: Annotated[SecretStr | None, Field(description="Secret of X-Tavus-Signature on tool deliveries")] = None
    gateway_tokens: Annotated[
        dict[str, SecretStr], NoDecode, Field(description="Bearer token per tenant: acme=…,globex=…")
    ] = {}
    max_body_bytes: Annotated[int, Field(ge=1024, description="Largest delivery that the gateway takes")] = 8_000_000
    recording_roots: Annotated[
        list[Path], NoDecode, Field(description="Folders besides the home that recordings may be played from: /a,/b")
    ] = []
    alert_webhook: Annotated[str | None, Field(description="Address that failed runs and checks are posted to")] = None
    smtp_url: Annotated[
        SecretStr | None, Field(description="Mail server of escalations: smtp://user:password@host:587 or smtps://…")
    ] = None
    alert_from: Annotated[str, Field(description="Sender of escalations' mail")] = "rolecall@localhost"
    alert_to: Annotated[str | None, Field(description="Receivers of escalations' mail, separated by commas")] = None
    audit_key: Annotated[
        Path | None, Field(description="PEM with the key and certificate that sign audit roots, reports and bundles")
    ] = None
    audit_copy: Annotated[
        Path | None, Field(description="Folder outside the home that every audit root is written to as well")
    ] = None
    timestamp_url: Annotated[
        str | None, Field(description="RFC 3161 authority that stamps audit roots and reports")
    ] = None
    timestamp_certificate: Annotated[
        Path | None, Field(description="PEM with the authority's certificates, which every stamp has to lead to")
    ] = None
    public_url: Annotated[
        str | None, Field(description="Address that people open the dashboards at, once they log in: https://host")
    ] = None
    oidc_metadata_url: Annotated[
        str | None, Field(description="OpenID Connect metadata of the login; without it this machine alone is served")
    ] = None
    oidc_client_id: Annotated[str | None, Field(description="Client id that the login provider gave")] = None
    oidc_client_secret: Annotated[SecretStr | None, Field(description="Client secret that the login provider gave")] = (
        None
    )
    oidc_scope: Annotated[str, Field(description="Scopes asked of the login provider")] = "openid profile email"
    log_level: Annotated[str, Field(description="Level of Rolecall's own log")] = "INFO"

    @field_validator("home", "config", "dagster_dir")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().resolve()

    @field_validator("recording_roots", mode="before")
    @classmethod
    def _folders(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [Path(part.strip()).expanduser().resolve() for part in value.split(",") if part.strip()]

    @field_validator("gateway_tokens", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        if any(not (tenant.strip() and token.strip()) for tenant, _, token in pairs):
            raise ValueError("write tenant=token pairs, separated by commas")
        return {tenant.strip(): token.strip() for tenant, _, token in pairs}

    @property
    def lake(self) -> Path:
        """Parquet lake: ``<layer>/<table>/day=<date>/``."""
        return self.home / "lake"

    @property
    def marts(self) -> Path:
        """Published marts: ``<tenant>/marts-<id>.duckdb`` and ``<tenant>/current``."""
        return self.home / "marts"

    @property
    def exports(self) -> Path:
        """Files made for others: captions, packages, statements, Data Docs."""
        return self.home / "exports"

    @property
    def database_url(self) -> str:
        """SQLAlchemy address of the state database."""
        return self.state_url or f"sqlite:///{self.home / 'state.db'}"

    @property
    def dagster_storage(self) -> Path:
        """Folder of Dagster's run and event storage."""
        return self.dagster_dir or self.home / "dagster"
