"""What is installed behind each hook, and the laws its components are held to."""

from __future__ import annotations

from docstrings import escaped
from option_tables import option_table

from crosshook.core.cli.plugins import abilities
from crosshook.core.interfaces import INTERFACES
from crosshook.core.registry import default_registry
from crosshook.core.testkit import checks_for
from crosshook.core.testkit.explain import explanations, page

OWN = "crosshook"


def hook_table() -> str:
    """Every hook with what it is for and which components crosshook brings."""
    rows = ["| hook | what its components do | built in |", "|---|---|---|"]
    for kind in INTERFACES.values():
        names = ", ".join(f"`{r.component.name}`" for r in _own(kind.name)) or "none yet"
        page = f"{kind.name.replace('_', '-')}.md"
        rows.append(f"| [`{kind.hook}`]({page}) | {escaped(kind.summary)} | {names} |")
    return "\n".join(rows)


def components(interface: str) -> str:
    """The built-in components of an interface with their options."""
    parts = []
    for registered in _own(interface):
        component = registered.component
        able = ", ".join(abilities(registered)).replace("_", "-") or "none"
        devices = ", ".join(component.capabilities.devices)
        parts += [
            f"### {component.name} {{#component-{component.name}}}",
            f"{escaped(component.summary)}; devices: {devices}; capabilities: {able}.",
            option_table(interface, component.name),
        ]
    return "\n\n".join(parts)


def checks(interface: str) -> str:
    """The conformance checks of an interface with their laws."""
    rows = ["| check | law |", "|---|---|"]
    for check in checks_for(interface):
        link = f"[`{check.name}`](../conformance.md#{check.anchor})"
        rows.append(f"| {link} | {escaped(' '.join(check.law.split()))} |")
    return "\n".join(rows)


def conformance() -> str:
    """The page of all checks: each section begins with the law as the code states it."""
    text = page()
    for each in explanations():
        parts = [f"**Law.** {escaped(' '.join(each.law.split()))}"]
        parts += [f"**Smallest.** {each.whole}"] if each.whole else []
        title = f"### {each.check} {{#{each.anchor}}}"
        text = text.replace(title, "\n\n".join([title, *parts]))
    return text.strip()


def _own(interface: str) -> list:  # type: ignore[type-arg]
    return [r for r in default_registry().components(interface) if r.distribution == OWN]
