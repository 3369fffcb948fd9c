"""What a release looks up before it changes anything, with the state machine, functions, layer and roles that ship."""

from __future__ import annotations

import json
import uuid

from ecs_gitops.aws import Aws
from integration.live_services import composite_alarm, quiet_alarm, result
from local_aws.samples import wait_until_steady
from local_aws.stores.push import image_uri, push_image, push_index
from playground.stack import CLUSTER


def test_images_are_looked_up_in_ecr_and_a_moved_tag_is_a_change(aws, run, service):
    name = f"img-{uuid.uuid4().hex[:8]}"
    image = image_uri(f"{name}:2")
    item = service(image)
    absent = run({"services": [item]})
    assert f"there is no repository {name}" in result(absent, item)
    push_image(aws, image, "one")
    assert run({"services": [item]}).items[item["serviceName"]]["status"] == "DEPLOYED"
    assert run({"services": [item]}).items[item["serviceName"]]["status"] == "UNCHANGED"
    digest = push_image(aws, image, "two")
    moved = run({"services": [item]}).items[item["serviceName"]]
    assert (moved["status"], moved["reason"]) == ("DEPLOYED", "the tag of app names another image now")
    pinned = run({"services": [item | {"pinDigest": True}]}).items[item["serviceName"]]
    assert pinned["status"] == "DEPLOYED"
    definition = aws.client("ecs").describe_task_definition(taskDefinition=f"{item['serviceName']}:4")
    assert definition["taskDefinition"]["containerDefinitions"][0]["image"] == image_uri(f"{name}@{digest}")


def test_the_digest_of_an_image_for_several_platforms_is_its_index(aws):
    name = f"img-{uuid.uuid4().hex[:8]}"
    index, platforms = push_index(aws, image_uri(f"{name}:1"), "amd64", "arm64")
    assert index not in platforms
    reads = Aws(lambda service, region=None: aws.client(service))
    assert reads.image_digests("111111111111", "us-west-2", name, ["1"]) == {"1": index}


def test_a_moved_tag_is_seen_in_what_ecs_resolved_where_no_release_noted_it(aws, run, service):
    # GIVEN a service that somebody else deployed from a tag in ECR
    name = f"img-{uuid.uuid4().hex[:8]}"
    image = image_uri(f"{name}:1")
    push_image(aws, image, "one")
    item = service(image)
    ecs = aws.client("ecs")
    ecs.register_task_definition(
        family=item["serviceName"], containerDefinitions=[{"name": "app", "image": image, "memory": 64}]
    )
    ecs.update_service(cluster=CLUSTER, service=item["serviceName"], taskDefinition=item["serviceName"])
    wait_until_steady(aws, CLUSTER, (item["serviceName"],))
    assert run({"services": [item]}).items[item["serviceName"]]["status"] == "UNCHANGED"
    push_image(aws, image, "two")
    assert run({"services": [item]}).items[item["serviceName"]]["status"] == "DEPLOYED"


def test_secrets_parameters_alarms_and_roles_are_found_or_missed_before_anything_changes(aws, run, service):
    item = service(deployment={"alarms": {"enable": True, "rollback": True, "alarmNames": ["nowhere"]}})
    ecs = aws.client("ecs")
    role, trust = f"somebody-elses-{item['serviceName']}", {"Service": "ecs-tasks.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": trust, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=policy)
    missing = "arn:aws:secretsmanager:us-west-2:111111111111:secret:nowhere-AbCdEf"
    ecs.register_task_definition(
        family=item["serviceName"],
        taskRoleArn=f"arn:aws:iam::111111111111:role/{role}",
        containerDefinitions=[
            {
                "name": "app",
                "image": "app:1",
                "memory": 64,
                "secrets": [{"name": "A", "valueFrom": missing}, {"name": "B", "valueFrom": "/nowhere"}],
            }
        ],
    )
    # Its tasks cannot start, as on AWS: that is what the check is there to say before.
    ecs.update_service(cluster=CLUSTER, service=item["serviceName"], taskDefinition=item["serviceName"])
    done = run({"services": [item]})
    assert done.error == "CheckFailed"
    line = result(done, item)
    for told in (
        f"secret {missing} does not exist",
        "parameter /nowhere does not exist",
        "alarm nowhere does not exist",
        f"may not pass role arn:aws:iam::111111111111:role/{role} to ecs-tasks.amazonaws.com",
    ):
        assert told in line
    # AND with what is there, it is deployed
    aws.client("ssm").put_parameter(Name="/shop/there", Value="x", Type="SecureString")
    there = aws.client("secretsmanager").create_secret(
        Name=f"there-{uuid.uuid4().hex[:6]}", SecretString='{"key": "x"}'
    )["ARN"]
    alarms = {"enable": True, "rollback": True, "alarmNames": [quiet_alarm(aws), composite_alarm(aws)]}
    good = service(deployment={"alarms": alarms})
    ecs.register_task_definition(
        family=good["serviceName"],
        containerDefinitions=[
            {
                "name": "app",
                "image": "app:1",
                "memory": 64,
                "secrets": [{"name": "A", "valueFrom": f"{there}:key::"}, {"name": "B", "valueFrom": "/shop/there"}],
            }
        ],
    )
    ecs.update_service(cluster=CLUSTER, service=good["serviceName"], taskDefinition=good["serviceName"])
    wait_until_steady(aws, CLUSTER, (good["serviceName"],))
    found = run({"services": [good]}).items[good["serviceName"]]
    assert (found["status"], found["checks"]["secrets"]) == ("DEPLOYED", "NOT_CHECKED")
    assert [text for text in found["warnings"] if "JSON keys" in text]
