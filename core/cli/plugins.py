"""`crosshook plugins list | show | check`: what is installed, its options, whether it conforms."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, cast

import click

from crosshook.core.cli.completion import check_names, component_names
from crosshook.core.interfaces import INTERFACES
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crosshook.core.registry import Registered, Registry
    from crosshook.core.testkit.finding import Outcome

INTERFACE = click.option(
    "--interface",
    type=click.Choice(list(INTERFACES)),
    metavar="NAME",
    help="Only components of this interface.",
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command("list")
@INTERFACE
@AS_JSON
def list_plugins(interface: str | None, as_json: bool) -> None:
    """List plugins and the components they offer."""
    registry = default_registry()
    if as_json:
        document = {
            "plugins": [
                {
                    "name": p.name,
                    "target": p.target,
                    "distribution": p.distribution,
                    "version": p.version,
                    "status": p.status,
                }
                for p in registry.plugins
            ],
            "components": [describe(r) for r in registry.components(interface)],
        }
        click.echo(json.dumps(document, indent=1))
        return
    for line in _listing(registry, interface):
        click.echo(line)


def describe(registered: Registered) -> dict[str, object]:
    """A component as JSON shows it."""
    component = registered.component
    able = component.capabilities
    return {
        "interface": registered.interface.name,
        "name": component.name,
        "summary": component.summary,
        "plugin": registered.plugin,
        "distribution": registered.distribution,
        "version": registered.version,
        "api": component.api,
        "status": registered.status,
        "devices": list(able.devices),
        "capabilities": abilities(registered),
        "target": component.target,
    }


def abilities(registered: Registered) -> list[str]:
    """Names of the capabilities a component declares."""
    able = registered.component.capabilities
    return [field.name for field in fields(able) if getattr(able, field.name) is True]


def _listing(registry: Registry, interface: str | None) -> Iterable[str]:
    found = registry.components(interface)
    width = max((len(r.component.name) for r in found), default=0)
    home = max((len(r.distribution) for r in found), default=0)
    for kind in INTERFACES.values():
        if interface is not None and kind.name != interface:
            continue
        yield f"{kind.name}: {kind.summary}"
        own = [r for r in found if r.interface.name == kind.name]
        names = [r.component.name for r in own]
        for r in own:
            name = r.component.name
            clash = names.count(name) > 1
            note = f" [write {r.plugin}/{name}: the name is taken twice]" if clash else ""
            note += f" [{r.status}]" if r.status != "ok" else ""
            yield f"  {name:{width}}  {r.distribution:{home}}  {r.component.summary}{note}"
        if not own:
            yield "  none"
    broken = [p for p in registry.plugins if p.module is None]
    if broken:
        yield ""
        yield "broken plugins:"
    for p in broken:
        yield f"  {p.name} ({p.distribution} {p.version}): {p.status}"


@click.command("show")
@click.argument("name", shell_complete=component_names())
@INTERFACE
@AS_JSON
def show(name: str, interface: str | None, as_json: bool) -> None:
    """Show one component: where it is from, what it can do, its options."""
    from crosshook.core.options import load_schema

    registered = default_registry().find(name, interface)
    schema = load_schema(registered.component.schema)
    if as_json:
        click.echo(json.dumps({**describe(registered), "options": schema}, indent=1))
        return
    component = registered.component
    click.echo(f"{registered.interface.name} {component.name}: {component.summary}")
    click.echo(f"  from          {registered.distribution} {registered.version}")
    click.echo(f"  plugin        {registered.plugin}")
    click.echo(f"  status        {registered.status}")
    click.echo(f"  devices       {', '.join(component.capabilities.devices)}")
    click.echo(f"  capabilities  {', '.join(abilities(registered)) or 'none'}")
    properties = cast("Mapping[str, Mapping[str, object]]", schema.get("properties", {}))
    if not properties:
        click.echo("  options       none")
        return
    click.echo("  options")
    for key, rule in properties.items():
        default = json.dumps(rule["default"]) if "default" in rule else "required"
        click.echo(f"    {key}: {allowed(rule)}; default {default}")
        if "description" in rule:
            text = click.wrap_text(str(rule["description"]), 90, " " * 8, " " * 8)
            click.echo(text)


def allowed(rule: Mapping[str, object]) -> str:
    """Type and range of an option in words, from its JSON Schema."""
    if "enum" in rule:
        return "one of " + ", ".join(str(v) for v in cast("list[object]", rule["enum"]))
    kind = rule.get("type", "any")
    text = " or ".join(str(k) for k in kind) if isinstance(kind, list) else str(kind)
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {rule[key]}" for key, sign in signs.items() if key in rule]
    return f"{text} {' and '.join(limits)}" if limits else text


@click.command("check")
@click.argument("name", shell_complete=component_names())
@INTERFACE
@click.option("--device", default="cpu", show_default=True, help="Where to run, e.g. cuda.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the component, its value in JSON; may be repeated.",
)
@AS_JSON
@click.pass_context
def check(
    ctx: click.Context,
    name: str,
    interface: str | None,
    device: str,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run the conformance kit on a component; the exit code is 1 if it fails."""
    from crosshook.core.registry import load_target
    from crosshook.core.results import as_json as as_json_values
    from crosshook.core.testkit import examine, subject_of

    registry = default_registry()
    registered = registry.find(name, interface)
    # What cannot be imported is told once, not by every check.
    load_target(registered.component.target, f"{registered.interface.name} {name!r}")
    subject = subject_of(
        registered, registry, device=device, options=dict(map(_setting, settings))
    )
    outcomes: list[Outcome] = []
    for outcome in examine(subject):
        if not as_json:
            _print(outcome, outcomes)
        outcomes.append(outcome)
    failed = sum(o.status == "failed" for o in outcomes)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "component": describe(registered),
                    "device": device,
                    "passed": failed == 0,
                    "checks": as_json_values(outcomes),
                },
                indent=1,
                allow_nan=False,
            )
        )
    else:
        skipped = sum(o.status == "skipped" for o in outcomes)
        held = len(outcomes) - failed - skipped
        click.echo(f"{held} checks hold, {failed} fail, {skipped} skipped")
    ctx.exit(1 if failed else 0)


