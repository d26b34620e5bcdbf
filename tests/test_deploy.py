"""The files of deploy/ against the code: variables, paths, ports, options and series are those that there are.

No image is built and no cluster asked: this machine may have neither.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from serving.api.app import create_app
from serving.common.settings import ServingSettings
from serving.http.route_table import call_of, required_scope
from serving.logs.audit_log import AuditLog
from serving.logs.audit_middleware import TrailSeries
from serving.scoring.scorer import Scorer
from tests.tiny import tiny_model

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
STORE = "RIPELINE_STORE"  # of the live store
YAML = sorted(p for p in DEPLOY.rglob("*") if p.suffix in (".yaml", ".yml"))
PORT = 3000


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def kubernetes() -> dict[str, dict[str, Any]]:
    """Kind and name → document."""
    found = [one for path in (DEPLOY / "kubernetes").glob("*.yaml") for one in documents(path)]
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in found}


def compose() -> dict[str, Any]:
    return documents(DEPLOY / "compose.yaml")[0]  # type: ignore[no-any-return]


def dockerfile() -> list[tuple[str, str]]:
    """Instruction and the rest of each line, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(None, 1)) for line in lines]  # type: ignore[misc]


@pytest.mark.parametrize("path", YAML, ids=lambda p: str(p.relative_to(DEPLOY)))
def test_it_is_yaml_without_a_key_twice(path: Path) -> None:
    class Strict(yaml.SafeLoader):
        pass

    def once(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        assert len(names) == len(set(names)), f"{path}: {names}"
        return loader.construct_yaml_map(node)  # type: ignore[no-any-return]

    Strict.add_constructor("tag:yaml.org,2002:map", once)
    assert list(yaml.load_all(path.read_text(encoding="utf-8"), Strict))


def test_every_variable_is_one_that_the_code_reads() -> None:
    known = set(ServingSettings.variables())
    for path in [*YAML, DEPLOY / "Dockerfile"]:
        used = set(re.findall(r"RIPELINE_[A-Z_]+", path.read_text(encoding="utf-8")))
        assert used <= known, path


def series() -> set[str]:
    """The names of all series that a server can show, by its own exposition."""
    model = tiny_model()
    app = create_app(lambda: Scorer(model), troubles=lambda: {"model": "away"})
    app.state.metrics.registry.register(TrailSeries(AuditLog(Path("nowhere"))))
    text = TestClient(app).get("/metrics").text
    return {*re.findall(r"^# TYPE (\S+)", text, re.MULTILINE), *re.findall(r"^(\w+)[{ ]", text, re.MULTILINE)}


def asked(text: str) -> set[str]:
    return set(re.findall(r"\b(?:ripeline|process)_[a-z_]+", re.sub(r'"[^"]*"', "", text)))


def test_dashboard_and_alerts_ask_for_series_that_there_are() -> None:
    known = series() | {name + "_bucket" for name in series()}
    board = json.loads((DEPLOY / "grafana" / "ripeline.json").read_text())
    alerts = documents(DEPLOY / "prometheus" / "alerts.yml")[0]["groups"]
    asks = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asks += [rule["expr"] for group in alerts for rule in group["rules"]]
    asks += [one["query"] for one in board["templating"]["list"] if one["type"] == "query"]
    for text in asks:
        assert asked(text) or text.startswith("up{"), text  # `up` is Prometheus' own
        assert asked(text) <= known, text
        assert text.count("(") == text.count(")"), text
    told = {name for text in asks for name in asked(text)}
    wanted = "request_seconds_bucket scores_total leads_total drift feature_drift model_info requests_total trouble"
    assert {f"ripeline_{name}" for name in [*wanted.split(), "shadow_change_bucket"]} <= told


def test_the_dashboard_is_whole() -> None:
    board = json.loads((DEPLOY / "grafana" / "ripeline.json").read_text())
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in board["panels"]]
    assert len(places) == len(set(places))
    assert all(panel["title"] and panel["targets"] for panel in board["panels"])


def test_alerts_have_all_that_prometheus_wants() -> None:
    for group in documents(DEPLOY / "prometheus" / "alerts.yml")[0]["groups"]:
        for rule in group["rules"]:
            assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
            assert re.fullmatch(r"\d+[smh]", rule["for"])
            assert rule["labels"]["severity"] in ("warning", "critical")


def containers() -> list[dict[str, Any]]:
    return kubernetes()["Deployment/ripeline"]["spec"]["template"]["spec"]["containers"]  # type: ignore[no-any-return]


