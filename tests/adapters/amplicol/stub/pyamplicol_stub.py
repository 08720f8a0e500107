"""Stands for `python -m pyamplicol generate --card CARD`: writes what crosshook reads of its output.

Every call adds a line to `calls` beside the interpreter it stands for.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

PDG = {"g": 21, "t": 6, "t~": -6}
PDG |= {name: number for number, name in enumerate("dusc", start=1)} | {"b": 5}
PDG |= {f"{name}~": -PDG[name] for name in "duscb"}
WORDS = {"g g": [[3, 1, 2, 4], [3, 2, 1, 4]], "q q~": [[2, 4, 3, 1]]}


def main(card: Path) -> int:
    """Generates the processes of a card."""
    here = Path(sys.argv[0])
    with (here.parent / "calls").open("a") as file:
        file.write(f"{card}\n")
    given = tomllib.loads(card.read_text())
    if (here.parent / "busy").exists():
        (here.parent / "busy").unlink()
        print("Cannot start: this user's thread allowance is in use.")
        return 134
    if (here.parent / "broken").exists():
        print("ERROR: no such model\nleaving")
        return 1
    output = Path(given["generation"]["output"])
    contracted = given["color"]["accuracy"] == "full"
    for entry in given["process"]["entries"]:
        folder = output / "processes" / entry["name"]
        folder.mkdir(parents=True)
        legs = entry["expression"].replace(">", " ").split()
        words = WORDS["g g" if legs[0] == "g" else "q q~"]
        components = [{"kind": "lc-flow", "word": word} for word in words]
        if contracted:
            components = [{"kind": "contracted-color"}]
        physics = {
            "external_particles": [{"pdg": PDG[leg]} for leg in legs],
            "color_components": components,
            "extensions": {"normalization": {"qcd_coupling_power": len(legs) - 2}},
        }
        (folder / "physics.json").write_text(json.dumps(physics))
    (output / "model").mkdir()
    values = {"alpha_ew": 0.0075, "alpha_s": 0.118, "mass_6": 173.0, "width_6": 1.4915}
    parameters = {name: [value, 0.0] for name, value in values.items()}
    (output / "model" / "parameters.json").write_text(json.dumps({"parameters": parameters}))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[sys.argv.index("--card") + 1])))
