"""Approval rule templates: what each new pull request of an associated repository gets as a rule."""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import dataclass, field

from local_aws.code import codecommit
from local_aws.code.callers import caller
from local_aws.code.paging import paged
from local_aws.code.pull_requests import approval_content
from local_aws.control.protocol import Data, Operation, Place, ServiceError

_DESCRIPTION_AT_MOST, _OF_REPOSITORY_AT_MOST = 1000, 25


@dataclass(slots=True)
class Template:
    """A template of one account and Region; ``repositories`` by name."""

    name: str
    content: str
    description: str
    user: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)
    repositories: list[str] = field(default_factory=list)

    def sha256(self) -> str:
        return hashlib.sha256(self.content.encode()).hexdigest()


_templates: dict[tuple[Place, str], Template] = {}


def operations() -> dict[str, Operation]:
    """Operations of templates."""
    codecommit.on_delete.append(lambda gone: _forget(gone.place, gone.name))
    return {
        "CreateApprovalRuleTemplate": _create,
        "GetApprovalRuleTemplate": lambda place, data: _shown(_find(place, data)),
        "DeleteApprovalRuleTemplate": _delete,
        "ListApprovalRuleTemplates": _list,
        "UpdateApprovalRuleTemplateContent": _update_content,
        "UpdateApprovalRuleTemplateDescription": _update_description,
        "UpdateApprovalRuleTemplateName": _update_name,
        "AssociateApprovalRuleTemplateWithRepository": _associate,
        "DisassociateApprovalRuleTemplateFromRepository": _disassociate,
        "ListAssociatedApprovalRuleTemplatesForRepository": _list_of_repository,
        "ListRepositoriesForApprovalRuleTemplate": _list_repositories,
    }


def of_repository(place: Place, repository: str) -> list[Template]:
    """The templates that a repository is associated with."""
    return [each for (where, _), each in _templates.items() if where == place and repository in each.repositories]


def _find(place: Place, data: Data, member: str = "approvalRuleTemplateName") -> Template:
    found = _templates.get((place, data[member]))
    if found is None:
        raise ServiceError("ApprovalRuleTemplateDoesNotExistException", f"{data[member]} does not exist")
    return found


def _create(place: Place, data: Data) -> Data:
    name, content = data["approvalRuleTemplateName"], data["approvalRuleTemplateContent"]
    if (place, name) in _templates:
        raise ServiceError("ApprovalRuleTemplateNameAlreadyExistsException", f"{name} exists")
    _check_content(content)
    description = data.get("approvalRuleTemplateDescription") or ""
    _check_description(description)
    _templates[place, name] = made = Template(name, content, description, caller())
    return _shown(made)


def _delete(place: Place, data: Data) -> Data:
    found = _find(place, data)
    if found.repositories:
        raise ServiceError("ApprovalRuleTemplateInUseException", f"{found.name} is associated with repositories")
    del _templates[place, found.name]
    return {"approvalRuleTemplateId": found.id}


def _list(place: Place, data: Data) -> Data:
    return paged("approvalRuleTemplateNames", [name for where, name in _templates if where == place], data)


def _update_content(place: Place, data: Data) -> Data:
    found = _find(place, data)
    if data.get("existingRuleContentSha256") not in (None, found.sha256()):
        raise ServiceError("InvalidRuleContentSha256Exception", "the content is another one")
    _check_content(data["newRuleContent"])
    found.content = data["newRuleContent"]
    return _changed(found)


def _update_description(place: Place, data: Data) -> Data:
    found = _find(place, data)
    _check_description(data["approvalRuleTemplateDescription"])
    found.description = data["approvalRuleTemplateDescription"]
    return _changed(found)


def _update_name(place: Place, data: Data) -> Data:
    found, name = _find(place, data, "oldApprovalRuleTemplateName"), data["newApprovalRuleTemplateName"]
    if (place, name) in _templates:
        raise ServiceError("ApprovalRuleTemplateNameAlreadyExistsException", f"{name} exists")
    _templates[place, name] = _templates.pop((place, found.name))
    found.name = name
    return _changed(found)


def _associate(place: Place, data: Data) -> Data:
    found, repository = _find(place, data), codecommit.find(place, data["repositoryName"])
    if repository.name in found.repositories:
        return {}
    if len(of_repository(place, repository.name)) >= _OF_REPOSITORY_AT_MOST:
        code = "MaximumRuleTemplatesAssociatedWithRepositoryException"
        raise ServiceError(code, f"a repository has at most {_OF_REPOSITORY_AT_MOST} templates")
    found.repositories.append(repository.name)
    return {}


def _disassociate(place: Place, data: Data) -> Data:
    found, repository = _find(place, data), codecommit.find(place, data["repositoryName"])
    if repository.name in found.repositories:
        found.repositories.remove(repository.name)
    return {}


def _list_of_repository(place: Place, data: Data) -> Data:
    repository = codecommit.find(place, data["repositoryName"])
    return paged("approvalRuleTemplateNames", [each.name for each in of_repository(place, repository.name)], data)


def _list_repositories(place: Place, data: Data) -> Data:
    return paged("repositoryNames", list(_find(place, data).repositories), data)


def _forget(place: Place, repository: str) -> None:
    for template in of_repository(place, repository):
        template.repositories.remove(repository)


def _check_content(content: str) -> None:
    try:
        approval_content.parse(content)
    except ValueError as error:
        raise ServiceError("InvalidApprovalRuleTemplateContentException", str(error)) from None


def _check_description(description: str) -> None:
    if len(description) > _DESCRIPTION_AT_MOST:
        code = "InvalidApprovalRuleTemplateDescriptionException"
        raise ServiceError(code, f"a description has at most {_DESCRIPTION_AT_MOST} characters")


def _changed(template: Template) -> Data:
    template.modified, template.user = time.time(), caller()
    return _shown(template)


def _shown(template: Template) -> Data:
    return {
        "approvalRuleTemplate": {
            "approvalRuleTemplateId": template.id,
            "approvalRuleTemplateName": template.name,
            "approvalRuleTemplateDescription": template.description,
            "approvalRuleTemplateContent": template.content,
            "ruleContentSha256": template.sha256(),
            "lastModifiedDate": template.modified,
            "creationDate": template.created,
            "lastModifiedUser": template.user,
        }
    }
