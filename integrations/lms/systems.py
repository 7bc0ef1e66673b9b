"""Which client speaks which LMS: the source that is read, and the sink of one column; nothing is sent on opening."""

from pathlib import Path
from typing import Annotated

from canvasapi.requester import Requester
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from integrations.connectors import first_line
from integrations.crm.files import Files
from integrations.lms.ags import Ags, GradeSink, Registration
from integrations.lms.canvas import CanvasGradeSink, CanvasSource, requester
from integrations.lms.config import Column, ConnectorError, LmsConnector
from integrations.lms.moodle import Moodle
from integrations.lms.moodle_sink import MoodleGradeSink
from integrations.lms.moodle_source import MoodleSource
from integrations.sources import Source
from integrations.sync.base import Sink
from integrations.sync.transport import Transport
from integrations.xapi.lrs import HEADER, SPELLED
from integrations.xapi.pages import Pages
from integrations.xapi.source import LrsOptions, LrsSource


class Courses(BaseModel):
    """``options`` of Moodle and Canvas: the courses that are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    courses: tuple[Annotated[int, Field(ge=1)], ...] = ()


class Tool(BaseModel):
    """``options`` of an LTI platform: what its administrator gave when Rolecall was registered as a tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str
    key_id: str
    token_url: str
    line_items_url: str


def open_source(connector: LmsConnector) -> Source:
    """What is read.

    Raises:
        ConnectorError: options or secrets are not fit, or the system cannot be read.
    """
    try:
        match connector.system:
            case "moodle":
                options = Courses.model_validate(connector.options)
                return MoodleSource(connector.name, _moodle(connector), options.courses)
            case "canvas":
                options = Courses.model_validate(connector.options)
                return CanvasSource(
                    connector.name, requester(_url(connector), connector.secret("token")), options.courses
                )
            case "lrs":
                return _lrs(connector)
            case "files":
                return Files(connector)
            case "lti":
                raise ConnectorError(
                    f"connector {connector.name}: a gradebook behind LTI is written, not read; take read out"
                )
    except ValidationError as error:
        raise ConnectorError(f"connector {connector.name}: options.{first_line(error)}") from error


def open_sink(connector: LmsConnector, column: Column) -> Sink:
    """The sink of one column that the connector's file names.

    Raises:
        ConnectorError: options or secrets are not fit, or the system is read only.
    """
    if connector.system == "lti" and column.line_item is not None:
        return GradeSink(_ags(connector), column.line_item)
    if column.course is None or column.activity is None:
        raise ConnectorError(f"connector {connector.name}: the column of {column.scenario} has no course and activity")
    if connector.system == "canvas":
        return CanvasGradeSink(_canvas(connector), column.course, column.activity)
    if connector.system == "moodle":
        return MoodleGradeSink(_moodle(connector), column.course, column.activity, column.component)
    raise ConnectorError(f"connector {connector.name}: {connector.system} are read only")


def _moodle(connector: LmsConnector) -> Moodle:
    token = connector.secret("token")
    return Moodle(Transport(_url(connector), secrets=[token]), token)


def _lrs(connector: LmsConnector) -> LrsSource:
    options, url = LrsOptions.model_validate(connector.options), _url(connector)
    auth, headers, secrets = None, {HEADER: SPELLED[options.version]}, []
    if options.auth == "basic":
        auth = (connector.secret("key"), connector.secret("secret"))
    elif options.auth == "bearer":
        secrets = [connector.secret("token")]
        headers["authorization"] = f"Bearer {secrets[0]}"
    transport = Transport(url, auth=auth, headers=headers, secrets=secrets)
    return LrsSource(connector.name, Pages(transport, url, options.page), options)


def _canvas(connector: LmsConnector) -> Requester:
    return requester(_url(connector), connector.secret("token"))


def _ags(connector: LmsConnector) -> Ags:
    try:
        tool = Tool.model_validate(connector.options)
    except ValidationError as error:
        raise ConnectorError(f"connector {connector.name}: options.{first_line(error)}") from error
    key = connector.secret("private_key")
    if not key.lstrip().startswith("-----BEGIN"):
        key = _key_file(connector, Path(key))
    registration = Registration(tool.client_id, tool.key_id, key, tool.token_url, tool.line_items_url)
    return Ags(Transport(connector.url or tool.line_items_url, secrets=[key]), registration)


def _key_file(connector: LmsConnector, path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConnectorError(
            f"connector {connector.name}: the private key is neither PEM nor a file that can be read: {path}"
        ) from error


def _url(connector: LmsConnector) -> str:
    if connector.url is None:
        raise ConnectorError(f"connector {connector.name}: url is missing; write the address of the LMS")
    return connector.url
