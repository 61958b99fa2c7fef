"""The schemas hold for real messages and no wrong ones; the protocol page keeps up with them."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

import quotemark
from quotemark.builtin import reference
from quotemark.examples import minimal_engine
from quotemark.messages import OBSERVATIONS, STEPS, Json, Ok, RejectionCode, component_fields
from quotemark.schema import schemas, write_schemas
from quotemark.server import serve
from quotemark.stdio import EngineError
from quotemark.suite.compare import first_difference
from quotemark.suite.market import ALL_PHASES
from quotemark.suite.register import requirements
from quotemark_reference.config import DriftConfig, EngineConfig, FlowConfig, InventoryConfig

SCHEMAS = schemas()
PROTOCOL = (Path(quotemark.__file__).parent / "PROTOCOL.md").read_text("utf-8")

WALKS: dict[str, list[Json]] = {
    "drift": [
        {"step": "predict", "t_ms": 0},
        {"step": "observe", "z_bps_per_s": -6.0, "variance": 5},
        {"step": "fill", "side": "buy", "price": 99.9, "mid": 100.0, "sigma_bps_per_sqrt_s": 2.0},
        {"step": "trend", "magnitude_bps": 4.0, "agreement": 0.5, "p_continuation": 1.0},
    ],
    "inventory": [
        {"step": "position", "position": q, "sigma_bps_per_sqrt_s": 2.0, "time_horizon_s": 2.0}
        for q in (0.0, 9.0, -9.0)
    ],
    "flow": [
        {"step": "read", "t_ms": 0},
        *[{"step": "trade", "t_ms": 1, "side": "sell", "size": 2.0}] * 20,
    ],
    "glft": [
        {
            "step": "depths",
            "gamma_per_bps": 0.15,
            "kappas_per_bps": [0.1287, 0.1],
            "sigma_bps_per_sqrt_s": 2.0,
            "time_horizon_s": 2.0,
            "fee_bps": 1.5,
            "drift_bps_per_s": 0.0,
            "skew_bps": -1.0,
        }
    ],
    "expected_pnl": [
        {
            "step": "level",
            "side": "ask",
            "depth_bps": 7.0,
            "gamma_base_per_bps": 0.15,
            "inventory_beta": 7.0,
            "kappa_per_bps": 0.1287,
            "sigma_bps_per_sqrt_s": 2.0,
            "time_horizon_s": 2.0,
            "drift_bps_per_s": 0.0,
            "position": 1.0,
            "max_position": 8.57,
            "as_cost_bps": 2.0,
            "fee_bps": 1.5,
        }
    ],
    "engine": [
        {"step": "book", "t_ms": 0, "bids": [[99.9, 1.0]], "asks": [[100.1, 2.0], [100.2, 1.0]]},
        {"step": "trade", "t_ms": 0, "side": "buy", "price": 100.1, "size": 1.0, "id": "t-1"},
        {"step": "fill", "t_ms": 1, "side": "buy", "price": 99.9, "size": 6.5, "mid": None},
        {
            "step": "trend",
            "t_ms": 1,
            "magnitude_bps": 9.0,
            "agreement": 1.0,
            "p_continuation": 1.0,
        },
        {"step": "signal", "t_ms": 1, "source": "momentum", "value": -2.0, "variance": 9.0},
        {"step": "signal", "t_ms": 1, "source": "toxicity_bid", "value": 0.7},
        {"step": "estimate", "t_ms": 1, "sigma_bps_per_sqrt_s": 1.5},
        {"step": "funding", "t_ms": 1, "rate": "0.0001", "interval_s": 28800.0},
        {"step": "reference_price", "t_ms": 1, "source": "index", "price": 100.0},
        {"step": "cycle", "t_ms": 2},
        {"step": "cycle", "t_ms": 2, "mid": 101.0},
    ],
}
"""Well-formed steps of every kind."""


def errors(name: str, value: Any) -> list[str]:  # noqa: ANN401 - any JSON
    validator = Draft202012Validator(SCHEMAS[name])
    return [error.message for error in validator.iter_errors(value)]


def conversation(component: str, config: Json) -> list[tuple[Json, Json]]:
    """Requests of one session and the reference's responses."""
    bad = [{"step": "halt"}, {**WALKS[component][0], "extra": 1}]
    messages: list[tuple[str, Json]] = [
        ("initialize", {"protocol": "1.0", "suite": "1.2.3"}),
        ("open", {"session": "one", "component": component, "config": config, "seed": 7}),
        ("open", {"session": "one", "component": component, "config": config, "seed": 7}),
        ("apply", {"session": "one", "steps": [*WALKS[component], *bad]}),
        ("apply", {"session": "two", "steps": WALKS[component]}),
        ("close", {"session": "one"}),
        ("close", {"session": "one"}),
        ("shutdown", {}),
    ]
    requests = [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        for number, (method, params) in enumerate(messages)
    ]
    responses = io.BytesIO()
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    serve(reference(), io.BytesIO(lines.encode()), responses)
    answered = [json.loads(line) for line in responses.getvalue().splitlines()]
    return list(zip(requests, answered, strict=True))


