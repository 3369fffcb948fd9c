mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

# The key's and the boundary's ARN are not known yet.
run "can_be_planned_from_nothing" {
  command = plan
}

run "takes_all_settings" {
  assert {
    condition     = output.clone_url == "codecommit::eu-central-1://shop-config"
    error_message = output.clone_url
  }

  assert {
    condition     = strcontains(output.console_url, "/pipelines/shop-releases/view")
    error_message = output.console_url
  }

  assert {
    condition = { for statement in jsondecode(aws_kms_key.gitops.policy).Statement : statement.Sid => statement.Principal } == {
      Account = { AWS = "arn:aws:iam::111111111111:root" }
      Logs    = { Service = "logs.eu-central-1.amazonaws.com" }
      Alarms  = { Service = "cloudwatch.amazonaws.com" }
    }
    error_message = aws_kms_key.gitops.policy
  }

  assert {
    condition = jsondecode(aws_sns_topic_policy.on_call.policy).Statement == [{
      Sid       = "Alarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = "arn:aws:sns:eu-central-1:111111111111:releases"
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:eu-central-1:111111111111:alarm:shop-releases-*" }
        StringEquals = { "aws:SourceAccount" = "111111111111" }
      }
    }]
    error_message = aws_sns_topic_policy.on_call.policy
  }
}

# Names that the plan already knows must not change with a second apply.
run "stays_as_it_is" {
  command = plan

  assert {
    condition     = strcontains(output.console_url, "eu-central-1") && output.deploy_role_arn != "" && output.dashboard_name == "shop-releases-eu-central-1"
    error_message = "A second plan does not know what the first apply made."
  }
}
