mock_provider "aws" {
  source = "../tests/terraform/mocks"
}

variables {
  # Any file does: it is hashed, and sent nowhere.
  layer_zip      = "versions.tf"
  pass_role_arns = ["arn:aws:iam::111111111111:role/ecsTaskExecutionRole"]
}

run "gives_out_what_people_need" {
  assert {
    condition = (
      output.clone_url_grc == "codecommit::eu-central-1://ecs-gitops-config"
      && output.console_url == "https://eu-central-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/ecs-gitops/view?region=eu-central-1"
      && output.pipeline_name == "ecs-gitops"
      && output.artifact_bucket_name != ""
      && output.ledger_bucket_name != ""
      && output.state_machine_name == "ecs-gitops"
      && output.function_names["validate_deploy"] == "ecs-gitops-validate-deploy"
      && keys(output.function_role_arns) == ["deploy_ecs", "deploy_task", "init_config", "validate_deploy"]
      && length(output.deploying_role_arns) == 3
    )
    error_message = "${output.clone_url_grc} ${output.console_url}"
  }
}

# What is known of a second plan that changes the deploy role: were the pipeline's data sources put off until the apply,
# every role with the Region in its name would be replaced.
run "a_wider_deploy_role_leaves_the_pipeline_alone" {
  command = plan

  variables {
    pass_role_arns = ["arn:aws:iam::111111111111:role/ecsTaskExecutionRole", "arn:aws:iam::111111111111:role/new"]
  }

  assert {
    condition     = strcontains(output.console_url, "eu-central-1")
    error_message = "The Region is not known at plan."
  }
}

run "takes_the_roles_of_other_accounts" {
  variables {
    target_role_arns = { "222222222222" = "arn:aws:iam::222222222222:role/ecs-gitops-deploy" }
  }

  assert {
    condition     = output.deploy_role_arn == "arn:aws:iam::111111111111:role/ecs-gitops-deploy-eu-central-1"
    error_message = output.deploy_role_arn
  }
}

run "takes_two_hundred_accounts" {
  command = plan

  variables {
    target_role_arns = { for n in range(200) : format("2%011d", n) => format("arn:aws:iam::2%011d:role/ecs-gitops-deploy", n) }
  }

  assert {
    condition     = output.parameter_name == "/ecs-gitops/ecs-gitops"
    error_message = output.parameter_name
  }
}

run "refuses_a_role_for_its_own_account" {
  command = plan

  variables {
    target_role_arns = { "111111111111" = "arn:aws:iam::111111111111:role/other" }
  }

  expect_failures = [var.target_role_arns]
}

run "refuses_values_that_are_none" {
  command = plan

  variables {
    name                     = "ECS"
    repository_name          = "a b"
    branch                   = "refs heads main"
    manifest_path            = "deployment.json"
    pipeline_execution_mode  = "ANY"
    build_compute            = "FARGATE"
    notification_emails      = ["team"]
    notify                   = "never"
    deploy_regions           = ["Frankfurt"]
    architecture             = "arm"
    max_concurrency          = 0
    log_level                = "TRACE"
    log_retention_days       = 2
    artifact_expiration_days = 366
    release_retention_days   = 29
    permissions_boundary_arn = "boundary"
    pass_role_arns           = ["*"]
    schedule_names           = ["jobs/nightly"]
    ecr_repository_arns      = ["shop/*"]
  }

  expect_failures = [
    var.name, var.repository_name, var.branch, var.manifest_path, var.pipeline_execution_mode, var.build_compute,
    var.notification_emails, var.notify, var.deploy_regions, var.architecture, var.max_concurrency, var.log_level,
    var.log_retention_days, var.artifact_expiration_days, var.release_retention_days, var.permissions_boundary_arn, var.pass_role_arns,
    var.schedule_names, var.ecr_repository_arns,
  ]
}

run "refuses_what_aws_would_refuse_in_the_middle_of_an_apply" {
  command = plan

  variables {
    manifest_path = "${join("/", [for n in range(60) : "abc"])}.yaml"
    tags          = { for n in range(49) : "aws:tag${n}" => "x" }
  }

  expect_failures = [var.manifest_path, var.tags]
}
