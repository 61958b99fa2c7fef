"""The certificate: an in-toto statement that follows from the log, and is found out if touched."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement as PublishedStatement
from msgspec.structs import replace
from tests.evidence.made import certificate, certification, with_check, written

import quotemark
from quotemark.adapters import running
from quotemark.errors import InputError
from quotemark.evidence.digests import engine_files, file_digest
from quotemark.evidence.events import event_log, read_log
from quotemark.evidence.signature import read_private_key, read_public_key
from quotemark.evidence.verification import verify
from quotemark.evidence.written import write_evidence
from quotemark.results import Certification, CheckStatus, TierLatency, Waiver, WaiverResult

EXAMPLE = Path(quotemark.__file__).parent / "examples/minimal_engine.py"
CHECK = "phase1.process_noise_is_exact"


@pytest.fixture(scope="module")
def proven() -> Certification:
    return certification()


def findings(path: Path, engine: str | None = None, key: Path | None = None) -> dict[str, str]:
    """Status of what was found, by what was looked at."""
    return {one.what: one.status for one in verify(path, engine, key).findings}


def message(path: Path, what: str, engine: str | None = None, key: Path | None = None) -> str:
    return next(one.message for one in verify(path, engine, key).findings if one.what == what)


# --- the form ---------------------------------------------------------------------------------


def test_it_is_a_statement_and_a_predicate_by_the_published_schema(
    proven: Certification, tmp_path: Path
) -> None:
    told = json.loads(certificate(proven, tmp_path).read_text())
    statement = json_format.ParseDict(told, statement_pb2.Statement())
    assert statement.type == "https://in-toto.io/Statement/v1"
    assert statement.predicate_type == "https://in-toto.io/attestation/test-result/v0.1"
    published = PublishedStatement.copy_from_pb(statement)
    published.validate()
    predicate = json_format.ParseDict(told["predicate"], test_result_pb2.TestResult())
    assert predicate.result == "PASSED"
    for one in predicate.configuration:
        ResourceDescriptor.copy_from_pb(one).validate()
    assert sorted(predicate.passed_tests) == sorted(
        one.requirement.id for one in proven.requirements
    )
    assert not predicate.warned_tests
    assert not predicate.failed_tests


def test_the_published_schema_can_refuse(proven: Certification, tmp_path: Path) -> None:
    told = json.loads(certificate(proven, tmp_path).read_text())
    told["predicate"]["passed"] = []
    with pytest.raises(json_format.ParseError, match="passed"):
        json_format.ParseDict(told["predicate"], test_result_pb2.TestResult())


def test_it_names_engine_and_all_that_it_rests_on(proven: Certification, tmp_path: Path) -> None:
    path = certificate(proven, tmp_path)
    told = json.loads(path.read_text())
    identity = proven.identity
    assert told["subject"] == [
        {"name": "reference", "digest": {"sha256": identity.digest.removeprefix("sha256:")}}
    ]
    rests_on = {one["name"]: one for one in told["predicate"]["configuration"]}
    assert list(rests_on) == [
        *("suite", "vectors", "tolerances", "waivers", "config"),
        *("event log", "report"),
    ]
    for name, file in (("event log", "run.jsonl"), ("report", "run.html")):
        assert rests_on[name]["uri"] == file
        assert rests_on[name]["digest"] == {"sha256": file_digest(tmp_path / file)}
    run = rests_on["event log"]["annotations"]
    assert (run["level"], run["phases"]) == ("L2", [1, 2, 3, 4, 5, 6, 7, 8])
    assert run["finished"] == "2026-03-02T10:00:00+00:00"
    assert told["predicate"]["url"] == "run.html"


def test_the_same_run_gives_the_same_bytes(proven: Certification, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first, again = certificate(proven, tmp_path), certificate(proven, tmp_path / "again")
    assert first.read_bytes() == again.read_bytes()


@pytest.mark.parametrize(
    ("status", "result", "listed"),
    [("failed", "FAILED", "failedTests"), ("waived", "WARNED", "warnedTests")],
)
def test_the_result_follows_from_the_worst(
    proven: Certification, tmp_path: Path, status: CheckStatus, result: str, listed: str
) -> None:
    made = with_check(proven, CHECK, status, "Q(dt) is linear")
    predicate = json.loads(certificate(made, tmp_path).read_text())["predicate"]
    assert predicate["result"] == result
    assert "D-01" in predicate[listed]
    assert "D-01" not in predicate["passedTests"]


def test_a_quick_run_and_a_stale_waiver_are_no_pass(proven: Certification, tmp_path: Path) -> None:
    quick = replace(proven, profile="quick")
    waiver = WaiverResult(Waiver(CHECK, "Ana", "soon", date(2026, 1, 1)), "the check passes")
    stale = replace(proven, waivers=[waiver])
    for made, result in ((quick, "WARNED"), (stale, "FAILED")):
        assert json.loads(certificate(made, tmp_path).read_text())["predicate"]["result"] == result


def test_an_engine_that_cannot_be_told_from_others_gets_none(
    proven: Certification, tmp_path: Path
) -> None:
    nameless = replace(proven, identity=replace(proven.identity, digest="none"))
    files = written(nameless, tmp_path)
    assert files.certificate is None
    assert "digest is 'none', expected sha256: and 64" in files.why_none
    assert files.report.exists()
    assert files.log.exists()


def test_no_certificate_stays_beside_another_run(proven: Certification, tmp_path: Path) -> None:
    old = certificate(proven, tmp_path)
    assert written(replace(proven, provenance=None), tmp_path).certificate is None
    assert not old.exists()


# --- verification -----------------------------------------------------------------------------


def test_what_was_written_is_verified(proven: Certification, tmp_path: Path) -> None:
    found = verify(certificate(proven, tmp_path), engine="reference")
    assert found.passed
    assert {one.what: one.status for one in found.findings} == {
        "signature": "unchecked",
        "event log": "ok",
        "report": "ok",
        "conclusions": "ok",
        "suite": "ok",
        "vectors": "ok",
        "tolerances": "ok",
        "engine": "ok",
    }
    assert found.findings[0].message == "unsigned"
    assert findings(tmp_path / "run.intoto.json")["engine"] == "unchecked"


@pytest.mark.whole_suite
@given(data=st.data())
def test_a_changed_byte_anywhere_is_found(
    data: st.DataObject, proven: Certification, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    files = written(proven, folder)
    assert files.certificate is not None
    path = data.draw(st.sampled_from([files.certificate, files.log, files.report]))
    whole = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    try:
        passed = verify(files.certificate, engine="reference").passed
    except InputError:
        passed = False
    assert not passed


@pytest.mark.parametrize("edge", ["cut short", "lengthened", "missing"])
@pytest.mark.parametrize("name", ["run.jsonl", "run.html"])
def test_a_file_of_another_length_is_found(
    proven: Certification, tmp_path: Path, name: str, edge: str
) -> None:
    path = certificate(proven, tmp_path)
    file = tmp_path / name
    if edge == "missing":
        file.unlink()
    else:
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] if edge == "cut short" else whole + b"\n")
    wrong = [one for one in verify(path).findings if one.status == "wrong"]
    assert [name in one.message for one in wrong] == [True]


def test_what_is_no_certificate_is_said_to_be_none(proven: Certification, tmp_path: Path) -> None:
    path = certificate(proven, tmp_path)
    path.write_text(path.read_text()[:-3])
    with pytest.raises(InputError, match=r"run\.intoto\.json: is no certificate: "):
        verify(path)
    path.unlink()
    with pytest.raises(InputError, match=r"run\.intoto\.json: No such file"):
        verify(path)


def test_a_result_that_its_log_does_not_give_is_named(
    proven: Certification, tmp_path: Path
) -> None:
    path = certificate(with_check(proven, CHECK, "failed", "linear"), tmp_path)
    path.write_text(path.read_text().replace('"FAILED"', '"PASSED"'))
    assert findings(path)["conclusions"] == "wrong"
    assert message(path, "conclusions") == "predicate.result is not that of the event log"


def test_a_log_that_concludes_otherwise_than_its_checks_is_refused(
    proven: Certification, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(event_log(with_check(proven, CHECK, "failed", "linear")))
    assert read_log(log).weakest_violated() is not None
    log.write_text(log.read_text().replace('"status":"failed"', '"status":"passed"'))
    with pytest.raises(InputError, match="does not follow from its checks"):
        read_log(log)


def test_a_log_gives_back_the_certification(proven: Certification, tmp_path: Path) -> None:
    made = replace(
        with_check(proven, CHECK, "failed", "one\nand two"),
        diagnoses=["drift behaves like linear-q"],
        latencies=[TierLatency("hot", 1.0, 200.0, 300.0)],
        waivers=[WaiverResult(Waiver("a.check", "Ana", "soon", date(2026, 1, 1)), "expired")],
    )
    log = tmp_path / "log.jsonl"
    log.write_text(event_log(made))
    assert read_log(log) == made


def test_a_log_of_another_suite_is_said_to_be_one(proven: Certification, tmp_path: Path) -> None:
    path = certificate(proven, tmp_path)
    log = tmp_path / "run.jsonl"
    log.write_text(log.read_text().replace(f'"suite":"{proven.suite}"', '"suite":"0.0.9"'))
    with pytest.raises(InputError, match=r"suite is 0\.0\.9, expected"):
        read_log(log)
    assert not verify(path).passed


def test_another_suite_is_named(proven: Certification, tmp_path: Path) -> None:
    assert proven.provenance is not None
    other = replace(proven, provenance=replace(proven.provenance, suite_digest="0" * 64))
    path = certificate(other, tmp_path)
    assert findings(path)["suite"] == "wrong"
    assert findings(path)["vectors"] == "ok"
    assert f"{'0' * 64} was certified" in message(path, "suite")


def test_no_file_beyond_the_folder_is_read(proven: Certification, tmp_path: Path) -> None:
    path = certificate(proven, tmp_path)
    path.write_text(path.read_text().replace('"run.jsonl"', '"../run.jsonl"'))
    assert "expected the name of a file" in message(path, "event log")


# --- the engine -------------------------------------------------------------------------------


@pytest.fixture
def engine(tmp_path: Path) -> str:
    """Command of an engine that is one file."""
    shutil.copy(EXAMPLE, tmp_path / "engine.py")
    return f"stdio:{Path(sys.executable).name} {tmp_path / 'engine.py'}"


def certificate_of(engine: str, folder: Path) -> Path:
    with running(engine) as under_test:
        identity = under_test.initialize()
    return certificate(replace(certification(engine, [1]), identity=identity), folder)


def test_the_engine_is_its_files(engine: str, tmp_path: Path) -> None:
    file = tmp_path / "engine.py"
    path = certificate_of(engine, tmp_path)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert json.loads(path.read_text())["subject"] == [
        {"name": str(file), "digest": {"sha256": digest}}
    ]
    assert findings(path, engine=engine)["engine"] == "ok"
    with file.open("a") as appended:
        appended.write("# a word\n")
    assert findings(path, engine=engine)["engine"] == "wrong"
    assert f"{digest} was certified" in message(path, "engine", engine=engine)


def test_another_engine_is_named(engine: str, tmp_path: Path) -> None:
    path = certificate_of(engine, tmp_path)
    assert message(path, "engine", engine="reference") == (
        "name is 'reference', 'minimal' was certified"
    )


def test_a_program_on_the_path_is_the_engine_where_the_command_names_no_file() -> None:
    program = Path(sys.executable).name
    found = shutil.which(program)
    assert found is not None
    digest = hashlib.sha256(Path(found).read_bytes()).hexdigest()
    assert engine_files(f"stdio:{program} -m engine") == {program: digest}


def test_a_python_engine_is_its_module_or_its_whole_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lone_engine.py").write_text("factory = None\n")
    (tmp_path / "packed_engine").mkdir()
    (tmp_path / "packed_engine/__init__.py").write_text("")
    (tmp_path / "packed_engine/core.py").write_text("factory = None\n")
    digest = hashlib.sha256(b"factory = None\n").hexdigest()
    assert engine_files("python:lone_engine:factory") == {"lone_engine.py": digest}
    assert engine_files("python:packed_engine.core:factory") == {
        "packed_engine/__init__.py": hashlib.sha256(b"").hexdigest(),
        "packed_engine/core.py": digest,
    }
    assert engine_files("reference") == {}


# --- signatures -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two pairs of keys, and a key of another kind."""
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for name in ("ours", "theirs"):
        private = Ed25519PrivateKey.generate()
        made[name] = folder / f"{name}.pem"
        made[name].write_bytes(
            private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        made[f"{name}.pub"] = folder / f"{name}.pub.pem"
        made[f"{name}.pub"].write_bytes(
            private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
    made["text"] = folder / "text.pem"
    made["text"].write_text("no key\n")
    made["rsa"] = folder / "rsa.pem"
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made["rsa"].write_bytes(
        rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return made


def signed(proven: Certification, folder: Path, key: Path) -> Path:
    page = "<p>report</p>"
    files = write_evidence(proven, page, folder / "run.html", read_private_key(key))
    assert files.certificate is not None
    return files.certificate


def test_a_signature_is_verified_by_its_key_alone(
    proven: Certification, tmp_path: Path, keys: dict[str, Path]
) -> None:
    path = signed(proven, tmp_path, keys["ours"])
    assert findings(path, key=keys["ours.pub"])["signature"] == "ok"
    assert findings(path, key=keys["theirs.pub"])["signature"] == "wrong"
    assert message(path, "signature") == "not checked: give --key"


def test_a_signature_holds_every_byte(
    proven: Certification, tmp_path: Path, keys: dict[str, Path]
) -> None:
    path = signed(proven, tmp_path, keys["ours"])
    file = path.with_name(path.name + ".sig")
    whole = file.read_bytes()
    for place in (0, 40, len(whole) - 4, len(whole) - 1):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert findings(path, key=keys["ours.pub"])["signature"] == "wrong"
    file.unlink()
    assert findings(path, key=keys["ours.pub"])["signature"] == "wrong"
    assert "unsigned, expected" in message(path, "signature", key=keys["ours.pub"])


def test_a_forger_without_the_key_is_found_by_the_signature_alone(
    proven: Certification, tmp_path: Path, keys: dict[str, Path]
) -> None:
    path = signed(with_check(proven, CHECK, "failed", "linear"), tmp_path, keys["ours"])
    signature = path.with_name(path.name + ".sig")
    kept = signature.read_bytes()
    signed(proven, tmp_path, keys["theirs"])  # all files made anew, as if it had passed
    signature.write_bytes(kept)
    assert verify(path).passed
    assert findings(path, key=keys["ours.pub"])["signature"] == "wrong"


def test_openssl_verifies_it_too(
    proven: Certification, tmp_path: Path, keys: dict[str, Path]
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    path = signed(proven, tmp_path, keys["ours"])
    raw = tmp_path / "raw.sig"
    raw.write_bytes(base64.b64decode(path.with_name(path.name + ".sig").read_bytes()))
    command = [openssl, "pkeyutl", "-verify", "-pubin", "-rawin", "-in", str(path)]
    command += ["-inkey", str(keys["ours.pub"]), "-sigfile", str(raw)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", ["text", "rsa", "ours.pub"])
def test_what_is_no_key_to_sign_with_is_said_to_be_none(keys: dict[str, Path], name: str) -> None:
    with pytest.raises(InputError, match="expected an unencrypted ed25519 private key in PEM"):
        read_private_key(keys[name])


@pytest.mark.parametrize("name", ["text", "rsa", "ours"])
def test_what_is_no_key_to_verify_with_is_said_to_be_none(keys: dict[str, Path], name: str) -> None:
    with pytest.raises(InputError, match="expected an ed25519 public key in PEM"):
        read_public_key(keys[name])


MISNAMED = {
    "quotes that do not close": ('stdio:"engine', 3, "cannot_start"),
    "no command": ("stdio: ", 3, "cannot_start"),
    "a word too long for a file": (f"stdio:{'a' * 300}", 3, "cannot_start"),
    "no module of a file": ("python:__main__:engine", 3, "the engine could not be run: "),
    "a module in the interpreter": ("python:sys:engine", 3, "the engine could not be run: "),
    "no such kind": ("rust:engine", 2, "engine is 'rust:engine', expected one of"),
}


@pytest.mark.whole_suite
@pytest.mark.parametrize("case", MISNAMED)
def test_an_engine_that_is_misnamed_is_told_so(tmp_path: Path, case: str) -> None:
    engine, code, message = MISNAMED[case]
    command = [str(Path(sys.executable).with_name("quotemark")), "certify", engine, "--quick"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("quotemark: ")
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []
