"""What the doctor says of destinations."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from governance.settings import PROJECT, Settings
from pipelines import doctor

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LOGIN: dict[str, Any] = {
    "oidc_metadata_url": "https://login.example/.well-known/openid-configuration",
    "oidc_client_id": "rolecall",
    "oidc_client_secret": "s3cret",
}


def test_a_destination_whose_learners_log_in_needs_a_login_provider(tmp_path: Path) -> None:
    given = yaml.safe_load((PROJECT / "config" / "destinations" / "demo.yaml").read_text("utf-8"))
    (tmp_path / "destinations").mkdir()
    (tmp_path / "destinations" / "lms.yaml").write_text(yaml.safe_dump(given | {"identity": "sso"}), "utf-8")
    ready = Settings(home=tmp_path, config=tmp_path, **LOGIN)
    assert doctor.destinations(ready, NOW) == doctor.Finding("destinations", "ok", "1 LMSs: lms")
    for missing in LOGIN:
        found = doctor.destinations(ready.model_copy(update={missing: None}), NOW)
        assert found.level == "fail"
        assert "learners of lms log in" in found.detail
        assert f"ROLECALL_{missing.upper()}" in (found.remedy or "")
