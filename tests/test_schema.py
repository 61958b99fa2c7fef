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

import msgspec
import pytest
from jsonschema import Draft202012Validator

import quotemark
from quotemark.builtin import reference
from quotemark.errors import FaultLabel
from quotemark.examples import minimal_engine
from quotemark.messages import (
    OBSERVATIONS,
    STEPS,
    Answer,
    Json,
    Ok,
    RejectionCode,
    component_fields,
)
from quotemark.schema import schemas, write_schemas
from quotemark.server import serve
from quotemark.suite.compare import first_difference
from quotemark.suite.market import ALL_PHASES, PHASES_1_TO_4
from quotemark.suite.register import requirements
from quotemark_reference.config import (
    AdaptationConfig,
    BookConfig,
    CrossVenueConfig,
    DriftConfig,
    EngineConfig,
    FillSizeConfig,
    FlowConfig,
    FundingConfig,
    HawkesConfig,
    InventoryConfig,
    OpenInterestConfig,
    SensorConfig,
    SweepConfig,
    VolatilityConfig,
)

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
    "adaptation": [
        {
            "step": "markout",
            "predicted_drift_bps_per_s": -4.0,
            "predicted_variance": 8,
            "realised_drift_bps_per_s": realised,
            "sigma_bps_per_sqrt_s": 2.0,
            "window_s": 5.0,
        }
        for realised in (-1.0, 0.0, 9.0)
    ],
    "funding": [
        *(
            {"step": "funding", "t_ms": 0, "rate": rate, "interval_s": 3600}
            for rate in ("0.0001", "-1e-5", ".5E-3")
        ),
        *(
            {"step": "reference_price", "t_ms": 1, "source": source, "price": 100.0}
            for source in ("mark", "index", "spot", "leader")
        ),
        {"step": "read", "t_ms": 2},
    ],
    "book": [
        {"step": "read", "t_ms": 0},
        {"step": "book", "t_ms": 1, "bids": [[99.9, 2], [99.0, 1.0]], "asks": [[100.1, 1.0]]},
        {"step": "read", "t_ms": 2},
        {"step": "book", "t_ms": 3, "bids": [[99.9, 1], [99.0, 9]], "asks": [[100.1, 1], [101, 1]]},
        {"step": "read", "t_ms": 4},
        {"step": "book", "t_ms": 5, "bids": [], "asks": [[100.1, 1.0]]},
    ],
    "sweep": [
        {"step": "read", "t_ms": 0},
        {"step": "fill", "t_ms": 1, "side": "buy", "size": 3.0, "levels_crossed": 3},
    ],
    "hawkes": [
        {"step": "read", "t_ms": 0},
        *[{"step": "trade", "t_ms": 1, "side": "sell"}] * 20,
    ],
    "fill_size": [
        {"step": "fill", "side": side, "size": size}
        for side, size in [("buy", 1.0)] * 10 + [("sell", 3)] * 10
    ],
    "cross_venue": [
        {"step": "read", "mid": 100.0},
        *(
            {
                "step": "read",
                "mid": 100 + number % 3,
                "spot": 100 + number % 2,
                "leader": 7 + number,
            }
            for number in range(22)
        ),
        {"step": "read", "mid": 100.0, "spot": None, "leader": None},
    ],
    "volatility": [
        {"step": "read", "t_ms": 1000 * number, "mid": 100 + number % 3} for number in range(22)
    ],
    "open_interest": [
        {"step": "read", "mid": 100.0, "contracts": 1e6},
        {"step": "read", "mid": 101.0, "contracts": 1_010_000},
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
        {"step": "open_interest", "t_ms": 1, "contracts": 1e6},
        {
            "step": "fill",
            "t_ms": 1,
            "side": "sell",
            "price": 100.1,
            "size": 1.0,
            "id": "f-2",
            "levels_crossed": 2,
        },
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
        *(f"recording.{line}" for line in ("header", "open", "step", "close")),
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
    [
        *((component, {}) for component in STEPS),
        ("engine", PHASES_1_TO_4),
        ("engine", ALL_PHASES),
        ("open_interest", {"alpha_open_interest": 1.0}),
    ],
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
        ("steps.engine", {**WALKS["funding"][0], "rate": 0.0001}),
        ("steps.funding", {**WALKS["funding"][3], "source": "last"}),
        ("steps.sweep", {**WALKS["sweep"][1], "levels_crossed": 1.5}),
        ("steps.fill_size", {**WALKS["fill_size"][0], "t_ms": 0}),
        ("steps.open_interest", {"step": "read", "mid": 100.0}),
        ("steps.engine", {}),
        ("observations.drift", {"drift_bps_per_s": None}),
        ("observations.drift", {"drift": 1.0}),
        ("observations.inventory", {"killed_side": "buy"}),
        ("observations.flow", {"imbalances": [0.0, 0.0]}),
        ("observations.expected_pnl", {"keep": 1}),
        ("observations.engine", {"bids": [{"price": "100"}]}),
        ("observations.engine", {"asks": [{"colour": "red"}]}),
        ("observations.engine", {"zone": "orange"}),
        ("observations.engine", {"drift_observations": [{"source": 1}]}),
        ("observations.engine", {"composite_parts": [{"weight": 1.0}]}),
        ("observations.engine", {"book_imbalances": [0.0]}),
        ("observations.funding", {"readings": 1.5}),
        ("observations.book", {"signals": [{"variance": None}]}),
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
            name, *cells = (cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|")))
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


def eloquent_session() -> list[Json]:
    """Return a session in which every source of the drift speaks."""
    steps: list[Json] = []
    for number in range(26):
        common = {"t_ms": 1000 * number}
        bids, asks = [[99.9, 2.0 + number % 2], [99.0, 1.0]], [[100.1, 1.0], [101.0, 3.0]]
        size = 0.1 + number % 3 / 10.0
        traded = {**common, "side": "buy", "price": 100.0, "size": size}
        steps += [
            {"step": "book", **common, "bids": bids, "asks": asks},
            {"step": "trade", **traded},
            {"step": "fill", **traded, "levels_crossed": 2},
            {"step": "trend", **common, "magnitude_bps": 1, "agreement": 1, "p_continuation": 1},
            {"step": "signal", **common, "source": "momentum", "value": 1, "variance": 99},
            {"step": "funding", **common, "rate": f"{number}e-6", "interval_s": 3600.0},
            {"step": "open_interest", **common, "contracts": 1e6 + number},
            {"step": "reference_price", **common, "source": "spot", "price": 100.0 + number},
            {"step": "reference_price", **common, "source": "leader", "price": 50 + number % 3},
            {"step": "cycle", **common, "mid": 100.0 + number % 3},
        ]
    return steps


def test_page_names_every_source_of_the_drift() -> None:
    engine = reference()
    engine.open("one", "engine", {**ALL_PHASES, "alpha_open_interest": 1.0}, 0)
    sources: dict[str, set[str]] = {"drift_observations": set(), "composite_parts": set()}
    for answer in engine.apply("one", eloquent_session()):
        assert isinstance(answer, Ok)
        for name, said in sources.items():
            said.update(one["source"] for one in answer.observation.get(name, ()))
    page = section("Component engine")
    (row,) = re.findall(r"^\| `source` \| name \| (.*) \|$", page, re.MULTILINE)
    assert set(re.findall(r"`([a-z_:]+)`", row)) == {
        source.replace("momentum", "") for source in sources["drift_observations"]
    }
    (parts,) = re.findall(r"^`composite_parts` .*`source` \(([^)]*)\)", page, re.MULTILINE)
    assert named(parts) == sources["composite_parts"]


@pytest.mark.parametrize("code", get_args(RejectionCode))
def test_page_explains_every_code(code: str) -> None:
    assert len(rows(section("Rejections"))[code][0]) > 20


def test_page_has_no_code_too_many() -> None:
    assert set(rows(section("Rejections"))) == set(get_args(RejectionCode))


def test_page_explains_every_fault() -> None:
    assert set(get_args(FaultLabel)) == set(rows(section("Transport")))


CONFIGS: dict[str, Any] = {
    "Drift observations": SensorConfig,
    "Component drift": DriftConfig,
    "Component inventory": InventoryConfig,
    "Component flow": FlowConfig,
    "Component adaptation": AdaptationConfig,
    "Component funding": FundingConfig,
    "Component book": BookConfig,
    "Component sweep": SweepConfig,
    "Component hawkes": HawkesConfig,
    "Component fill_size": FillSizeConfig,
    "Component cross_venue": CrossVenueConfig,
    "Component volatility": VolatilityConfig,
    "Component open_interest": OpenInterestConfig,
    "Component engine": EngineConfig,
}
"""What each section configures; a key stands in the first section that has it."""


def own_keys() -> dict[str, dict[str, Field[Any]]]:
    """Keys of each section of the page, each in one section only."""
    found: dict[str, dict[str, Field[Any]]] = {}
    seen: set[str] = set()
    for title, kind in CONFIGS.items():
        found[title] = {spec.name: spec for spec in fields(kind) if spec.name not in seen}
        seen.update(found[title])
    return found


KEYS = [(title, spec) for title, specs in own_keys().items() for spec in specs.values()]


def config_table(text: str) -> str:
    """Return the table of configuration keys of a section, which may have none."""
    _, _, rest = text.partition("\n| key | unit | default | range | meaning |\n")
    return rest.partition("\n\n")[0]


@pytest.mark.parametrize("title", CONFIGS)
def test_page_has_each_config_key_once(title: str) -> None:
    assert set(rows(config_table(section(title)))) == set(own_keys()[title])


def test_page_has_no_other_config_keys() -> None:
    titles = re.findall(r"^## (.*)$", PROTOCOL, re.MULTILINE)
    assert [title for title in titles if config_table(section(title))] == list(CONFIGS)


@pytest.mark.parametrize("title", CONFIGS)
def test_page_refers_to_the_keys_that_sources_share(title: str) -> None:
    shares = issubclass(CONFIGS[title], SensorConfig)
    refers = "The keys of [drift observations](#drift-observations), and:" in section(title)
    assert refers == (shares and title not in ("Drift observations", "Component engine"))


@pytest.mark.parametrize(("title", "spec"), KEYS, ids=lambda key: getattr(key, "name", key))
def test_page_states_every_config_key(title: str, spec: Field[Any]) -> None:
    unit, default, allowed, meaning = rows(config_table(section(title)))[spec.name]
    assert unit == spec.metadata["unit"]
    assert default_of(default) == spec.default
    if "options" in spec.metadata:
        for option in spec.metadata["options"]:
            assert str(option).removesuffix(".0") in re.findall(r"\w+", allowed)
    elif "needs" in spec.metadata:
        stated = [int(digit) for digit in re.findall(r"\b\d\b", meaning)]
        assert stated == [spec.metadata["phase"], *spec.metadata["needs"]]
    else:
        low, high = re.findall(r"([\d.e-]+) to ([\d.e-]+)", allowed)[0]
        assert (float(low), float(high)) == (spec.metadata["low"], spec.metadata["high"])
        assert ("whole" in allowed) == (type(spec.default) is int)


def test_page_states_the_engines_own_default_of_the_calibration() -> None:
    (calibration,) = (spec for spec in fields(EngineConfig) if spec.name == "calibration")
    *_, meaning = rows(section("Drift observations"))["calibration"]
    assert f"in component `engine` the default is `{calibration.default}`" in meaning


def default_of(text: str) -> object:
    if text == "six of 0.695":
        return (0.695,) * 6
    text = text.strip("`")
    if text in ("null", "true", "false") or text[0].isdigit():
        return json.loads(text)
    return text


def test_page_links_lead_somewhere() -> None:
    titles = re.findall(r"^#+ (.*)$", PROTOCOL, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    links = set(re.findall(r"\]\(#([^)]*)\)", PROTOCOL))
    assert {f"component-{component}" for component in STEPS} <= links
    assert links <= anchors


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
    shown = response["result"]["observations"]
    assert errors("observations.engine", shown[-1]["observation"]) == []
    answers = engine.apply("check-2", request["params"]["steps"])
    for answer, line in zip(answers, shown, strict=True):
        got = msgspec.convert(line, Answer)
        assert first_difference(answer, got, component_fields("engine")) is None