def test_the_pods_are_hardened_and_probed_where_the_server_answers() -> None:
    pod = kubernetes()["Deployment/ripeline"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    for one in containers():
        careful = one["securityContext"]
        assert (careful["readOnlyRootFilesystem"], careful["allowPrivilegeEscalation"]) == (True, False)
        assert careful["capabilities"] == {"drop": ["ALL"]}
        assert one["resources"]["limits"]["memory"]
        mounted = {mount["name"] for mount in one["volumeMounts"]}
        assert mounted <= {volume["name"] for volume in pod["volumes"]}
    server = containers()[0]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        path = server[probe]["httpGet"]["path"]
        assert call_of("GET", path) is not None
        assert required_scope("GET", path) is None, "kubelet has no key"
    assert server["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert server["ports"][0]["containerPort"] == PORT
    seconds = {one["name"]: float(one["value"]) for one in server["env"] if one["name"] in ("RIPELINE_DRAIN", "RIPELINE_STOP")}
    assert pod["terminationGracePeriodSeconds"] > sum(seconds.values())
    assert seconds["RIPELINE_DRAIN"] > server["readinessProbe"]["periodSeconds"] * server["readinessProbe"]["failureThreshold"]


def test_the_parts_of_the_cluster_mean_each_other() -> None:
    found = kubernetes()
    labels = found["Deployment/ripeline"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        found["Deployment/ripeline"]["spec"]["selector"]["matchLabels"],
        found["Service/ripeline"]["spec"]["selector"],
        found["PodDisruptionBudget/ripeline"]["spec"]["selector"]["matchLabels"],
        found["NetworkPolicy/ripeline"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector == labels for selector in selectors)
    target = found["HorizontalPodAutoscaler/ripeline"]["spec"]["scaleTargetRef"]
    assert f"{target['kind']}/{target['name']}" in found
    pod = found["Deployment/ripeline"]["spec"]["template"]["spec"]
    for volume in pod["volumes"]:
        if "secret" in volume:
            assert f"Secret/{volume['secret']['secretName']}" in found
        if "persistentVolumeClaim" in volume:
            assert f"PersistentVolumeClaim/{volume['persistentVolumeClaim']['claimName']}" in found
    for entry in containers()[0]["env"]:
        if "secretKeyRef" in entry.get("valueFrom", {}):
            wanted = entry["valueFrom"]["secretKeyRef"]
            assert wanted["key"] in found[f"Secret/{wanted['name']}"]["stringData"]
    assert found["Service/ripeline"]["spec"]["ports"][0]["targetPort"] == containers()[0]["ports"][0]["name"]
    assert found["PodDisruptionBudget/ripeline"]["spec"]["minAvailable"] < found["Deployment/ripeline"]["spec"]["replicas"]


def test_the_composed_services_mean_each_other() -> None:
    content = compose()
    services, volumes, networks = content["services"], content["volumes"], content["networks"]
    for name, one in services.items():
        assert set(one.get("depends_on", ())) <= services.keys(), name
        assert set(one.get("networks", ())) <= networks.keys(), name
        for volume in one.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in volumes or (DEPLOY / source).is_file(), volume
        for port in one.get("ports", ()):
            assert port.startswith("127.0.0.1:"), "nothing is published beyond this machine"
        if "build" in one:
            assert (DEPLOY / one["build"]["context"]).resolve() == ROOT
            assert one["build"]["target"] in [rest.split()[-1] for word, rest in dockerfile() if word == "FROM"]
            assert one["read_only"] is True
            assert one["cap_drop"] == ["ALL"]
    url = services["ripeline"]["environment"][STORE]
    assert url.startswith("postgresql+psycopg://")
    assert "@postgres:5432/" in url


def commands() -> list[list[str]]:
    """All commands of deploy/ that run our code."""
    found = [json.loads(rest) for word, rest in dockerfile() if word == "CMD"]
    found += [shlex.split(one["command"]) for one in compose()["services"].values() if isinstance(one.get("command"), str)]
    found += [one["args"] for one in containers() if "args" in one]
    return [words for words in found if words[:2] == ["python", "-m"] and "-c" not in words]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_option_is_one_that_the_command_has(words: list[str]) -> None:
    options = {word for word in words[3:] if word.startswith("--")} - {"--help"}
    begin = words[2:4] if words[2] == "training" and not words[3].startswith("-") else words[2:3]
    done = subprocess.run(
        [sys.executable, "-m", *begin, "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True, env={"COLUMNS": "200", "PATH": "/usr/bin:/bin", "TERM": "dumb"},
    )  # fmt: skip
    assert all(option in done.stdout for option in options), options
    for word in words:
        if word.endswith(".yaml"):
            assert (ROOT / word).is_file(), word


def test_the_image_holds_what_it_runs_and_runs_as_nobody_special() -> None:
    steps = dockerfile()
    for word, rest in steps:
        if word == "COPY" and not rest.startswith("--from"):
            assert (ROOT / rest.split()[0]).exists(), rest
    assert [rest for word, rest in steps if word == "USER"] == ["10001:10001"]
    last_stage = steps[max(i for i, (word, _) in enumerate(steps) if word == "FROM") :]
    assert {"HEALTHCHECK", "CMD", "STOPSIGNAL", "EXPOSE"} <= {word for word, _ in last_stage}
    assert dict(last_stage)["EXPOSE"] == str(PORT)
    assert all("--require-hashes" in rest for word, rest in steps if word == "RUN" and "pip install" in rest)
    text = (DEPLOY / "Dockerfile").read_text()
    assert "index" not in text, "where packages come from is for the builder to say"
    assert "COPY . " not in text
    ignored = (ROOT / ".dockerignore").read_text().split()
    copied = {rest.split()[0].split("/")[0] for word, rest in steps if word == "COPY" and not rest.startswith("--from")}
    assert ignored[0] == "*"
    assert copied <= {line[1:].split("/")[0] for line in ignored if line.startswith("!")}


def test_the_healthcheck_is_answered(tmp_path: Path) -> None:
    (check,) = [rest for word, rest in dockerfile() if word == "HEALTHCHECK"]
    words = json.loads(check.split("CMD", 1)[1])
    assert f"127.0.0.1:{PORT}/livez" in words[-1]
    compile(words[-1], "healthcheck", "exec")


def test_the_image_of_the_server_needs_no_training_code() -> None:
    """What `serve` copies is enough to start: imported where nothing else is."""
    modules = ", ".join(
        f"serving.{name}" for name in ("__main__", "api.app", "logs.audit_log", "access.api_keys", "schemas.score")
    )
    code = f"import sys; sys.modules['mlflow'] = sys.modules['training'] = None; import {modules}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
