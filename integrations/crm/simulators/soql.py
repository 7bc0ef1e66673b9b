"""The part of SOQL that integrations use: fields, one object, conditions, order, limit; ``COUNT()`` as well."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Test = Callable[[Mapping[str, Any]], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<moment>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))|(?P<day>\d{4}-\d\d-\d\d)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][\w.]*)|(?P<sign><=|>=|!=|<>|[=<>(),]))"
)
_COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ORDERED = {"<", "<=", ">", ">="}


class SoqlError(ValueError):
    """The query cannot be read; ``code`` is what Salesforce would say."""

    def __init__(self, message: str, code: str = "MALFORMED_QUERY") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Query:
    """A query, read: ``fields`` is empty for ``COUNT()``."""

    fields: tuple[str, ...]
    object: str
    names: frozenset[str]
    test: Test
    order: tuple[tuple[str, bool], ...]
    limit: int | None


def parse(text: str) -> Query:
    """Read a query; raises ``SoqlError``."""
    return _Reader(text).query()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._names: set[str] = set()
        at, text = 0, text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise SoqlError(f"unexpected token: '{text[at : at + 20]}'")
            self._tokens.append((found.lastgroup, found.group(found.lastgroup)))
            at = found.end()

    def query(self) -> Query:
        self._expect("select")
        fields = self._fields()
        self._expect("from")
        name = self._take()[1]
        test: Test = _always
        if self._accept("where"):
            test = self._any()
        order = self._order() if self._accept("order") else ()
        limit = int(self._take()[1]) if self._accept("limit") else None
        if self._tokens:
            raise SoqlError(f"unexpected token: '{self._tokens[0][1]}'")
        self._names.update(fields)
        return Query(fields, name, frozenset(self._names), test, order, limit)

    def _fields(self) -> tuple[str, ...]:
        names = [self._take()[1]]
        if names[0].lower() == "count" and self._accept("("):
            self._expect(")")
            return ()
        while self._accept(","):
            names.append(self._take()[1])
        return tuple(names)

    def _order(self) -> tuple[tuple[str, bool], ...]:
        self._expect("by")
        found = []
        while True:
            name = self._name()
            descending = self._accept("desc")
            if not descending:
                self._accept("asc")
            if self._accept("nulls"):
                self._take()
            found.append((name, descending))
            if not self._accept(","):
                return tuple(found)

    def _any(self) -> Test:
        tests = [self._all()]
        while self._accept("or"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._accept("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._accept("not"):
            test = self._one()
            return lambda row: not test(row)
        if self._accept("("):
            test = self._any()
            self._expect(")")
            return test
        name = self._name()
        if self._accept("in"):
            return _within(name, self._values())
        sign = self._take()[1]
        if sign not in _COMPARE:
            raise SoqlError(f"unexpected token: '{sign}'")
        return _comparison(name, sign, self._value())

    def _values(self) -> set[Any]:
        self._expect("(")
        values = {_folded(self._value())}
        while self._accept(","):
            values.add(_folded(self._value()))
        self._expect(")")
        return values

    def _name(self) -> str:
        name = self._take()[1]
        self._names.add(name)
        return name

    def _value(self) -> Any:
        kind, text = self._take()
        if kind == "word" and text.lower() in ("null", "true", "false"):
            return {"null": None, "true": True, "false": False}[text.lower()]
        if kind not in _LITERALS:
            raise SoqlError(f"unexpected token: '{text}'")
        return _LITERALS[kind](text)

    def _take(self) -> tuple[str, str]:
        if not self._tokens:
            raise SoqlError("unexpected token: '<EOF>'")
        return self._tokens.pop(0)

    def _accept(self, word: str) -> bool:
        if self._tokens and self._tokens[0][0] in ("word", "sign") and self._tokens[0][1].lower() == word:
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise SoqlError(f"expecting '{word}'")


def ordered(rows: Iterable[Mapping[str, Any]], order: Iterable[tuple[str, bool]]) -> list[Mapping[str, Any]]:
    """Rows in the order asked for, nothing first."""
    found = list(rows)
    for name, descending in reversed(list(order)):
        found.sort(key=lambda row: _rank(row[name]), reverse=descending)
    return found


def _rank(value: Any) -> tuple[bool, Any]:
    return (value is not None, 0 if value is None else value)


def _comparison(name: str, sign: str, wanted: Any) -> Test:
    compare = _COMPARE[sign]

    def test(row: Mapping[str, Any]) -> bool:
        value = row[name]
        if sign in _ORDERED and (value is None or wanted is None):
            return False
        if isinstance(value, datetime) is not isinstance(wanted, datetime) and value is not None and wanted is not None:
            raise SoqlError(f"value of filter criterion for field '{name}' must be of another type", "INVALID_FIELD")
        return compare(_folded(value), _folded(wanted))

    return test


def _within(name: str, wanted: set[Any]) -> Test:
    return lambda row: _folded(row[name]) in wanted


def _folded(value: Any) -> Any:
    """SOQL compares text without regard to case."""
    return value.casefold() if isinstance(value, str) else value


def _always(_: Mapping[str, Any]) -> bool:
    return True


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def _text(quoted: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), quoted[1:-1], flags=re.DOTALL)


_LITERALS: dict[str, Callable[[str], Any]] = {
    "text": _text,
    "moment": datetime.fromisoformat,
    "day": date.fromisoformat,
    "number": Decimal,
}
