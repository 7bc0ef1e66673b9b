"""The simulators of Salesforce and HubSpot behind TLS, with a certificate of this test run."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme

from integrations.crm.simulators import hubspot, salesforce
from integrations.crm.simulators.serving import served

START = datetime(2026, 11, 2, 9, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is set forward."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Authority:
    """A certificate authority and a certificate for localhost and further names, as files."""

    def __init__(self, folder: Path, *names: str) -> None:
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost", *names)
        self.trust, self.chain, self.key = folder / "ca.pem", folder / "chain.pem", folder / "key.pem"
        authority.cert_pem.write_to_path(self.trust)
        certificate.private_key_pem.write_to_path(self.key)
        for part in certificate.cert_chain_pems:
            part.write_to_path(self.chain, append=True)


@contextmanager
def served_org(org: salesforce.Org, authority: Authority) -> Iterator[str]:
    with served(salesforce.app(org), authority.chain, authority.key) as address:
        yield address


@contextmanager
def served_portal(portal: hubspot.Portal, authority: Authority) -> Iterator[str]:
    with served(hubspot.app(portal), authority.chain, authority.key) as address:
        yield address


PEER = Path(__file__).resolve().parents[1] / "peers" / "crm"


def node(script: str, asked: dict[str, Any], authority: Authority) -> Any:
    """What a script of the npm clients makes of a simulator."""
    done = subprocess.run(
        ["node", script],
        cwd=PEER,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"NODE_EXTRA_CA_CERTS": str(authority.trust)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