def _setting(text: str) -> tuple[str, object]:
    key, sign, value = text.partition("=")
    if not sign:
        message = f"{text!r} is not KEY=VALUE"
        raise click.BadParameter(message, param_hint="--set")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _print(outcome: Outcome, before: list[Outcome]) -> None:
    note = f" ({outcome.reason})" if outcome.reason else ""
    colour = {"passed": "green", "failed": "red", "skipped": "yellow"}[outcome.status]
    click.echo(f"{click.style(f'{outcome.status:7}', fg=colour)} {outcome.check}{note}")
    said = {(f.message, f.smallest): o.check for o in reversed(before) for f in o.findings}
    same = [said.get((f.message, f.smallest)) for f in outcome.findings]
    if same and all(same):
        # What fails before any input is looked at fails everywhere.
        first = dict.fromkeys(filter(None, same))
        click.echo(f"        found: the same as in {', '.join(first)}")
        return
    if outcome.findings:
        click.echo(f"        law:   {outcome.law}")
    for finding in outcome.findings:
        click.echo(f"        found: {finding.message}")
        for line in finding.lines():
            click.echo(f"        {line}")
    if outcome.findings:
        home, _, name = outcome.anchor.partition("-")
        where = "" if home == "every" else f" --interface {home}"
        click.echo(f"        more:  crosshook plugins explain {name}{where}")


@click.command("explain")
@click.argument("check", shell_complete=check_names)
@INTERFACE
def explain_check(check: str, interface: str | None) -> None:
    """Explain a check of the conformance kit: its law, what it catches, how to find the mistake."""
    from crosshook.core.testkit.explain import explain

    texts = [found.text() for found in explain(check, interface)]
    wrapped = (click.wrap_text(text, 90, preserve_paragraphs=True) for text in texts)
    click.echo("\n\n\n".join(wrapped))
