// Component drift, phase 1, over stdio: what is marked FILL IN is answered `unsupported`.
//
// `Drift` is the filter, and yours. The rest is the adapter: tables of what may come, `check`,
// which holds steps and configurations against them, and `Sessions`, which answers requests.

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

using Json = nlohmann::json;

const Json IDENTITY = Json::parse(R"({
    "protocol": "1.0", "name": "my-engine", "version": "0.1", "digest": "none", "phases": [1],
    "components": ["drift"], "clock": "injected", "fields": {
        "drift": ["drift_bps_per_s", "variance", "uncertainty_bps_per_s", "confidence"]
    }
})");

// What a field takes: one of these words, or else a number between two others, these included.
struct Takes {
    double least, most;
    bool whole = false;
    std::vector<std::string> words = {};
};

const Takes TIME{-1e15, 1e15, true};
const Takes FINITE{-1e15, 1e15};
const Takes POSITIVE{1e-15, 1e15};
const Takes FRACTION{0.0, 1.0};
const Takes SIDE{0.0, 0.0, false, {"buy", "sell"}};

using Fields = std::map<std::string, Takes>;

const std::map<std::string, Fields> STEPS = {
    {"predict", {{"t_ms", TIME}}},
    {"observe", {{"z_bps_per_s", FINITE}, {"variance", POSITIVE}}},
    {"fill",
     {{"side", SIDE}, {"price", POSITIVE}, {"mid", POSITIVE}, {"sigma_bps_per_sqrt_s", POSITIVE}}},
    {"trend",
     {{"magnitude_bps", FINITE}, {"agreement", FRACTION}, {"p_continuation", FRACTION}}},
};
const Fields CONFIG = {
    {"theta_per_s", {1e-9, 1e9}},
    {"process_noise", {0.0, 1e9}},
    {"prior_variance", {1e-9, 1e9}},
    {"p_min", {0.0, 1e9}},
    {"fill_variance", {1e-9, 1e9}},
    {"sigma_trend", {1e-3, 1e6}},
};
const Json DEFAULTS = Json::parse(R"({
    "theta_per_s": 0.02, "process_noise": 1.0, "prior_variance": 50.0,
    "p_min": 2.0, "fill_variance": 9.0, "sigma_trend": 2.0
})");

// A number and a word of a step or configuration that has been checked.
double number(const Json& given, const char* name) { return given.at(name).get<double>(); }
std::string word(const Json& given, const char* name) { return given.at(name).get<std::string>(); }

// An answer that is not `ok`. Throw it before anything has changed.
struct Refusal {
    Json answer;
};

Refusal rejected(const std::string& code, const std::string& message) {
    return {{{"status", "rejected"}, {"code", code}, {"message", message}}};
}

Refusal unsupported(const Json& step) {
    return {{{"status", "unsupported"}, {"reason", word(step, "step") + " is to be filled in"}}};
}

// The posterior of the drift: its mean in bp/s, its variance in (bp/s)^2.
struct Drift {
    explicit Drift(const Json& given) : config(given), variance(number(given, "prior_variance")) {}

    // Propagate to the time of the step.
    void predict(const Json& step) {
        throw unsupported(step);  // FILL IN 1
    }

    // Take an observation of the drift.
    void observe(const Json& step) {
        throw unsupported(step);  // FILL IN 2
    }

    // Take an own fill.
    void fill(const Json& step) {
        throw unsupported(step);  // FILL IN 3
    }

    // Take a reading of the trend.
    void trend(const Json& step) {
        throw unsupported(step);  // FILL IN 4
    }

    // Show the state, in the fields that are declared.
    Json seen() const {
        const double known = 1.0 - variance / number(config, "prior_variance");
        return {{"drift_bps_per_s", mean},
                {"variance", variance},
                {"uncertainty_bps_per_s", std::sqrt(variance)},
                {"confidence", std::clamp(known, 0.0, 1.0)}};
    }

    Json config;
    double mean = 0.0;
    double variance;
    std::optional<double> t_ms;
};

