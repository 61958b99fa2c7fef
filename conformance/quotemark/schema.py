"""JSON Schemas of every message of the port, generated from the types in ``messages``.

One document a kind of message, for teams that generate or check their own types:

==============================  ==============================================================
``request.METHOD``              a request of the harness, whole line
``response.METHOD``             an engine's answer to it, whole line
``steps.COMPONENT``             a well-formed step of a component, as in ``apply``
``observations.COMPONENT``      what such a step is answered with, under ``observation``
``recording.KIND``              a line of a recording: ``header``, ``open``, ``step`` or ``close``
==============================  ==============================================================

A request of ``apply`` takes any object as a step, since the harness also sends bad ones. An
observation requires no field, since an engine gives the ones that it has declared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Union

import msgspec
from msgspec import Struct

from quotemark.messages import (
    OBSERVATIONS,
    STEPS,
    ApplyParams,
    ApplyResult,
    CloseAnswer,
    CloseParams,
    Identity,
    InitializeParams,
    Json,
    OpenAnswer,
    OpenParams,
    RpcError,
)
from quotemark.recorded.lines import CloseLine, HeaderLine, OpenLine, StepLine

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SUFFIX = ".schema.json"

_METHODS: dict[str, tuple[Any, Any]] = {
    "initialize": (InitializeParams, Identity),
    "open": (OpenParams, OpenAnswer),
    "apply": (ApplyParams, ApplyResult),
    "close": (CloseParams, CloseAnswer),
    "shutdown": (Json, None),
}
"""Types of each method's params and result."""

_RECORDED: dict[str, type[Struct]] = {
    "header": HeaderLine,
    "open": OpenLine,
    "step": StepLine,
    "close": CloseLine,
}


def schemas() -> dict[str, Json]:
    """Every schema by its name."""
    return {
        **{f"request.{method}": _request(method, kinds[0]) for method, kinds in _METHODS.items()},
        **{f"response.{method}": _response(method, kinds[1]) for method, kinds in _METHODS.items()},
        **{f"steps.{component}": _steps(component) for component in STEPS},
        **{f"observations.{component}": _observations(component) for component in OBSERVATIONS},
        **{f"recording.{name}": _recorded(name, kind) for name, kind in _RECORDED.items()},
    }


def write_schemas(folder: Path) -> list[Path]:
    """Write each schema to ``NAME.schema.json`` in ``folder``, which is made; give the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in schemas().items():
        path = folder / f"{name}{SUFFIX}"
        path.write_text(json.dumps(schema, indent=2) + "\n", "utf-8")
        written.append(path)
    return written


def _request(method: str, params: Any) -> Json:  # noqa: ANN401 - msgspec takes any annotation
    schema, definitions = _generate(params)
    return _document(
        f"Request {method}",
        {
            "type": "object",
            "properties": {
                "jsonrpc": {"const": "2.0"},
                "id": {"type": "integer"},
                "method": {"const": method},
                "params": schema,
            },
            "required": ["jsonrpc", "id", "method", "params"],
            "additionalProperties": False,
        },
        definitions,
    )


def _response(method: str, result: Any) -> Json:  # noqa: ANN401 - msgspec takes any annotation
    schema, definitions = _generate(result)
    error, error_definitions = _generate(RpcError)
    return _document(
        f"Response to {method}",
        {
            "type": "object",
            "properties": {
                "jsonrpc": {"const": "2.0"},
                "id": {"type": ["integer", "null"]},
                "result": schema,
                "error": error,
            },
            "required": ["jsonrpc", "id"],
            "oneOf": [{"required": ["result"]}, {"required": ["error"]}],
            "additionalProperties": False,
        },
        {**definitions, **error_definitions},
    )


def _steps(component: str) -> Json:
    schema, definitions = _generate(Union[STEPS[component]])  # noqa: UP007
    return _document(f"Step of component {component}", schema, definitions)


def _observations(component: str) -> Json:
    schema, definitions = _generate(OBSERVATIONS[component])
    for definition in definitions.values():
        del definition["required"]
        definition["additionalProperties"] = False
    return _document(f"Observation of component {component}", schema, definitions)


def _recorded(name: str, kind: type[Struct]) -> Json:
    schema, definitions = _generate(kind)
    return _document(f"Line of a recording: {name}", schema, definitions)


def _generate(kind: Any) -> tuple[Json, Json]:  # noqa: ANN401 - msgspec takes any annotation
    """Return the schema of ``kind`` and the definitions that it refers to."""
    (schema,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    return schema, definitions


def _document(title: str, schema: Json, definitions: Json) -> Json:
    defs = {"$defs": definitions} if definitions else {}
    return {"$schema": DIALECT, "title": title, **schema, **defs}
