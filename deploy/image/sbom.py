"""A software bill of materials (CycloneDX 1.6, JSON) of the packages that `contents.py` tells of on standard input."""

import json
import sys

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL


def main() -> None:
    """Writes it to standard output; exit code 1 where it would not be valid."""
    found = json.load(sys.stdin)
    bom = Bom()
    image = bom.metadata.component = Component(name="segserve", type=ComponentType.CONTAINER)
    for name, version, architecture in found["debian"]:
        url = PackageURL("deb", "debian", name, version, {"arch": architecture})
        bom.components.add(Component(name=name, version=version, purl=url))
    for name, version in found["python"]:
        url = PackageURL("pypi", None, name.lower().replace("_", "-"), version)
        bom.components.add(Component(name=name, version=version, purl=url))
    bom.register_dependency(image, bom.components)
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    if (problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)) is not None:
        sys.exit(f"not valid: {problem}")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