# --- the schemas ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_valid(name: str) -> None:
    assert SCHEMAS[name]["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_there_is_a_schema_for_every_message() -> None:
    methods = ("initialize", "open", "apply", "close", "shutdown")
    assert set(SCHEMAS) == {
        *(f"{kind}.{method}" for kind in ("request", "response") for method in methods),
        *(f"{kind}.{component}" for kind in ("steps", "observations") for component in STEPS),
    }


def test_schemas_are_written_alike_each_time(tmp_path: Path) -> None:
    written = [write_schemas(tmp_path / name / "schemas") for name in ("one", "two")]
    assert [path.name for path in written[0]] == [f"{name}.schema.json" for name in SCHEMAS]
    for path, other in zip(*written, strict=True):
        assert path.read_bytes() == other.read_bytes()
        name = path.name.removesuffix(".schema.json")
        assert json.loads(path.read_text("utf-8")) == SCHEMAS[name]


def test_walks_show_every_kind_of_step() -> None:
    for component, kinds in STEPS.items():
        shown = {step["step"] for step in WALKS[component]}
        assert shown == {kind.__struct_config__.tag for kind in kinds}


@pytest.mark.parametrize(
    ("component", "config"),
    [*((component, {}) for component in STEPS), ("engine", ALL_PHASES)],
)
def test_real_messages_are_valid(component: str, config: Json) -> None:
    statuses = set()
    for request, response in conversation(component, config):
        assert errors(f"request.{request['method']}", request) == []
        assert errors(f"response.{request['method']}", response) == []
        if request["method"] == "apply":
            for step, answer in zip(
                request["params"]["steps"], response["result"]["observations"], strict=True
            ):
                statuses.add(answer["status"])
                if answer["status"] != "rejected":
                    assert errors(f"steps.{component}", step) == []
                if answer["status"] == "ok":
                    assert errors(f"observations.{component}", answer["observation"]) == []
    assert statuses >= {"ok", "rejected"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps.drift", {"step": "predict"}),
        ("steps.drift", {"step": "predict", "t_ms": 1.5}),
        ("steps.drift", {"step": "predict", "t_ms": 1, "now": True}),
        ("steps.drift", {"step": "observe", "z_bps_per_s": "nan", "variance": 1.0}),
        ("steps.drift", {"step": "trade", "t_ms": 1, "side": "buy", "size": 1.0}),
        ("steps.flow", {"step": "trade", "t_ms": 1, "side": "bid", "size": 1.0}),
        ("steps.glft", {**WALKS["glft"][0], "kappas_per_bps": [0.1]}),
        ("steps.engine", {"step": "book", "t_ms": 0, "bids": [[1.0, 2.0, 3.0]], "asks": []}),
        ("steps.engine", {"step": "cycle", "t_ms": 0, "mid": "100"}),
        ("steps.engine", {}),
        ("observations.drift", {"drift_bps_per_s": None}),
        ("observations.drift", {"drift": 1.0}),
        ("observations.inventory", {"killed_side": "buy"}),
        ("observations.flow", {"imbalances": [0.0, 0.0]}),
        ("observations.expected_pnl", {"keep": 1}),
        ("observations.engine", {"bids": [{"price": "100"}]}),
        ("observations.engine", {"asks": [{"colour": "red"}]}),
        ("observations.engine", {"zone": "orange"}),
        ("request.open", {"jsonrpc": "2.0", "id": 1, "method": "open", "params": {}}),
        ("request.close", {"jsonrpc": "2.0", "id": 1, "method": "open", "params": {}}),
        ("response.close", {"jsonrpc": "2.0", "id": 1}),
        ("response.close", {"jsonrpc": "1.0", "id": 1, "result": {"status": "ok"}}),
        ("response.close", {"jsonrpc": "2.0", "id": 1, "result": {"status": "unsupported"}}),
        (
            "response.open",
            {
                "jsonrpc": "2.0",
                "id": 1,
                "result": {"status": "rejected", "code": "ugly", "message": ""},
            },
        ),
        ("response.apply", {"jsonrpc": "2.0", "id": 1, "result": {"observations": [{}]}}),
        ("response.initialize", {"jsonrpc": "2.0", "id": 1, "result": {"protocol": "1.0"}}),
    ],
)
def test_wrong_messages_are_not_valid(name: str, value: Json) -> None:
    assert errors(name, value)


