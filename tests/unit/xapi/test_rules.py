"""The rule checker and the published profile."""

import json
from typing import Any

import jsonschema
import orjson
import pytest
from support.xapi import CASES, bodies

from integrations.xapi import profile, rules
from integrations.xapi.vocabulary import BASE, PROFILE, Attachment, Extension, Relevant, Type, Verb

DOCUMENT = {"a": {"b": [1, 2, {"c": True}], "x y": "z"}, "n": 0}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$.a.b[0]", [1]),
        ("$.a.b[*]", [1, 2, {"c": True}]),
        ("$.a.b[*].c", [True]),
        ("$['a']['x y']", ["z"]),
        ("$.a['x y'] | $.n", ["z", 0]),
        ("$.n", [0]),
        ("$.a.*", [[1, 2, {"c": True}], "z"]),
        ("$.a.b[7]", []),
        ("$.missing.b", []),
        ("$", [DOCUMENT]),
    ],
)
def test_select(path: str, values: list[Any]) -> None:
    assert rules.select(DOCUMENT, path) == values


@pytest.mark.parametrize("path", ["a.b", "$..b", "$.a[?(@.b)]", "$.a[-1]"])
def test_paths_outside_the_subset_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="JSONPath"):
        rules.select(DOCUMENT, path)


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"location": "$.n", "presence": "included"}, True),
        ({"location": "$.m", "presence": "included"}, False),
        ({"location": "$.n", "presence": "excluded"}, False),
        ({"location": "$.m", "presence": "recommended"}, True),
        ({"location": "$.a.b[*]", "any": [2]}, True),
        ({"location": "$.a.b[*]", "any": [3]}, False),
        ({"location": "$.a.b[0]", "all": [1, 2]}, True),
        ({"location": "$.a.b[0]", "all": [True]}, False),
        ({"location": "$.a.b[*]", "none": [2]}, False),
        ({"location": "$.m", "any": [1]}, True),
    ],
)
def test_rules(rule: dict[str, Any], holds: bool) -> None:
    assert (rules.broken(DOCUMENT, rule) is None) is holds


def test_the_published_file_is_fresh() -> None:
    assert profile.published() == json.loads(json.dumps(profile.profile())), "run python -m integrations.xapi.profile"


def test_every_own_iri_is_a_concept_and_every_concept_is_used() -> None:
    concepts = {each["id"] for each in profile.published()["concepts"]}
    extensions = {value for name, value in vars(Extension).items() if name.isupper()}
    own = {iri for kind in (Verb, Type, Attachment, Relevant) for iri in map(str, kind) if iri.startswith(BASE)}
    assert concepts == own | extensions
    assert all(iri.startswith(PROFILE) for iri in concepts)


def test_extension_values_have_the_shape_that_their_concept_gives() -> None:
    schemas = {
        each["id"]: json.loads(each["inlineSchema"])
        for each in profile.published()["concepts"]
        if "inlineSchema" in each
    }
    seen = set()
    for name in CASES:
        for body in bodies(name):
            statement = orjson.loads(body)
            for part in ("context", "result"):
                for iri, value in statement.get(part, {}).get("extensions", {}).items():
                    jsonschema.validate(value, schemas[iri])
                    seen.add(iri)
    assert seen == schemas.keys(), schemas.keys() - seen


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["context"].pop("registration"),
        lambda s: s["result"]["score"].pop("min"),
        lambda s: s["context"]["contextActivities"].pop("category"),
        lambda s: s["result"].update(success=False),
        lambda s: s.update(version="1.0.3"),
        lambda s: s["actor"].update(name="Ruth Hollis"),
        lambda s: s["result"].update(response="I said that nothing can go wrong"),
        lambda s: s["context"]["extensions"].pop(Extension.SCORER_VERSION),
    ],
)
def test_a_spoilt_statement_matches_no_template(change: Any) -> None:
    statement = orjson.loads(bodies("plain-pass")[-1])
    assert len(rules.matching(statement, profile.published())) == 1
    change(statement)
    assert rules.matching(statement, profile.published()) == []