// Demand of a value that it is what is taken.
void check_value(const std::string& name, const Json& value, const Takes& taken) {
    const std::string said = value.is_string() ? value.get<std::string>() : "";
    const auto refuse = [&](const char* code) {
        throw rejected(code, name + " is " + value.dump());
    };
    if (!taken.words.empty()) {
        const auto& words = taken.words;
        if (std::find(words.begin(), words.end(), said) == words.end()) refuse("unparsable");
        return;
    }
    if (said == "nan" || said == "inf" || said == "-inf") refuse("non_finite");
    if (!value.is_number()) refuse("unparsable");
    const double number = value.get<double>();
    if (taken.whole && number != std::floor(number)) refuse("unparsable");
    if (number < taken.least || number > taken.most) refuse("out_of_range");
}

// Demand all the fields that are taken, no other, and of each a value that it takes.
void check(const Json& given, const Fields& takes) {
    for (const auto& [name, value] : given.items())
        if (!takes.count(name)) throw rejected("unknown_field", name + " is not taken");
    for (const auto& [name, taken] : takes) {
        if (!given.contains(name)) throw rejected("missing_field", name + " is absent");
        check_value(name, given[name], taken);
    }
}

// Demand a step that drift has, with the fields of its kind.
void check_step(const Json& step) {
    if (!step.is_object()) throw rejected("unparsable", step.dump() + " is no step");
    if (!step.contains("step")) throw rejected("missing_field", "step is absent");
    if (!step["step"].is_string() || !STEPS.count(word(step, "step")))
        throw rejected("unknown_step", "step is " + step["step"].dump());
    Json fields = step;
    fields.erase("step");
    check(fields, STEPS.at(word(step, "step")));
}

// The sessions by name, each with a filter of its own.
class Sessions {
   public:
    // Open a session, apply a step or close; what is refused has changed nothing.
    Json answer(const std::string& method, const Json& params, const Json& step = nullptr) {
        try {
            const auto session = word(params, "session");
            if (method == "open") return open(session, params);
            if (!sessions.count(session)) throw rejected("not_open", "session " + session);
            if (method == "apply") return apply(sessions.at(session), step);
            sessions.erase(session);
            return {{"status", "ok"}};
        } catch (const Refusal& refusal) {
            return refusal.answer;
        }
    }

   private:
    Json open(const std::string& session, const Json& params) {
        const auto component = word(params, "component");
        if (component != "drift") throw rejected("unknown_component", component);
        if (sessions.count(session)) throw rejected("duplicate", "session " + session);
        Json config = DEFAULTS;
        config.update(params.at("config"));
        check(config, CONFIG);
        sessions.emplace(session, config);
        return {{"status", "ok"}, {"config", config}};
    }

    Json apply(Drift& drift, const Json& step) {
        check_step(step);
        const auto kind = word(step, "step");
        if (kind == "predict") drift.predict(step);
        if (kind == "observe") drift.observe(step);
        if (kind == "fill") drift.fill(step);
        if (kind == "trend") drift.trend(step);
        return {{"status", "ok"}, {"observation", drift.seen()}};
    }

    std::map<std::string, Drift> sessions;
};

Json result(Sessions& sessions, const std::string& method, const Json& params) {
    if (method == "initialize") return IDENTITY;
    if (method == "shutdown") return nullptr;
    if (method != "apply") return sessions.answer(method, params);
    Json answers = Json::array();
    for (const Json& step : params.at("steps"))
        answers.push_back(sessions.answer(method, params, step));
    return {{"observations", answers}};
}

int main() {
    Sessions sessions;
    for (std::string line; std::getline(std::cin, line);) {
        const Json request = Json::parse(line);
        const auto method = word(request, "method");
        Json response = {{"jsonrpc", "2.0"}, {"id", request.at("id")}};
        response["result"] = result(sessions, method, request.value("params", Json()));
        std::cout << response.dump() << std::endl;  // endl flushes
        if (method == "shutdown") break;
    }
}
