"""Examples of whole bodies and answers, made of the examples of their members.

A member's own `examples` come first. What the member's name says everywhere is in a
vocabulary, so that one idea has one example; where a view needs another one, the vocabulary
names it as `View.member`. Nothing is written twice by hand, and what has no example is left
out of the document, where a test misses it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MISSING: Any = object()
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
    "null": type(None),
}


def describe_by_example(schema: dict[str, Any], words: Mapping[str, Any]) -> None:
    """Give every JSON body and every JSON answer of the document its example."""
    _describe_bodies(schema)
    _describe_answers(schema, words)


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of everything in the document."""
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """What a reference refers to."""
    reference: str = schema.get("$ref", "")
    found: dict[str, Any] = schemas[reference.rsplit("/", 1)[-1]] if reference else schema
    return found


def _describe_answers(schema: dict[str, Any], words: Mapping[str, Any]) -> None:
    """Answers share the examples of their views, as they share the views."""
    composer = Composer(schema["components"]["schemas"], words)
    shown = schema["components"].setdefault("examples", {})
    for _, _, operation in operations(schema):
        for status, answer in operation["responses"].items():
            media = answer.get("content", {}).get("application/json", {})
            if not status.startswith("2") or "example" in media or "schema" not in media:
                continue
            name = media["schema"].get("$ref", "").rpartition("/")[2] or operation["operationId"]
            if name not in shown:
                value = composer.example(media["schema"])
                if value is MISSING:
                    continue
                shown[name] = {"value": value}
            media["examples"] = {name: {"$ref": f"#/components/examples/{name}"}}


class Composer:
    """Examples by schema; those of named schemas are made once."""

    def __init__(self, schemas: dict[str, Any], words: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._words = words
        self._made: dict[str, Any] = {}

    def example(self, schema: dict[str, Any], view: str = "", member: str = "") -> Any:
        """A value for a member of a view; MISSING where nothing says what it looks like."""
        if f"{view}.{member}" in self._words:
            return self._words[f"{view}.{member}"]
        if schema.get("examples"):
            return schema["examples"][0]
        if member in self._words and self._fits(self._words[member], schema):
            return self._words[member]
        if "$ref" in schema:
            return self._of_view(schema["$ref"].rsplit("/", 1)[-1])
        return self._by_shape(schema, view, member)

    def _of_view(self, name: str) -> Any:
        if name not in self._made:
            # A view inside itself ends there: its list of steps is empty.
            self._made[name] = MISSING
            self._made[name] = self._words.get(name, MISSING)
            if self._made[name] is MISSING:
                self._made[name] = self.example(self._schemas[name], name)
        return self._made[name]

    def _by_shape(self, schema: dict[str, Any], view: str, member: str) -> Any:
        for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            return self.example(choice, view, member)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        if "properties" in schema:
            whole = {
                name: self.example(each, view, name) for name, each in schema["properties"].items()
            }
            return MISSING if MISSING in whole.values() else whole
        if schema.get("type") == "array":
            item = self.example(schema.get("items", {}), view, f"{member}[]")
            return schema.get("default", MISSING) if item is MISSING else [item]
        if schema.get("format") == "uuid":
            return _id_of(f"{view}.{member}" if member == "id" else member)
        if schema.get("type") == "boolean":
            return schema.get("default", False)
        return schema.get("default", MISSING)

    def _fits(self, value: Any, schema: dict[str, Any]) -> bool:
        """Whether a member of that name is this one: a sum is no list, words are no code."""
        schema = resolved(schema, self._schemas)
        if "anyOf" in schema:
            return any(self._fits(value, choice) for choice in schema["anyOf"])
        for allowed in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
            if allowed is not None:
                return value in allowed
        if "properties" in schema:
            return isinstance(value, dict) and value.keys() == schema["properties"].keys()
        expected = _TYPES.get(schema.get("type", ""))
        return expected is not None and isinstance(value, expected)


def _id_of(member: str) -> str:
    """An id that is the same wherever the member is."""
    tail = hashlib.sha256(member.encode()).hexdigest()[:12]
    return f"0192f0c1-7a10-7c3e-8a44-{tail}"


def _describe_bodies(schema: dict[str, Any]) -> None:
    """A body without an example of its own gets one made of its members' examples."""
    schemas = schema["components"]["schemas"]
    for _, _, operation in operations(schema):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            if "example" in media or "examples" in media:
                continue
            choices = media["schema"].get("oneOf", [media["schema"]])
            found = [_body(choice, schemas) for choice in choices]
            if None in found:
                continue
            if len(found) == 1:
                media["example"] = found[0]
            else:
                names = media["schema"]["discriminator"]["mapping"]
                media["examples"] = {
                    name: {"value": each} for name, each in zip(names, found, strict=True)
                }


def _body(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value by a schema's examples, default or first choice; None where it has none.

    Of what may be left out only members with an example of their own are in it.
    """
    schema = resolved(schema, schemas)
    for value in _given(schema):
        return value
    for choice in schema.get("anyOf", ()):
        return _body(choice, schemas)
    if "properties" not in schema:
        return None
    required = schema.get("required", ())
    whole = {}
    for name, member in schema["properties"].items():
        if name in required:
            whole[name] = _body(member, schemas)
        elif examples := resolved(member, schemas).get("examples"):
            whole[name] = examples[0]
    if not whole:
        whole = {name: _body(each, schemas) for name, each in schema["properties"].items()}
    return None if None in whole.values() else whole


def _given(schema: dict[str, Any]) -> Iterable[Any]:
    yield from schema.get("examples", ())
    yield from (schema[word] for word in ("const", "default") if schema.get(word) is not None)
    yield from schema.get("enum", ())