def test_an_error_takes_the_place_of_a_result() -> None:
    error = {"code": -32700, "message": "not JSON"}
    assert errors("response.apply", {"jsonrpc": "2.0", "id": None, "error": error}) == []
    both = {"jsonrpc": "2.0", "id": 1, "result": {"status": "ok"}, "error": error}
    assert errors("response.close", both)


# --- the protocol page ------------------------------------------------------------------------


def section(title: str) -> str:
    """Return the text of a section of the page, of the second level."""
    _, _, rest = PROTOCOL.partition(f"\n## {title}\n")
    assert rest, f"PROTOCOL.md lacks the section {title}"
    return rest.partition("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """Return the other cells of each table row, by the name in its first."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            name, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            found.setdefault(name.strip("`"), cells)
    return found


def named(text: str) -> set[str]:
    """Return every name in code type."""
    return set(re.findall(r"`([a-z][A-Za-z0-9_.]*)`", text))


@pytest.mark.parametrize("component", STEPS)
def test_page_names_every_step_and_field(component: str) -> None:
    names = named(section(f"Component {component}"))
    for kind in STEPS[component]:
        assert {str(kind.__struct_config__.tag), *kind.__struct_fields__} <= names
    assert set(OBSERVATIONS[component].__struct_fields__) <= names
    assert set(component_fields("engine")) - set(OBSERVATIONS["engine"].__struct_fields__) <= named(
        section("Declared fields, levels, comparison")
    )


@pytest.mark.parametrize("code", get_args(RejectionCode))
def test_page_explains_every_code(code: str) -> None:
    assert len(rows(section("Rejections"))[code][0]) > 20


def test_page_has_no_code_too_many() -> None:
    assert set(rows(section("Rejections"))) == set(get_args(RejectionCode))


def test_page_explains_every_fault() -> None:
    labels = set(re.findall(r"``(\w+)``", EngineError.__doc__ or "")) - {"label"}
    assert len(labels) == 5
    assert labels == set(rows(section("Transport")))


CONFIGS: dict[str, Any] = {
    "drift": DriftConfig,
    "inventory": InventoryConfig,
    "flow": FlowConfig,
}
KEYS = [
    *((name, spec) for name, kind in CONFIGS.items() for spec in fields(kind)),
    *(
        ("engine", spec)
        for spec in fields(EngineConfig)
        if not any(hasattr(kind, spec.name) for kind in CONFIGS.values())
    ),
]


@pytest.mark.parametrize(("component", "spec"), KEYS, ids=lambda key: getattr(key, "name", key))
def test_page_states_every_config_key(component: str, spec: Field[Any]) -> None:
    unit, default, allowed, *_ = rows(section(f"Component {component}"))[spec.name]
    assert unit == spec.metadata["unit"]
    assert default_of(default) == spec.default
    if "options" in spec.metadata:
        for option in spec.metadata["options"]:
            assert str(option).removesuffix(".0") in re.findall(r"\w+", allowed)
    elif "needs" not in spec.metadata:
        low, high = re.findall(r"([\d.e-]+) to ([\d.e-]+)", allowed)[0]
        assert (float(low), float(high)) == (spec.metadata["low"], spec.metadata["high"])


def default_of(text: str) -> object:
    if text == "six of 0.695":
        return (0.695,) * 6
    text = text.strip("`")
    if text in ("null", "true", "false") or text[0].isdigit():
        return json.loads(text)
    return text


def test_page_names_known_requirements_only() -> None:
    ids = set(re.findall(r"\b(?:[DQGUA]-\w+|E2E-\d+)\b", PROTOCOL)) - {"A-drift", "A-gates"}
    assert len(ids) > 40
    assert ids <= set(requirements())
    assert {"A-drift", "A-gates"} <= set(requirements())


def lines_of_json(text: str) -> list[str]:
    return [
        line
        for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    ]


def test_page_shows_what_the_minimal_engine_says() -> None:
    lines = lines_of_json(section("Methods"))
    requests, responses = lines[::2], lines[1::2]
    assert [json.loads(line)["method"] for line in requests] == [
        "initialize",
        "open",
        "apply",
        "close",
        "shutdown",
    ]
    said = subprocess.run(
        [sys.executable, minimal_engine.__file__],
        input="\n".join(requests) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.splitlines() == responses


def test_page_shows_what_the_reference_says_of_a_cycle() -> None:
    request, response = map(json.loads, lines_of_json(section("Component engine")))
    engine = reference()
    engine.open("check-2", "engine", {**ALL_PHASES, "level_sizes": [0.5, 1.0]}, 0)
    observation = response["result"]["observations"][-1]["observation"]
    answers = engine.apply("check-2", request["params"]["steps"])
    assert errors("observations.engine", observation) == []
    assert first_difference(answers[-1], Ok(observation), component_fields("engine")) is None
