"""The inputs of the Terraform module for what was imported, as HCL. Pure.

Names are those of ``terraform/variables*.tf``. What is narrower than the module's defaults is written, as far as the
deploy role's policy has room for it (``modules/deploy_role/README.md``, Size).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from ecs_gitops.desired.imported_values import ImportedItem
from ecs_gitops.ecs.arns import Place, is_service_linked
from ecs_gitops.ecs.ecr import ecr_image
from ecs_gitops.ecs.task_definition import role_arns
from ecs_gitops.model.identity import DEFAULT_BUS, family

# Names of one kind in the policy, which takes 10,240 characters in all: up to 450 for each of them.
_NAMES_AT_MOST = 8
# ARNs of roles, or of repositories.
_ARNS_AT_MOST = 40
_TOO_MANY = "too many for the policy of the deploy role, so all are allowed; name them by a common prefix where you can"


def hcl(items: Sequence[ImportedItem], home: str) -> str:
    """The module's inputs. ``home`` is the Region in which the module is applied."""
    blocks = [
        _names("cluster_names", (name for item in items for name in item.clusters)),
        _arns("pass_role_arns", (role for item in items for role in _roles(item)), "pass_role_arns takes `*` in names"),
        _names("task_definition_families", (_family(each) for item in items for each in item.definitions)),
        _names("rule_names", (item.values["cwRuleName"] for item in items if "cwRuleName" in item.values)),
        _names("event_bus_names", (str(bus) for item in items if (bus := _bus(item)) != DEFAULT_BUS)),
        _names("schedule_names", (item.values["scheduleName"] for item in items if "scheduleName" in item.values)),
        _repositories(items),
        _regions(items, home),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _family(definition: dict[str, object]) -> str:
    return str(definition.get("family") or family(str(definition["taskDefinitionArn"])))


def _bus(item: ImportedItem) -> str:
    return str(item.values.get("eventBusName", DEFAULT_BUS))


def _roles(item: ImportedItem) -> Iterable[str]:
    place = Place(item.place[0], item.place[2], item.place[1])
    roles = [*item.roles, *(role for definition in item.definitions for role in role_arns(definition))]
    return (role for role in map(place.role, roles) if not is_service_linked(role))


def _names(variable: str, names: Iterable[str]) -> str:
    """A set of names; of prefixes where there are many; a comment where there are too many prefixes too."""
    found = sorted(set(names))
    if not found:
        return ""
    if len(found) <= _NAMES_AT_MOST:
        return _assigned(variable, found)
    prefixes = sorted({f"{name.partition('-')[0]}-*" if "-" in name else name for name in found})
    if len(prefixes) <= _NAMES_AT_MOST:
        return f"# {len(found)} names, by their prefixes.\n{_assigned(variable, prefixes)}"
    return f"# {variable}: {len(found)} names, {_TOO_MANY}."


def _arns(variable: str, arns: Iterable[str], hint: str) -> str:
    """A set of ARNs, which is needed also when it is empty or long."""
    found = sorted(set(arns))
    note = f"# {len(found)} ARNs may be too long for the deploy role's policy; {hint}.\n"
    return (note if len(found) > _ARNS_AT_MOST else "") + _assigned(variable, found)


def _repositories(items: Iterable[ImportedItem]) -> str:
    found: set[tuple[str, str]] = set()
    for item in items:
        images = filter(None, map(ecr_image, item.images.values()))
        found |= {
            (f"arn:{item.place[0]}:ecr:{each.region}:{each.account}:repository", each.repository) for each in images
        }
    if not found:
        return ""
    variable, arns = "ecr_repository_arns", sorted({f"{registry}/{name}" for registry, name in found})
    if len(arns) <= _ARNS_AT_MOST:
        return _assigned(variable, arns)
    registries = sorted({f"{registry}/*" for registry, _ in found})
    return f"# {len(arns)} repositories, by their registries.\n{_assigned(variable, registries)}"


def _regions(items: Iterable[ImportedItem], home: str) -> str:
    regions = sorted({item.place[2] for item in items})
    return _assigned("deploy_regions", regions) if regions and regions != [home] else ""


def _assigned(variable: str, values: Sequence[str]) -> str:
    if len(values) < 2:
        return f"{variable} = [{''.join(map(_quoted, values))}]"
    return "\n".join([f"{variable} = [", *(f"  {_quoted(value)}," for value in values), "]"])


def _quoted(text: str) -> str:
    """A string of HCL, in which nothing is filled in."""
    return json.dumps(text).replace("${", "$${").replace("%{", "%%{")
