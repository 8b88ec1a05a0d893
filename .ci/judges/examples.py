"""Compares every example of the OpenAPI documents with its schema, and asks for one of every body that is sent or answered.

    examples.py openapi.json openapi-3.0.json
"""

import json
import sys

from jsonschema import FormatChecker
from openapi_schema_validator import OAS30Validator, OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = "urn:document"
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
METHODS = ("get", "put", "post", "delete", "patch")


def absolute(value):
    """The same, with references that can be followed from anywhere."""
    if isinstance(value, dict):
        return {
            name: ROOT + member if name == "$ref" and isinstance(member, str) else absolute(member)
            for name, member in value.items()
        }
    return [absolute(item) for item in value] if isinstance(value, list) else value


class Judge:
    def __init__(self, document):
        self.document = document
        older = document["openapi"].startswith("3.0")
        self.validator = OAS30Validator if older else OAS31Validator
        self.registry = Registry().with_resource(ROOT, Resource(contents=document, specification=DRAFT202012))
        self.tried = 0
        self.faults = []

    def resolved(self, value):
        while "$ref" in value:
            target = self.document
            for step in value["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            value = target
        return value

    def compare(self, place, schema, example):
        self.tried += 1
        validator = self.validator(absolute(schema), registry=self.registry, format_checker=FormatChecker())
        for error in validator.iter_errors(example):
            where = "/".join(map(str, error.absolute_path))
            self.faults.append(f"{place}: {where}: {error.message[:300]}")

    def schema(self, place, schema):
        if not isinstance(schema, dict):
            return
        bare = {name: member for name, member in schema.items() if name not in ("example", "examples")}
        for example in examples(schema):
            self.compare(place, bare, example)
        for name, member in schema.get("properties", {}).items():
            self.schema(f"{place}.{name}", member)
        for name in ("items", "additionalProperties", "not"):
            self.schema(place, schema.get(name))
        for name in LISTS:
            for part in schema.get(name, []):
                self.schema(place, part)

    def content(self, place, content):
        """Whether any of it has an example, and whether all of it that is JSON has."""
        shown = {}
        for media, told in content.items():
            schema = told.get("schema", {})
            own = examples(told)
            for example in own:
                self.compare(f"{place} {media}", schema, example)
            self.schema(f"{place} {media}", schema)
            shown[media] = bool(own or examples(self.resolved(schema)))
        return shown

    def operation(self, place, operation):
        if "requestBody" in operation:
            shown = self.content(f"{place} body", operation["requestBody"]["content"])
            if not any(shown.values()):
                self.faults.append(f"{place}: no example of its body")
        for status, response in operation["responses"].items():
            shown = self.content(f"{place} {status}", self.resolved(response).get("content", {}))
            missing = [media for media, has in shown.items() if media.endswith("json") and not has]
            if status.startswith("2") and missing:
                self.faults.append(f"{place} {status}: no example as {missing}")
        for parameter in map(self.resolved, operation.get("parameters", [])):
            for example in examples(parameter):
                self.compare(f"{place} {parameter['name']}", parameter["schema"], example)

    def judge(self):
        for name, schema in self.document["components"]["schemas"].items():
            self.schema(name, schema)
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    self.operation(f"{method.upper()} {path}", item[method])
        return self.faults


def examples(told):
    found = [told["example"]] if "example" in told else []
    several = told.get("examples", [])
    return found + (several if isinstance(several, list) else [one["value"] for one in several.values()])


failed = False
for file in sys.argv[1:]:
    with open(file, encoding="utf-8") as opened:
        judge = Judge(json.load(opened))
    for fault in judge.judge():
        failed = True
        print(fault)
    print(f"{file}: {judge.tried} examples compared with their schemas")
sys.exit(failed)
