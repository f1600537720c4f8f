"""The manifests for Kubernetes: rendered, valid, and in agreement with the service, the image and themselves."""

import re
import shutil
import subprocess
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.api.routes import health
from app.core.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "kubernetes"
VERSION = "1.31"
"""Of Kubernetes; what is used here has been the same for years."""
AT_REST = 0.4e9
BYTES_OF_A_PIXEL = 4
"""As docs/operations.md has them, under Sizing."""
overlays = pytest.mark.parametrize("overlay", ["cpu", "gpu"])
Manifest = dict[str, Any]


@cache
def rendered(overlay: str) -> dict[str, Manifest]:
    """By kind; skips the test where there is no kubectl."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("there is no kubectl on this machine")
    result = subprocess.run([kubectl, "kustomize", DEPLOY / overlay], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return {manifest["kind"]: manifest for manifest in yaml.safe_load_all(result.stdout)}


def pod(overlay: str) -> Manifest:
    spec: Manifest = rendered(overlay)["Deployment"]["spec"]["template"]["spec"]
    return spec


def container(overlay: str) -> Manifest:
    (only,) = pod(overlay)["containers"]
    return dict(only)


def told(overlay: str) -> dict[str, str]:
    """Settings by name."""
    data: dict[str, str] = rendered(overlay)["ConfigMap"]["data"]
    assert all(name.startswith(PREFIX) for name in data)
    return {name.removeprefix(PREFIX).lower(): value for name, value in data.items()}


@overlays
def test_every_manifest_is_valid(overlay: str) -> None:
    for manifest in rendered(overlay).values():
        kubernetes_validate.validate(manifest, VERSION, strict=True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.template.spec.terminationGracePeriod", 40),
        ("spec.template.spec.containers.0.readinessProbe.periodSeconds", "often"),
        ("spec.strategy.type", ["RollingUpdate"]),
    ],
)
def test_a_wrong_field_would_be_noticed(path: str, value: object) -> None:
    manifest: Any = deepcopy(rendered("cpu")["Deployment"])
    *parents, last = path.split(".")
    place = manifest
    for name in parents:
        place = place[int(name) if name.isdigit() else name]
    place[last] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, VERSION, strict=True)


@overlays
def test_settings_are_settings_of_the_service(overlay: str) -> None:
    settings = Settings.model_validate(told(overlay))
    assert settings.device == ("gpu" if overlay == "gpu" else "auto")
    assert settings.drain_seconds + settings.shutdown_seconds < pod(overlay)["terminationGracePeriodSeconds"]


@overlays
def test_the_services_name_makes_no_settings(overlay: str) -> None:
    """Kubernetes gives every pod variables of every Service: of one named segserve, such as SEGSERVE_PORT."""
    assert rendered(overlay)["Service"]["metadata"]["name"] == "segserve"
    assert pod(overlay)["enableServiceLinks"] is False


@overlays
def test_probes_ask_what_the_service_answers_where_it_listens(overlay: str) -> None:
    probes = {name: container(overlay)[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    paths = {name: probe["path"] for name, probe in probes.items()}
    assert paths == {"startup": "/health/ready", "readiness": "/health/ready", "liveness": "/health/live"}
    assert set(paths.values()) == {route.path for route in health.router.routes}  # type: ignore[attr-defined]
    (port,) = container(overlay)["ports"]
    assert port["containerPort"] == Settings.model_fields["port"].default
    policy = rendered(overlay)["NetworkPolicy"]["spec"]["ingress"][0]["ports"]
    exposed = [each["targetPort"] for each in rendered(overlay)["Service"]["spec"]["ports"]]
    asked = [probe["port"] for probe in probes.values()]
    assert {*asked, *exposed, *(each["port"] for each in policy)} == {port["name"]}


@overlays
def test_nobody_in_particular_without_rights(overlay: str) -> None:
    (user,) = re.findall(r"^USER (\d+):0$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert int(user) > 0  # a number: Kubernetes cannot tell whether a name is root's
    assert "runAsUser" not in pod(overlay)["securityContext"]
    assert pod(overlay)["securityContext"]["runAsNonRoot"] is True
    assert pod(overlay)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(overlay)["automountServiceAccountToken"] is False
    for each in (*pod(overlay)["containers"], *pod(overlay)["initContainers"]):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@overlays
def test_memory_is_enough_for_all_that_is_let_in(overlay: str) -> None:
    settings = Settings.model_validate(told(overlay))
    most = AT_REST + settings.max_queue * settings.max_bytes + settings.max_queue_pixels * BYTES_OF_A_PIXEL
    limits = container(overlay)["resources"]["limits"]
    assert int(limits["memory"].removesuffix("Gi")) * 2**30 >= most
    assert container(overlay)["resources"]["requests"]["cpu"] == limits["cpu"]
    assert ("nvidia.com/gpu" in limits) == (overlay == "gpu")


@overlays
def test_policies_are_about_the_pods(overlay: str) -> None:
    kinds = rendered(overlay)
    deployment = kinds["Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        kinds["Service"]["spec"]["selector"],
        kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        *(spread["labelSelector"]["matchLabels"] for spread in pod(overlay)["topologySpreadConstraints"]),
    ]
    assert all(selector == labels for selector in selectors)
    assert kinds["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@overlays
def test_the_store_is_a_volume_that_the_service_only_reads(overlay: str) -> None:
    (folder,) = re.findall(r"SEGSERVE_MODEL_STORE=(\S+)", (ROOT / "Dockerfile").read_text())
    mounts = {mount["name"]: mount for mount in container(overlay)["volumeMounts"]}
    assert mounts["models"] == {"name": "models", "mountPath": folder, "readOnly": True}
    volumes = {volume["name"]: volume for volume in pod(overlay)["volumes"]}
    claim = rendered(overlay)["PersistentVolumeClaim"]["metadata"]["name"]
    assert volumes["models"]["persistentVolumeClaim"] == {"claimName": claim}
    assert volumes["tmp"]["emptyDir"].keys() == {"sizeLimit"}


def test_an_empty_store_is_filled_once(tmp_path: Path) -> None:
    (filler,) = pod("cpu")["initContainers"]
    assert filler["image"] == container("cpu")["image"]
    *shell, script = filler["command"]
    shipped = ROOT / "model_store"
    script = script.replace("/opt/segserve/model_store", str(shipped)).replace("/store/", f"{tmp_path}/")
    for _ in range(2):
        subprocess.run([*shell, script], check=True, env={"HOSTNAME": "segserve-1"})
    assert [path.name for path in tmp_path.iterdir()] == ["pets"]
    copied, wanted = ({path.relative_to(root) for path in root.glob("pets/**/*")} for root in (tmp_path, shipped))
    assert copied == wanted
